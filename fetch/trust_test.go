package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/dial"
	"haulmail/fetch/pop3/pop3test"
)

// selfSigned is a lab whose server shows a certificate that no authority knows.
func selfSigned(t *testing.T, w wire, msgs []pop3test.Message) (*lab, *dialogue) {
	t.Helper()
	l, heard := hostileLab(t, w, pop3test.Cert{SelfSigned: true, Hosts: []string{"elsewhere.example"}}, msgs)
	l.account.TLSCAFile = ""
	return l, heard
}

// pinOf is what a server's certificate is pinned by.
func pinOf(t *testing.T, server *tls.Config) (key, cert dial.Pin) {
	t.Helper()
	own, err := x509.ParseCertificate(server.Certificates[0].Certificate[0])
	check(t, err)
	return dial.KeyPin(own), dial.CertPin(own)
}

// anotherKey has the server come back with another certificate on the same port.
func (l *lab) anotherKey(cert pop3test.Cert) {
	l.t.Helper()
	ca, err := hostileCA()
	check(l.t, err)
	fresh, err := ca.TLS(cert)
	check(l.t, err)
	l.server.TLS.Certificates = fresh.Certificates
}

// toldNothing checks that the server was told neither a name nor a password.
func toldNothing(t *testing.T, heard *dialogue, told string) {
	t.Helper()
	for _, line := range strings.Split(heard.String(), "\n") {
		if _, command, sent := strings.Cut(line, " C: "); sent && command != "STLS" && command != "QUIT" && command != "CAPA" {
			t.Errorf("the server was told %q", command)
		}
	}
	if strings.Contains(heard.String()+told, "s3cret") {
		t.Error("the password is told")
	}
}

func TestPinnedServer(t *testing.T) {
	leavesNothing(t)
	for _, w := range bothTLS {
		t.Run(w.name, func(t *testing.T) {
			l, heard := selfSigned(t, w, mail(2))
			key, cert := pinOf(t, l.server.TLS)
			wrong := config.Pin{Key: true, Sum: cert.Sum}
			l.account.TLSPins = []config.Pin{wrong}
			r := l.want(0, 0, Unavailable)
			if !strings.Contains(r.Err.Error(), key.String()) || !strings.Contains(r.Err.Error(), dial.Pin(wrong).String()) {
				t.Errorf("does not show both: %v", r.Err)
			}
			toldNothing(t, heard, r.Err.Error()+l.said())
			l.account.TLSPins = []config.Pin{wrong, config.Pin(key)}
			l.want(2, 0, None)
			l.account.TLSPins = []config.Pin{config.Pin(cert)}
			l.want(0, 0, None)
		})
	}
}

// The first key is remembered; another one is refused until somebody accepts it.
func TestFirstUse(t *testing.T) {
	leavesNothing(t)
	for _, w := range bothTLS {
		t.Run(w.name, func(t *testing.T) {
			l, heard := selfSigned(t, w, mail(2))
			l.account.TLSFirstUse = true
			l.options.DryRun = true
			l.want(0, 0, None)
			first, _ := pinOf(t, l.server.TLS)
			if said := l.said(); strings.Count(said, "not known yet, and this run remembers none: "+first.String()) != 1 {
				t.Errorf("said %s", said)
			}
			l.options.DryRun = false
			l.want(2, 0, None)
			if said := l.said(); strings.Count(said, "trusted from now on: "+first.String()) != 1 {
				t.Errorf("said %s", said)
			}
			for _, dryRun := range []bool{false, true} {
				l.options.DryRun = dryRun
				l.want(0, 0, None)
				if said := l.said(); strings.Contains(said, "trusted") || strings.Contains(said, "not known") {
					t.Errorf("told again: %s", said)
				}
			}

			l.anotherKey(pop3test.Cert{})
			second, _ := pinOf(t, l.server.TLS)
			before := heard.String()
			for _, dryRun := range []bool{false, true} {
				l.options.DryRun = dryRun
				r := l.want(0, 0, Unavailable)
				e, _ := errors.AsType[*Error](r.Err)
				if !strings.Contains(r.Err.Error(), "shows "+second.String()+", not "+first.String()) || !strings.Contains(e.Hint, "haulmail fetch --accept-key work") {
					t.Errorf("%v, hint %q", r.Err, e.Hint)
				}
				toldNothing(t, &dialogue{lines: []string{strings.TrimPrefix(heard.String(), before)}}, r.Err.Error())
			}
			l.options.DryRun, l.options.AcceptKey = false, true
			l.want(0, 0, None)
			if said := l.said(); !strings.Contains(said, "accepted: "+second.String()+" in place of "+first.String()) {
				t.Errorf("said %s", said)
			}
			l.options.AcceptKey = false
			l.want(0, 0, None)
		})
	}
}

// A server that knows no TLS but 1.2 is refused by an account that wants 1.3, and is told nothing.
func TestMinVersionOfAccount(t *testing.T) {
	for _, w := range bothTLS {
		t.Run(w.name, func(t *testing.T) {
			l, heard := hostileLab(t, w, pop3test.Cert{MaxVersion: tls.VersionTLS12}, mail(1))
			l.account.TLSMinVersion = config.TLS13
			r := l.want(0, 0, Unavailable)
			toldNothing(t, heard, r.Err.Error())
			l.account.TLSMinVersion = config.TLS12
			l.want(1, 0, None)
		})
	}
}

// check remembers the key too: who has looked at it means that one.
func TestCheckIsAFirstUse(t *testing.T) {
	l, _ := selfSigned(t, implicit, mail(1))
	l.account.TLSFirstUse = true
	if r := Check(t.Context(), []*config.Account{l.account}, l.options)[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	l.anotherKey(pop3test.Cert{})
	l.want(0, 0, Unavailable)
	if r := Check(t.Context(), []*config.Account{l.account}, l.options)[0]; ClassOf(r.Err) != Unavailable {
		t.Errorf("check: %v", r.Err)
	}
}

// The error of a server without a known authority tells what to type for its pin.
func TestHintOfUnknownAuthority(t *testing.T) {
	l, _ := hostileLab(t, implicit, pop3test.Cert{}, nil)
	l.account.TLSCAFile = ""
	for _, c := range []struct {
		config, state string
		oneOff        []string
		want          string
	}{
		{"", "", nil, "name its certificate's file in tls_ca_file, or paste the pin: haulmail check --connect work shows it"},
		{"my mail.toml", "", nil, "haulmail check --connect -c 'my mail.toml' work shows it"},
		{"c.toml", "/var/lib/haulmail", nil, "haulmail check --connect -c c.toml --state-dir /var/lib/haulmail work shows it"},
		{"", "", []string{"--url", "pops://me@localhost"}, "give its pin by --tls-fingerprint: haulmail check --connect --url pops://me@localhost shows it"},
	} {
		l.options.Config, l.options.State, l.options.OneOff = c.config, c.state, c.oneOff
		if e := errOf(t, l.want(0, 0, Unavailable)); !strings.Contains(e.Hint, c.want) {
			t.Errorf("hint %q, want %q", e.Hint, c.want)
		}
	}
}

// check shows what the server shows and offers, and warns of what ends soon; of a server that is not trusted it shows the pin.
func TestCheckShows(t *testing.T) {
	l, _ := hostileLab(t, implicit, pop3test.Cert{}, nil)
	l.server.Caps = append(pop3test.DefaultCaps(), "EXPIRE 30", "LOGIN-DELAY 60")
	key, _ := pinOf(t, l.server.TLS)
	looked := func() (Result, []Event) {
		l.events = nil
		r := Check(t.Context(), []*config.Account{l.account}, l.options)[0]
		return r, l.events
	}
	r, events := looked()
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	var shown Shown
	var offered Offered
	for _, e := range events {
		switch e := e.(type) {
		case Shown:
			shown = e
		case Offered:
			offered = e
		case Warning:
			t.Errorf("warned: %s", e.Text)
		}
	}
	if !shown.Trusted || shown.Pin != key.String() || len(shown.Chain) != 1 || shown.Chain[0].Issuer != "pop3test CA" {
		t.Errorf("%+v", shown)
	}
	if offered.Expire != "30" || offered.LoginDelay != "60" || strings.Join(offered.Mechanisms, " ") != "PLAIN" || len(offered.Capabilities) < 8 {
		t.Errorf("%+v", offered)
	}

	l.clock = 365*24*time.Hour - 10*24*time.Hour - time.Hour
	if r, _ = looked(); r.Err != nil || !strings.Contains(l.said(), "the server's certificate ends on ") || !strings.Contains(l.said(), "in 9 days") && !strings.Contains(l.said(), "in 10 days") {
		t.Errorf("%v, said %s", r.Err, l.said())
	}
	l.clock = 0

	ca, err := hostileCA()
	check(t, err)
	fresh, err := ca.TLS(pop3test.Cert{SelfSigned: true})
	check(t, err)
	l.server.TLS.Certificates = fresh.Certificates
	key, _ = pinOf(t, l.server.TLS)
	if r, _ = looked(); ClassOf(r.Err) != Unavailable || !strings.Contains(l.said(), key.String()) {
		t.Errorf("%v, said %s", r.Err, l.said())
	}
}

// A pin takes a certificate that is over, and check says that it is.
func TestCheckShowsTheEnd(t *testing.T) {
	l, _ := hostileLab(t, implicit, pop3test.Cert{Expired: true}, nil)
	key, _ := pinOf(t, l.server.TLS)
	l.account.TLSPins = []config.Pin{config.Pin(key)}
	r := Check(t.Context(), []*config.Account{l.account}, l.options)[0]
	if said := l.said(); r.Err != nil || !strings.Contains(said, "the server's certificate ended on ") || strings.Contains(said, "days") {
		t.Errorf("%v, said %s", r.Err, said)
	}
}

// What check can tell of files without a server.
func TestCheckFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		check(t, os.WriteFile(path, []byte(text), mode))
		check(t, os.Chmod(path, mode))
		return path
	}
	ca, err := hostileCA()
	check(t, err)
	cert, key, err := ca.Issue(pop3test.Cert{})
	check(t, err)
	good := write("good.pem", string(cert)+string(key), 0o600)
	for name, row := range map[string]struct {
		trust config.Trust
		class Class
	}{
		"nothing named": {config.Trust{}, None},
		"all there":     {config.Trust{TLSCAFile: write("ca.pem", string(ca.PEM()), 0o644), TLSClientCert: good, TLSClientKey: good}, None},
		"no CA file":    {config.Trust{TLSCAFile: dir + "/none"}, Config},
		"an open key":   {config.Trust{TLSClientCert: good, TLSClientKey: write("open.pem", string(key), 0o644)}, Config},
		"a bad key":     {config.Trust{TLSClientCert: good, TLSClientKey: write("bad.pem", string(pem.EncodeToMemory(&pem.Block{Type: "X"})), 0o600)}, Config},
	} {
		a := &config.Account{Name: "work", Trust: row.trust}
		if r := CheckFiles(t.Context(), []*config.Account{a}, Options{})[0]; ClassOf(r.Err) != row.class {
			t.Errorf("%s: %v", name, r.Err)
		}
	}
}
