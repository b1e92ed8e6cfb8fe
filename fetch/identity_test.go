package fetch

import (
	"testing"

	"haulmail/config"
)

// An account's server is the same one by any port; of two one-offs a port of its own is what tells two tunnels apart.
func TestServerName(t *testing.T) {
	for _, c := range []struct {
		oneOff []string
		server config.Server
		want   string
	}{
		{nil, config.Server{Host: "pop.example.org.", Port: 1110}, "pop.example.org"},
		{nil, config.Server{Host: "pop.example.org", Port: 995}, "pop.example.org"},
		{[]string{"--url"}, config.Server{Host: "pop.example.org", Port: 995}, "pop.example.org"},
		{[]string{"--url"}, config.Server{Host: "pop.example.org.", Port: 110}, "pop.example.org"},
		{[]string{"--url"}, config.Server{Host: "localhost", Port: 1110}, "localhost:1110"},
		{[]string{"--url"}, config.Server{Host: "::1", Port: 1111}, "[::1]:1111"},
	} {
		if got := newEngine(Options{OneOff: c.oneOff}).serverName(c.server); got != c.want {
			t.Errorf("%v %+v is %s, want %s", c.oneOff, c.server, got, c.want)
		}
	}
}
