package token_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/token"
	"haulmail/fetch/token/tokentest"
)

// Everything that a provider is asked goes the account's way, which alone knows its name.
func TestDial(t *testing.T) {
	t.Parallel()
	l := newLab(t, &tokentest.Server{Lifetime: time.Minute})
	_, rest, _ := strings.Cut(l.p.TokenURL, "//")
	there, _, _ := strings.Cut(rest, "/")
	for _, url := range []*string{&l.p.DeviceURL, &l.p.TokenURL} {
		*url = strings.Replace(*url, there, "provider.invalid", 1)
	}
	var gone atomic.Int32
	l.keeper.Dial = func(*config.Account) token.Dial {
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != "provider.invalid:80" {
				t.Errorf("to %s", address)
			}
			gone.Add(1)
			var d net.Dialer
			return d.DialContext(ctx, network, there)
		}
	}
	if _, err := l.keeper.SignIn(t.Context(), l.account, l.approving()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.keeper.Token(t.Context(), l.account); err != nil || l.server.Refreshes() != 1 {
		t.Errorf("%v, %d refreshes", err, l.server.Refreshes())
	}
	if n := gone.Load(); n < 3 {
		t.Errorf("%d connections went that way, want one for each of device code, token and refresh", n)
	}
}
