package secret_test

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/secret"
)

// desktop is a session whose bus does this with each connection, and no more.
func desktop(t *testing.T, do func(net.Conn)) secret.Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	bus, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan bool)
	var open []net.Conn
	go func() {
		defer close(ended)
		for {
			conn, err := bus.Accept()
			if err != nil {
				return
			}
			open = append(open, conn)
			do(conn)
		}
	}()
	t.Cleanup(func() {
		bus.Close()
		<-ended
		for _, conn := range open {
			conn.Close()
		}
	})
	const name = "DBUS_SESSION_BUS_ADDRESS"
	t.Setenv(name, "unix:path="+path) // where the keyring's library looks for it
	return secret.Source{LookupEnv: func(asked string) (string, bool) { return "unix:path=" + path, asked == name }}
}

// A keyring that fails may be locked, and one that is silent, too: it is not waited for beyond the account's time.
func TestKeyringGivesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(net.Conn)
		late bool
		hint string
	}{
		{"it fails", func(conn net.Conn) { conn.Close() }, false, "unlock it on the desktop"},
		{"it is silent", func(net.Conn) {}, true, "unlock it, or set password_timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := desktop(t, c.do)
			a := account(config.Password{Keyring: "mail"})
			if c.late {
				a.PasswordTimeout = config.Duration(100 * time.Millisecond)
			}
			got, err := s.Password(t.Context(), a)
			e := want(t, got, err, "", "password_keyring: ")
			if errors.Is(err, secret.ErrTimeout) != c.late || !strings.Contains(e.Hint, c.hint) {
				t.Errorf("error %v, hint %q; want a hint with %q", err, e.Hint, c.hint)
			}
		})
	}
}

// A password that no keyring is asked to keep is not the keyring's fault.
func TestKeepNoPassword(t *testing.T) {
	err := secret.Source{}.Keep(t.Context(), account(config.Password{Keyring: "mail"}), config.NewSecret("a\nb"))
	if e := want(t, config.Secret{}, err, "", "line end"); e.Hint != "" {
		t.Errorf("hint %q", e.Hint)
	}
}
