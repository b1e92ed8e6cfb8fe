package config_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"haulmail/config"
)

const sum = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

var sumBytes = [32]byte{
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
}

// What the keys of TLS and of the way to the server become.
func TestReach(t *testing.T) {
	trust := func(change func(*config.Trust)) config.Account {
		var a config.Account
		change(&a.Trust)
		return a
	}
	way := func(change func(*config.Way)) config.Account {
		var a config.Account
		change(&a.Way)
		return a
	}
	proxy := func(p config.Proxy) config.Account { return way(func(w *config.Way) { w.Proxy = p }) }
	for _, test := range []struct {
		lines string
		want  config.Account
	}{
		{`tls_fingerprint = "sha256:` + sum + `"`, trust(func(t *config.Trust) { t.TLSPins = []config.Pin{{Sum: sumBytes}} })},
		{`tls_fingerprint = "spki-sha256:` + sum + `"`, trust(func(t *config.Trust) { t.TLSPins = []config.Pin{{Key: true, Sum: sumBytes}} })},
		{
			`tls_fingerprint = ["spki-sha256:ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=", "sha256:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"]`,
			trust(func(t *config.Trust) { t.TLSPins = []config.Pin{{Key: true, Sum: sumBytes}, {Sum: sumBytes}} }),
		},
		{`tls_trust = "first-use"`, trust(func(t *config.Trust) { t.TLSFirstUse = true })},
		{`tls_trust = "system"`, trust(func(*config.Trust) {})},
		{`tls_server_name = "POP.example.net"`, trust(func(t *config.Trust) { t.TLSServerName = "pop.example.net" })},
		{`tls_min_version = "1.3"`, trust(func(t *config.Trust) { t.TLSMinVersion = config.TLS13 })},
		{`tls_client_cert = "me.pem"`, trust(func(t *config.Trust) { t.TLSClientCert, t.TLSClientKey = "/etc/mail/me.pem", "/etc/mail/me.pem" })},
		{"tls_client_cert = \"me.pem\"\ntls_client_key = \"/k\"", trust(func(t *config.Trust) { t.TLSClientCert, t.TLSClientKey = "/etc/mail/me.pem", "/k" })},
		{`ip = "6"`, way(func(w *config.Way) { w.IP = config.IP6 })},
		{`dns_server = "127.0.0.1:5353"`, way(func(w *config.Way) { w.DNSServer = netip.MustParseAddrPort("127.0.0.1:5353") })},
		{`dns_server = "[::1]:53"`, way(func(w *config.Way) { w.DNSServer = netip.MustParseAddrPort("[::1]:53") })},
		{`dns_server = "::1"`, way(func(w *config.Way) { w.DNSServer = netip.MustParseAddrPort("[::1]:53") })},
		{`source_ip = "192.0.2.7"`, way(func(w *config.Way) { w.SourceIP = netip.MustParseAddr("192.0.2.7") })},
		{`proxy = "socks5://127.0.0.1:9050"`, proxy(config.Proxy{Kind: config.ProxySOCKS5, Host: "127.0.0.1", Port: 9050})},
		{`proxy = "http://[::1]:3128/"`, proxy(config.Proxy{Kind: config.ProxyHTTP, Host: "::1", Port: 3128})},
		{
			`proxy = "socks5://me:s%40cret@tor.example.org:9050"`,
			proxy(config.Proxy{Kind: config.ProxySOCKS5, Host: "tor.example.org", Port: 9050, Username: "me", Password: config.NewSecret("s@cret")}),
		},
		{`proxy_command = "ssh -W x gate"`, proxy(config.Proxy{Kind: config.ProxyCommand, Command: config.Command{Shell: "ssh -W x gate"}})},
		{`proxy = "none"`, config.Account{}},
	} {
		a := parse(t, work+test.lines+"\n").Accounts[0]
		if got := (config.Account{Trust: a.Trust, Way: a.Way}); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", test.lines, got, test.want)
		}
	}
}

func TestServerKinds(t *testing.T) {
	for _, test := range []struct {
		lines string
		want  config.Server
		text  string
		tls   config.TLSMode
	}{
		{`server = "srv:Example.ORG."`, config.Server{Kind: config.BySRV, Host: "example.org"}, "srv:example.org", config.TLSBySRV},
		{"server = \"srv:example.org\"\ntls = \"starttls\"", config.Server{Kind: config.BySRV, Host: "example.org"}, "srv:example.org", config.TLSStart},
		{"server = \"unix:/run//pop.sock\"\ntls = \"none\"", config.Server{Kind: config.BySocket, Host: "/run/pop.sock"}, "unix:/run/pop.sock", config.TLSNone},
		{`server = "srv:995"`, config.Server{Host: "srv", Port: 995}, "srv:995", config.TLSImplicit},
		{`server = "unix"`, config.Server{Host: "unix", Port: 995}, "unix:995", config.TLSImplicit},
	} {
		a := parse(t, "[account.a]\nusername = \"me\"\nmaildir = \"m\"\n"+test.lines+"\n").Accounts[0]
		if a.Server != test.want || a.Server.String() != test.text || a.TLS != test.tls {
			t.Errorf("%s\ngot %+v %s %v, want %+v %s %v", test.lines, a.Server, a.Server, a.TLS, test.want, test.text, test.tls)
		}
	}
}

// What an account says of trust or of a proxy replaces all that the defaults say of it.
func TestReachReplacesDefaults(t *testing.T) {
	c := parse(t, `
[defaults]
username = "me"
tls_ca_file = "ca.pem"
proxy = "socks5://127.0.0.1:9050"
[account.a]
server = "a"
maildir = "a"
tls_trust = "first-use"
proxy_command = ["nc", "x"]
[account.b]
server = "b"
maildir = "b"
proxy = "none"
[account.c]
server = "unix:/c"
tls = "none"
maildir = "c"
`)
	a, b, s := c.Accounts[0], c.Accounts[1], c.Accounts[2]
	if a.TLSCAFile != "" || !a.TLSFirstUse || a.Proxy.Kind != config.ProxyCommand || a.Proxy.Host != "" {
		t.Errorf("a: %+v %+v", a.Trust, a.Way)
	}
	if b.TLSCAFile != "/etc/mail/ca.pem" || b.Proxy.Kind != config.NoProxy {
		t.Errorf("b: %+v %+v", b.Trust, b.Way)
	}
	if s.Proxy.Kind != config.NoProxy {
		t.Errorf("c: %+v", s.Way)
	}
}

// A proxy's password is shown by no format.
func TestProxyPasswordIsHidden(t *testing.T) {
	a := parse(t, work+"proxy = \"socks5://me:hunter2@localhost:1080\"\n").Accounts[0]
	if text := fmt.Sprintf("%v %+v %#v", a, a, a.Proxy); strings.Contains(text, "hunter2") {
		t.Error(text)
	}
}

// A proxy's password makes the file a secret, as an account's does.
func TestProxyPasswordNeedsMode(t *testing.T) {
	text := []byte(work + "proxy = \"socks5://me:hunter2@localhost:1080\"\n")
	_, err := config.Parse("/c.toml", "/home/me", text, 0o644)
	if err == nil || !strings.Contains(err.Error(), "can be read by others") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
