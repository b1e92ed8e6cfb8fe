package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"haulmail/fetch/token/tokentest"
)

// secretConfig is an account at one of sample's servers; the further lines say where its password comes from.
func secretConfig(addr string, lines ...string) string {
	return fmt.Sprintf("[account.work]\nserver = %q\ntls = \"none\"\nusername = \"me\"\nmaildir = \"Mail/work\"\n%s\n", addr, strings.Join(lines, "\n"))
}

// A password program may ask the person at the terminal, as a PIN entry does.
func TestPasswordCommandAsks(t *testing.T) {
	h := newHome(t, secretConfig(sample(t), `password_command = "printf 'PIN: ' >/dev/tty; read -r pin </dev/tty; echo $pin"`))
	h.binary = haulmailBinaryTB
	typed := false
	r, shown := h.talk(t, func(shown string) string {
		if !typed && strings.Contains(shown, "PIN: ") {
			typed = true
			return "secret\n"
		}
		return ""
	}, "fetch", "work")
	if r.exits(t, 0); !typed {
		t.Errorf("nothing was asked: %q", shown)
	}
}

// No program of a run finds the passwords that accounts have in variables, also those of accounts that are not in the run.
func TestProgramsFindNoPasswords(t *testing.T) {
	addr := sample(t)
	h := newHome(t, secretConfig(addr, `password_command = "env >work.env; echo secret"`)+fmt.Sprintf(`
[account.token]
server = %[1]q
tls = "none"
username = "me"
maildir = "Mail/token"
token_command = "env >token.env; echo token"
[account.far]
server = %[1]q
tls = "none"
username = "me"
maildir = "Mail/far"
password = "secret"
proxy_command = "env >far.env; exit 3"
[account.other]
server = %[1]q
tls = "none"
username = "me"
maildir = "Mail/other"
password_env = "OTHER_PASSWORD"
`, addr))
	h.env = []string{"OTHER_PASSWORD=secret", "OTHER_PASSWORD_HINT=kept"}
	h.run(t, "fetch", "work", "token", "far")
	for _, account := range []string{"work", "token", "far"} {
		text, err := os.ReadFile(filepath.Join(h.dir, account+".env"))
		if err != nil {
			t.Fatal(err)
		}
		if env := string(text); strings.Contains(env, "OTHER_PASSWORD=") || !strings.Contains(env, "OTHER_PASSWORD_HINT=kept") {
			t.Errorf("the program of %s finds %s", account, env)
		}
	}
	h.run(t, "fetch", "other").exits(t, 0)
}

// Who logs in by a certificate is not asked for a password.
func TestCertificateAsksNothing(t *testing.T) {
	for _, auth := range []string{"auto", "external"} {
		h := newHome(t, fmt.Sprintf("[account.work]\nserver = \"127.0.0.1:1\"\nusername = \"me\"\nmaildir = \"Mail/work\"\n"+
			"tls_client_cert = \"me.pem\"\nauth = %q\n", auth))
		h.binary = haulmailBinaryTB
		asked := false
		r, _ := h.talk(t, func(shown string) string {
			if !asked && strings.Contains(shown, "Password of") {
				asked = true
				return "secret\n"
			}
			return ""
		}, "fetch", "work")
		if r.exits(t, 75); asked {
			t.Errorf("auth = %q: a password was asked for: %v", auth, r)
		}
	}
}

// proxyFor is a proxy that lets everybody through and tells where to.
func proxyFor(t *testing.T) (addr string, asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var targets []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		targets = append(targets, r.Method+" "+r.Host)
		mu.Unlock()
		there, err := net.Dial("tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(there, here); there.Close() }()
		_, _ = io.Copy(here, there)
		here.Close()
	}))
	t.Cleanup(proxy.Close)
	return strings.TrimPrefix(proxy.URL, "http://"), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(targets)
	}
}

// Who may know neither where the mail nor where the tokens come from is shown neither.
func TestSignInThroughAProxy(t *testing.T) {
	proxy, asked := proxyFor(t)
	oauth := &tokentest.Server{Lifetime: time.Minute} // each run refreshes that
	s := newSigning(t, oauth, fmt.Sprintf("proxy = \"http://%s\"", proxy))
	s.signIn(t)
	s.run(t, "fetch", "work").exits(t, 0)
	if len(asked()) < 4 || oauth.Refreshes() != 1 {
		t.Errorf("the proxy was asked for %q, after %d refreshes; want the provider for code, token and refresh, and the server", asked(), oauth.Refreshes())
	}
}
