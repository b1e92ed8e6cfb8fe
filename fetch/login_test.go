package fetch

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/sasl"
)

// row is one login: what the server offers and does, how the account asks, and how it ends.
type loginRow struct {
	name    string
	offers  []string // mechanisms beside PLAIN
	caps    []string // the whole of CAPA, where that is not what the server can do
	auth    config.Auth
	tls     config.TLSMode
	version uint16 // the newest of TLS
	setUp   func(*loginLab)

	by    string // the way that got in, or
	class Class
	err   string // the end of the error
	hint  string // a part of the hint
}

// loginLab is a server with TLS and an account that trusts it; its user has a password and a token.
type loginLab struct {
	*lab
	ca     *pop3test.CA
	heard  *dialogue
	secret string // the account's password or token
}

const (
	labPassword = "pä s3cret"
	labToken    = "ya29.A0ARrdaM-token"
)

func newLoginLab(t *testing.T, row loginRow) *loginLab {
	t.Helper()
	ca, err := hostileCA()
	check(t, err)
	server, err := ca.TLS(pop3test.Cert{MaxVersion: row.version})
	check(t, err)
	server.ClientAuth, server.ClientCAs = tls.VerifyClientCertIfGiven, ca.Pool()
	if row.tls == config.TLSNone {
		server = nil
	}
	box := pop3test.NewMailbox(mail(2)...)
	l := &loginLab{ca: ca, heard: &dialogue{}}
	l.lab = newLabAt(t, box, &pop3test.Server{
		Users:      map[string]pop3test.User{"me": {Password: labPassword, Token: labToken, Mailbox: box}},
		TLS:        server,
		STLS:       row.tls == config.TLSStart,
		Mechanisms: row.offers,
		Caps:       row.caps,
		APOP:       true,
		Log:        l.heard.add,
	})
	l.account.TLS, l.account.Auth = row.tls, row.auth
	l.account.TLSCAFile = l.file("ca.pem", ca.PEM())
	l.has(labPassword)
	if row.setUp != nil {
		row.setUp(l)
	}
	return l
}

func (l *loginLab) file(name string, data []byte) string {
	l.t.Helper()
	path := filepath.Join(l.t.TempDir(), name)
	check(l.t, os.WriteFile(path, data, 0o600))
	return path
}

// has gives the account this password or token.
func (l *loginLab) has(secret string) {
	l.secret = secret
	l.options.Password = func(context.Context, *config.Account) (config.Secret, error) { return config.NewSecret(secret), nil }
}

func byToken(l *loginLab) {
	l.account.Password.TokenCommand = config.Command{Shell: "token"}
	l.has(labToken)
}

// byCertificate gives the account a certificate for a name; nobody may be asked for a password.
func byCertificate(name string) func(*loginLab) {
	return func(l *loginLab) {
		cert, key, err := l.ca.Issue(pop3test.Cert{Hosts: []string{name}})
		check(l.t, err)
		l.account.TLSClientCert, l.account.TLSClientKey = l.file("me.pem", cert), l.file("me.key", key)
	}
}

// orPassword gives the account a certificate and a password, too.
func orPassword(name string) func(*loginLab) {
	return func(l *loginLab) {
		byCertificate(name)(l)
		l.account.Password.Env = "PASSWORD"
	}
}

func wrongSecret(l *loginLab) { l.has("n0t it") }

func wrongToken(l *loginLab) { byToken(l); l.has("n0t a token") }

// refuses makes the server refuse these mechanisms in these words.
func refuses(text string, names ...string) func(*loginLab) {
	return func(l *loginLab) {
		l.server.SASL = map[string]pop3test.Mechanism{}
		for _, name := range names {
			l.server.SASL[name] = func([]byte, func([]byte) ([]byte, error)) (string, error) { return "", pop3test.Refusal(text) }
		}
	}
}

func faults(all ...pop3test.Fault) func(*loginLab) {
	return func(l *loginLab) { l.server.SetFaults(all...) }
}

func challenged(nth int, text string) pop3test.Fault {
	return pop3test.Fault{On: pop3test.Challenge, Nth: nth, Ignore: true, Text: "+ " + inBase64(text) + "\r\n"}
}

var loginRows = []loginRow{
	// Each way, by its name and by itself.
	{name: "USER and PASS", auth: config.AuthUserPass, by: "USER/PASS"},
	{name: "APOP", auth: config.AuthAPOP, by: "APOP"},
	{name: "PLAIN", auth: config.AuthPlain, by: "PLAIN"},
	{name: "LOGIN", auth: config.AuthLogin, offers: []string{"LOGIN"}, by: "LOGIN"},
	{name: "CRAM-MD5", auth: config.AuthCRAMMD5, offers: []string{"CRAM-MD5"}, by: "CRAM-MD5"},
	{name: "SCRAM-SHA-1", auth: config.AuthSCRAMSHA1, offers: []string{"SCRAM-SHA-1"}, by: "SCRAM-SHA-1"},
	{name: "SCRAM-SHA-256", auth: config.AuthSCRAMSHA256, offers: []string{"SCRAM-SHA-256"}, by: "SCRAM-SHA-256"},
	{name: "SCRAM-SHA-1-PLUS", auth: config.AuthSCRAMSHA1Plus, offers: []string{"SCRAM-SHA-1-PLUS"}, by: "SCRAM-SHA-1-PLUS"},
	{name: "SCRAM-SHA-256-PLUS, TLS 1.3", auth: config.AuthSCRAMSHA256Plus, offers: []string{"SCRAM-SHA-256-PLUS"}, by: "SCRAM-SHA-256-PLUS"},
	{name: "SCRAM-SHA-256-PLUS, TLS 1.2", auth: config.AuthSCRAMSHA256Plus, offers: []string{"SCRAM-SHA-256-PLUS"}, version: tls.VersionTLS12, by: "SCRAM-SHA-256-PLUS"},
	{name: "SCRAM-SHA-256-PLUS, STLS", auth: config.AuthSCRAMSHA256Plus, tls: config.TLSStart, offers: []string{"SCRAM-SHA-256-PLUS"}, by: "SCRAM-SHA-256-PLUS"},
	{name: "EXTERNAL", auth: config.AuthExternal, offers: []string{"EXTERNAL"}, setUp: byCertificate("me"), by: "EXTERNAL"},
	{name: "XOAUTH2", auth: config.AuthXOAUTH2, offers: []string{"XOAUTH2"}, setUp: byToken, by: "XOAUTH2"},
	{name: "XOAUTH2, a token in the password's place", auth: config.AuthXOAUTH2, offers: []string{"XOAUTH2"}, setUp: func(l *loginLab) { l.has(labToken) }, by: "XOAUTH2"},
	{name: "OAUTHBEARER", auth: config.AuthOAUTHBEARER, offers: []string{"OAUTHBEARER"}, setUp: byToken, by: "OAUTHBEARER"},

	// The choice.
	{name: "auto", by: "PLAIN"},
	{name: "auto without TLS", tls: config.TLSNone, offers: []string{"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"}, by: "SCRAM-SHA-1"},
	{name: "auto, all", offers: []string{"LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "XOAUTH2", "SCRAM-SHA-256"}, by: "SCRAM-SHA-256-PLUS"},
	{name: "auto, a token", offers: []string{"XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-256"}, setUp: byToken, by: "OAUTHBEARER"},
	{name: "auto, a certificate", offers: []string{"EXTERNAL", "SCRAM-SHA-256"}, setUp: byCertificate("me"), by: "EXTERNAL"},
	{name: "auto, CAPA is not known", setUp: faults(pop3test.Refuse("CAPA", "unknown command")), by: "USER/PASS"},
	{name: "by name, CAPA is not known", auth: config.AuthPlain, setUp: faults(pop3test.Refuse("CAPA", "unknown command")), by: "PLAIN"},
	{
		name: "by name, CAPA is not known, and there is a binding", auth: config.AuthSCRAMSHA256, offers: []string{"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"},
		setUp: faults(pop3test.Refuse("CAPA", "unknown command")), by: "SCRAM-SHA-256",
	},
	{
		name: "by name, not offered", auth: config.AuthSCRAMSHA256, offers: []string{"LOGIN"}, class: Config,
		err: "the server does not offer SCRAM-SHA-256, but PLAIN, LOGIN, USER/PASS, APOP", hint: `auth = "auto"`,
	},
	{
		name: "CRAM-MD5 is no fallback", caps: []string{"SASL CRAM-MD5 DIGEST-MD5"}, offers: []string{"CRAM-MD5"}, class: Config,
		err:  `nothing that the server offers can be used: CRAM-MD5 (used only by auth = "cram-md5"), APOP (used only by auth = "apop"), DIGEST-MD5 (not supported)`,
		hint: `auth = "cram-md5" uses it all the same`,
	},
	{
		name: "a token for no one", setUp: byToken, class: Config,
		err:  "nothing that the server offers can be used: PLAIN (takes a password), USER/PASS (takes a password), APOP (takes a password)",
		hint: "does this provider take OAuth2 tokens",
	},

	// What does not work and says nothing gives way.
	{name: "PLAIN announced and refused", setUp: refuses("no", "PLAIN"), by: "USER/PASS"},
	{name: "all but LOGIN refused", offers: []string{"SCRAM-SHA-256", "LOGIN"}, setUp: refuses("Invalid command", "PLAIN", "SCRAM-SHA-256"), by: "LOGIN"},
	{name: "OAUTHBEARER refused", offers: []string{"XOAUTH2"}, setUp: func(l *loginLab) { byToken(l); refuses("no", "OAUTHBEARER")(l) }, by: "XOAUTH2"},
	{name: "the binding refused", offers: []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}, setUp: faults(challenged(1, "e=unsupported-channel-binding-type")), by: "SCRAM-SHA-256"},
	{name: "garbage in SCRAM", offers: []string{"SCRAM-SHA-1"}, setUp: faults(challenged(1, "garbage")), by: "PLAIN"},
	{name: "a certificate refused", offers: []string{"EXTERNAL"}, setUp: orPassword("you"), by: "PLAIN"},
	{name: "a certificate not taken", setUp: orPassword("me"), by: "PLAIN"},
	{
		name: "all refused", offers: []string{"CRAM-MD5"}, setUp: func(l *loginLab) {
			refuses("no", "PLAIN")(l)
			l.server.SetFaults(pop3test.Refuse("USER", ""))
		},
		class: Login,
		err:   `the server refused AUTH PLAIN: "no"; then the server refused USER me without a reason; not tried: CRAM-MD5 (used only by auth = "cram-md5"), APOP (used only by auth = "apop")`,
		hint:  "are username and password right?",
	},
	{name: "by name, refused", auth: config.AuthPlain, setUp: refuses("no", "PLAIN"), class: Login, err: `the server refused AUTH PLAIN: "no"`},

	// What says that it is the password's fault does not.
	{name: "wrong password", setUp: wrongSecret, class: Login, err: `the server refused AUTH PLAIN: "[AUTH] wrong user name or password"`},
	{name: "wrong password, in words", setUp: refuses("Authentication failed.", "PLAIN"), class: Login, err: `the server refused AUTH PLAIN: "Authentication failed."`},
	{name: "wrong password, another is asked for", setUp: refuses("Invalid password, please try again", "PLAIN"), class: Login, hint: "are username and password right?"},
	{name: "wrong password, SCRAM", offers: []string{"SCRAM-SHA-256"}, setUp: wrongSecret, class: Login, err: `the server refused AUTH SCRAM-SHA-256: "[AUTH] wrong user name or password" ("invalid-proof")`},
	{name: "wrong password, CRAM-MD5", auth: config.AuthCRAMMD5, offers: []string{"CRAM-MD5"}, setUp: wrongSecret, class: Login, err: `the server refused AUTH CRAM-MD5: "[AUTH] wrong user name or password"`},
	{name: "wrong password, APOP", auth: config.AuthAPOP, setUp: wrongSecret, class: Login, err: `the server refused APOP me: "[AUTH] wrong user name or password"`},
	{name: "somebody else's certificate", auth: config.AuthExternal, offers: []string{"EXTERNAL"}, setUp: byCertificate("you"), class: Login, hint: "tls_client_cert"},
	{name: "somebody else's certificate and no password", offers: []string{"EXTERNAL"}, setUp: byCertificate("you"), class: Login, hint: "tls_client_cert"},
	{
		name: "a certificate and no password for no one", setUp: byCertificate("me"), class: Config,
		err:  "nothing that the server offers can be used: PLAIN (takes a password), USER/PASS (takes a password), APOP (takes a password)",
		hint: "by a client certificate alone: set password_command",
	},
	{
		name: "expired token", offers: []string{"XOAUTH2", "OAUTHBEARER"}, setUp: wrongToken, class: Login,
		err: `the server refused AUTH OAUTHBEARER: "[AUTH] token refused" ("status invalid_token")`, hint: "the token",
	},
	{
		name: "expired token, XOAUTH2", offers: []string{"XOAUTH2"}, setUp: wrongToken, class: Login,
		err: `the server refused AUTH XOAUTH2: "[AUTH] token refused" ("status 400, scope https://mail.example.org/")`,
	},
	{name: "wrong for the moment", setUp: refuses("Temporary authentication failure", "PLAIN"), class: Temporary},
	{name: "wrong until later", setUp: refuses("Authentication failed. Please try again later.", "PLAIN"), class: Temporary},
	{name: "locked and worded as wrong", setUp: refuses("Login failed: mailbox in use", "PLAIN"), class: Temporary},
	{name: "mailbox in use", setUp: refuses("[IN-USE] no", "PLAIN"), class: Temporary, err: `the server refused AUTH PLAIN: "[IN-USE] no"`},

	// Servers that are not what they should be get nothing more.
	{
		name: "a proof that is none", offers: []string{"SCRAM-SHA-256"}, setUp: faults(challenged(2, "v=AAAA")), class: Protocol,
		err: "SCRAM-SHA-256: the server has not proved that it knows the password", hint: "another server",
	},
	{
		name: "no proof at all", offers: []string{"SCRAM-SHA-256"}, setUp: func(l *loginLab) {
			l.server.SASL = map[string]pop3test.Mechanism{"SCRAM-SHA-256": func([]byte, func([]byte) ([]byte, error)) (string, error) { return "me", nil }}
		},
		class: Protocol, err: "SCRAM-SHA-256: the server has not proved that it knows the password",
	},
	{
		name: "the offer of a binding taken away", caps: []string{"SASL SCRAM-SHA-256 PLAIN"}, offers: []string{"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}, auth: config.AuthSCRAMSHA256,
		class: Unavailable, err: `("server-does-support-channel-binding")`, hint: "stands between",
	},
	{name: "few iterations", auth: config.AuthSCRAMSHA1, offers: []string{"SCRAM-SHA-1"}, setUp: faults(challenged(1, "r=x,s=AAAA,i=1")), class: Protocol, err: "SCRAM-SHA-1: the server asks for less than 4096 iterations"},
	{name: "a client key that is not there", offers: []string{"EXTERNAL"}, setUp: func(l *loginLab) { l.account.TLSClientCert, l.account.TLSClientKey = "/nowhere", "/nowhere" }, class: Config},
}

// Each mechanism against a server of its kind: the way that gets in, or why none does; the password, the token and what is sent of
// them are told nowhere; and no AUTH goes without an argument.
func TestLogins(t *testing.T) {
	leavesNothing(t)
	for _, row := range loginRows {
		t.Run(row.name, func(t *testing.T) {
			l := newLoginLab(t, row)
			var said told
			l.options.Report = func(e Event) { l.report(e); said.add(e) }
			l.options.Wire = func(_ string, _ bool, line string) { said.add(line) }
			r := l.run()
			said.add(r)
			if ClassOf(r.Err) != row.class {
				t.Fatalf("it ended with class %d, want %d: %v\n%s", ClassOf(r.Err), row.class, r.Err, l.heard)
			}
			if row.class == None {
				l.loggedInBy(row.by)
			} else {
				said.add(r.Err.Error() + errOf(t, r).Hint)
				if !strings.HasSuffix(r.Err.Error(), row.err) || !strings.Contains(errOf(t, r).Hint, row.hint) {
					t.Errorf("the error is\n%v\nwant\n%s\nhint: %s\nwant: %s", r.Err, row.err, errOf(t, r).Hint, row.hint)
				}
			}
			l.toldNothingOf(&said)
		})
	}
}

// loggedInBy checks the way, and that all mail came by it.
func (l *loginLab) loggedInBy(way string) {
	l.t.Helper()
	i := slices.IndexFunc(l.events, func(e Event) bool { _, is := e.(LoggedIn); return is })
	if got := l.events[i].(LoggedIn).Mechanism; got != way {
		l.t.Errorf("logged in by %s, want %s\n%s", got, way, l.heard)
	}
	l.holds(texts(l.t, mail(2))...)
}

// toldNothingOf checks that nothing of what was told is the secret, or a line that the client sent to prove it.
func (l *loginLab) toldNothingOf(said *told) {
	l.t.Helper()
	secrets := echoes("me", l.secret)
	for line := range strings.Lines(l.heard.String()) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), " ")
		command, is := strings.CutPrefix(line, "C: ")
		words := strings.Fields(command)
		switch {
		case !is || len(words) == 0:
		case words[0] == "AUTH" && len(words) == 1:
			l.t.Errorf("an AUTH without an argument\n%s", l.heard)
		case words[0] == "AUTH" && len(words) == 3, words[0] == "APOP":
			secrets = append(secrets, words[2])
		case len(words) == 1 && len(words[0]) > 12: // a response
			secrets = append(secrets, words[0])
		}
	}
	for _, secret := range secrets {
		if line := around(said.String(), secret); line != "" {
			l.t.Errorf("%q is told: %.300s", secret, line)
		}
	}
}

// The binding is tls-exporter with TLS 1.3 and tls-server-end-point before.
func TestBindingByVersion(t *testing.T) {
	for version, begins := range map[uint16]string{tls.VersionTLS13: "p=tls-exporter,,n=me,", tls.VersionTLS12: "p=tls-server-end-point,,n=me,"} {
		l := newLoginLab(t, loginRow{offers: []string{"SCRAM-SHA-256-PLUS"}, version: version})
		l.want(2, 0, None)
		_, sent, _ := strings.Cut(l.heard.String(), "C: AUTH SCRAM-SHA-256-PLUS ")
		sent, _, _ = strings.Cut(sent, "\n")
		if first, err := base64.StdEncoding.DecodeString(sent); err != nil || !strings.HasPrefix(string(first), begins) {
			t.Errorf("%s: it begins with %q, %v", tls.VersionName(version), first, err)
		}
	}
}

// A man in the middle whose certificate is trusted gets a password by PLAIN, and in by SCRAM; channel binding shows him up.
func TestManInTheMiddle(t *testing.T) {
	for _, row := range []loginRow{
		{name: "SCRAM", auth: config.AuthSCRAMSHA256, offers: []string{"SCRAM-SHA-256"}, by: "SCRAM-SHA-256"},
		{name: "tls-exporter", auth: config.AuthSCRAMSHA256Plus, offers: []string{"SCRAM-SHA-256-PLUS"}, class: Unavailable},
		{name: "tls-server-end-point", auth: config.AuthSCRAMSHA256Plus, offers: []string{"SCRAM-SHA-256-PLUS"}, version: tls.VersionTLS12, class: Unavailable},
		{name: "auto", offers: []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "LOGIN"}, class: Unavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLoginLab(t, row)
			l.account.Server.Port = l.relay(row.version)
			r := l.run()
			if ClassOf(r.Err) != row.class {
				t.Fatalf("it ended with class %d, want %d: %v\n%s", ClassOf(r.Err), row.class, r.Err, l.heard)
			}
			if row.class == None {
				l.loggedInBy(row.by)
			} else if !strings.Contains(r.Err.Error(), "channel-bindings-dont-match") {
				t.Errorf("it ended with %v", r.Err)
			}
		})
	}
}

// relay stands between the client and the server, with a TLS connection to each, and gives its port.
func (l *loginLab) relay(version uint16) (port int) {
	l.t.Helper()
	server := l.account.Server.String()
	own, err := l.ca.TLS(pop3test.Cert{MaxVersion: version})
	check(l.t, err)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", own)
	check(l.t, err)
	l.t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := tls.Dial("tcp", server, &tls.Config{RootCAs: l.ca.Pool(), ServerName: "localhost", MaxVersion: version})
			if err != nil {
				client.Close()
				return
			}
			between := func(to, from net.Conn) {
				_, _ = io.Copy(to, from)
				to.Close()
			}
			go between(server, client)
			go between(client, server)
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port
}

// Nobody is asked for a password where none is used.
func TestExternalAsksForNoPassword(t *testing.T) {
	for _, auth := range []config.Auth{config.AuthExternal, config.AuthAuto} {
		l := newLoginLab(t, loginRow{auth: auth, offers: []string{"EXTERNAL"}, setUp: byCertificate("me")})
		l.options.Password = func(context.Context, *config.Account) (config.Secret, error) {
			t.Errorf("auth %s: the password is asked for", auth)
			return config.Secret{}, nil
		}
		l.want(2, 0, None)
	}
}

// A way that does not work is told of before the next one is tried.
func TestLoginTried(t *testing.T) {
	l := newLoginLab(t, loginRow{offers: []string{"SCRAM-SHA-1"}, setUp: refuses("what?", "SCRAM-SHA-1")})
	l.want(2, 0, None)
	i := slices.IndexFunc(l.events, func(e Event) bool { _, is := e.(LoginTried); return is })
	if i < 0 {
		t.Fatalf("not told: %s", l.said())
	}
	if e := l.events[i].(LoginTried); e.Mechanism != "SCRAM-SHA-1" || e.Err.Error() != `the server refused AUTH SCRAM-SHA-1: "what?"` {
		t.Errorf("told as %+v", e)
	}
}

// Whatever the config can ask for, package sasl knows.
func TestEveryAuthIsKnown(t *testing.T) {
	n := 0
	for a := config.AuthAuto; !strings.HasPrefix(a.String(), "invalid"); a++ {
		n++
		if !sasl.Knows(a.String()) {
			t.Errorf("auth %q is not known", a)
		}
	}
	if n < 13 {
		t.Errorf("only %d values", n)
	}
}
