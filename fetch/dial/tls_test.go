package dial

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shake does a handshake for pop.example.org at noon and reads the greeting.
func shake(t *testing.T, conn net.Conn, o TLSOptions, limit time.Duration) (*tls.Conn, error) {
	t.Helper()
	if o.ServerName == "" {
		o.ServerName = "pop.example.org"
	}
	o.Now = func() time.Time { return noon }
	cfg, err := TLSConfig(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	client, err := Handshake(ctx, conn, cfg)
	if err != nil {
		return nil, err
	}
	greeting, err := io.ReadAll(client)
	if string(greeting) != "+OK ready\r\n" || err != nil {
		t.Errorf("greeting %q, %v", greeting, err)
	}
	return client, nil
}

func TestHandshake(t *testing.T) {
	ca := issue(t, nil, authority("Test CA"))
	middle := issue(t, ca, authority("Middle CA"))
	leaf := issue(t, ca, nil)
	below := issue(t, middle, nil)
	byIP := issue(t, ca, func(c *x509.Certificate) {
		c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1), net.ParseIP("fe80::1")}
	})
	for name, row := range map[string]struct {
		server  *tls.Config
		options TLSOptions
	}{
		"known authority":               {chain(leaf), TLSOptions{Roots: pool(ca)}},
		"trailing dot":                  {chain(leaf), TLSOptions{Roots: pool(ca), ServerName: "pop.example.org."}},
		"capitals":                      {chain(leaf), TLSOptions{Roots: pool(ca), ServerName: "POP.example.org"}},
		"an authority in between":       {chain(below, middle), TLSOptions{Roots: pool(ca)}},
		"IPv4 address":                  {chain(byIP), TLSOptions{Roots: pool(ca), ServerName: "192.0.2.1"}},
		"IPv6 address with a zone":      {chain(byIP), TLSOptions{Roots: pool(ca), ServerName: "fe80::1%eth0"}},
		"CA file":                       {chain(leaf), TLSOptions{CAFile: file(t, "ca.pem", ca.pem())}},
		"the server's own in a CA file": {chain(leaf), TLSOptions{CAFile: file(t, "ca.pem", leaf.pem())}},
	} {
		t.Run(name, func(t *testing.T) {
			noGoroutineLeft(t)
			client, err := shake(t, serve(t, speakTLS(row.server)), row.options, 5*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			state := client.ConnectionState()
			if state.Version < tls.VersionTLS12 || len(state.VerifiedChains) == 0 {
				t.Errorf("version %s, %d verified chains", tls.VersionName(state.Version), len(state.VerifiedChains))
			}
			client.Close()
		})
	}
}

func TestHandshakeOldestVersion(t *testing.T) {
	ca := issue(t, nil, authority("Test CA"))
	server := chain(issue(t, ca, nil))
	server.MaxVersion = tls.VersionTLS12
	client, err := shake(t, serve(t, speakTLS(server)), TLSOptions{Roots: pool(ca)}, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got := client.ConnectionState(); got.Version != tls.VersionTLS12 || got.NegotiatedProtocol != "" {
		t.Errorf("version %s, protocol %q", tls.VersionName(got.Version), got.NegotiatedProtocol)
	}
}

func TestBadCertificate(t *testing.T) {
	ca := issue(t, nil, authority("Test CA"))
	stranger := issue(t, nil, authority("Stranger CA"))
	middle := issue(t, stranger, authority("Middle CA"))
	oldMiddle := issue(t, ca, func(c *x509.Certificate) {
		authority("Old Middle CA")(c)
		c.NotAfter = noon.AddDate(0, 0, -2)
	})
	names := func(list ...string) *certificate {
		return issue(t, ca, func(c *x509.Certificate) { c.DNSNames = list })
	}
	for _, row := range []struct {
		name   string
		server *tls.Config
		ask    string
		reason string
		hint   string // a part of it
	}{
		{
			"expired", chain(issue(t, ca, func(c *x509.Certificate) { c.NotAfter = noon.AddDate(0, 0, -1) })), "",
			"the certificate expired on 2026-06-14", "clock says 2026-06-15",
		},
		{
			"not yet valid", chain(issue(t, ca, func(c *x509.Certificate) { c.NotBefore = noon.AddDate(0, 0, 1) })), "",
			"the certificate is valid only from 2026-06-16 on", "clock says 2026-06-15",
		},
		{
			"issuer expired", chain(issue(t, oldMiddle, nil), oldMiddle), "",
			"the issuer's certificate (CN=Old Middle CA) expired on 2026-06-13", "clock",
		},
		{
			"wrong host", chain(names("mail.example.org", "*.example.net")), "",
			"the certificate is for mail.example.org, *.example.net, not for pop.example.org", "tls_server_name",
		},
		{
			"wrong host, many names", chain(names("a.test", "b.test", "c.test", "d.test", "e.test", "f.test")), "",
			"the certificate is for a.test, b.test, c.test, d.test and 2 more, not for pop.example.org", "tls_server_name",
		},
		{
			"an address the certificate does not name", chain(issue(t, ca, nil)), "127.0.0.1",
			"the certificate is for pop.example.org, not for 127.0.0.1", "tls_server_name",
		},
		{
			"no names", chain(names()), "",
			"the certificate is for no host at all (CN=pop.example.org), not for pop.example.org", "tls_server_name",
		},
		{
			"self-signed", chain(issue(t, nil, nil)), "",
			"the certificate is self-signed", "",
		},
		{
			"unknown authority", chain(issue(t, stranger, nil), stranger), "",
			"the certificate ends at an unknown authority: CN=Stranger CA", "",
		},
		{
			"unknown authority in between", chain(issue(t, middle, nil), middle), "",
			"the certificate is issued by an unknown authority: CN=Stranger CA", "",
		},
		{
			"authority not sent", chain(issue(t, middle, nil)), "",
			"the certificate is issued by an unknown authority: CN=Middle CA (the server sent no certificate of it)", "",
		},
		{
			"not for servers", chain(issue(t, ca, func(c *x509.Certificate) {
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
			})), "",
			"the certificate is not valid: certificate specifies an incompatible key usage", "",
		},
		{
			"escapes in a name", chain(issue(t, issue(t, nil, func(c *x509.Certificate) {
				authority("")(c)
				c.Subject = pkix.Name{CommonName: "Evil \x1b[2J\r\nCA"}
			}), nil)), "",
			`the certificate is issued by an unknown authority: CN=Evil \x1b[2J\r\nCA (the server sent no certificate of it)`, "",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := TLSOptions{Roots: pool(ca), ServerName: row.ask}
			_, err := shake(t, serve(t, speakTLS(row.server)), o, 5*time.Second)
			host := row.ask
			if host == "" {
				host = "pop.example.org"
			}
			e := want(t, err, BadCertificate, "TLS with "+host+": "+row.reason)
			if !strings.Contains(e.Hint(), row.hint) || e.Temporary() || e.Host != host {
				t.Errorf("hint %q lacks %q, or temporary %v, or host %q", e.Hint(), row.hint, e.Temporary(), e.Host)
			}
		})
	}
}

func TestCAFileReplacesTheSystem(t *testing.T) {
	ca, other := issue(t, nil, authority("Test CA")), issue(t, nil, authority("Other CA"))
	o := TLSOptions{Roots: pool(ca), CAFile: file(t, "other.pem", other.pem())}
	_, err := shake(t, serve(t, speakTLS(chain(issue(t, ca, nil), ca))), o, 5*time.Second)
	want(t, err, BadCertificate, "TLS with pop.example.org: the certificate ends at an unknown authority: CN=Test CA")
}

func TestHandshakeFails(t *testing.T) {
	ca := issue(t, nil, authority("Test CA"))
	limited := func(change func(*tls.Config)) func(net.Conn) {
		cfg := chain(issue(t, ca, nil))
		change(cfg)
		return speakTLS(cfg)
	}
	const limit = 300 * time.Millisecond
	for name, row := range map[string]struct {
		server func(net.Conn)
		kind   Kind
		reason string
		hint   string // a part of it
	}{
		"TLS 1.1 only": {
			limited(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }),
			HandshakeFailed, "the server speaks no TLS 1.2 or newer", "not safe",
		},
		"TLS 1.1 chosen all the same": {
			func(conn net.Conn) {
				conn.Write([]byte("\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02" + strings.Repeat("r", 32) + "\x00\xc0\x13\x00"))
				drain(conn)
			},
			HandshakeFailed, "the server speaks no TLS 1.2 or newer", "not safe",
		},
		"unsafe ciphers only": {
			limited(func(c *tls.Config) {
				c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
			}),
			HandshakeFailed, "the server refused the handshake (handshake failure)", "ciphers",
		},
		"plain POP3": {
			func(conn net.Conn) { conn.Write([]byte("+OK Dovecot ready.\r\n")); drain(conn) },
			HandshakeFailed, "the server does not speak TLS on this port (it greets in plain POP3)", `tls = "starttls"`,
		},
		"plain POP3, busy": {
			func(conn net.Conn) { conn.Write([]byte("-ERR [SYS/TEMP] later\r\n")); drain(conn) },
			HandshakeFailed, "the server does not speak TLS on this port (it greets in plain POP3)", `tls = "starttls"`,
		},
		"SSH": {
			func(conn net.Conn) { conn.Write([]byte("\x1bSH-2.0-OpenSSH\r\n")); drain(conn) },
			HandshakeFailed, `the server does not speak TLS on this port (it starts with "\x1bSH-2")`, `tls = "starttls"`,
		},
		"closed at once": {
			func(net.Conn) {},
			Lost, "the server ended the connection during the handshake", "",
		},
		"closed in the middle": {
			func(conn net.Conn) {
				io.ReadFull(conn, make([]byte, 5))
				conn.Write([]byte("\x16\x03\x03\x01\x00\x02\x00"))
			},
			Lost, "the server ended the connection during the handshake", "",
		},
		"reset": {
			func(conn net.Conn) {
				io.ReadFull(conn, make([]byte, 5))
				conn.(*net.TCPConn).SetLinger(0)
			},
			Lost, "the server ended the connection during the handshake", "",
		},
		"silent": {
			drain,
			TimedOut, "no answer within 300ms", "try again",
		},
		"a drip": {
			func(conn net.Conn) {
				for _, b := range []byte("\x16\x03\x03\x40\x00\x02" + strings.Repeat("x", 1000)) {
					if _, err := conn.Write([]byte{b}); err != nil {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
			},
			TimedOut, "no answer within 300ms", "try again",
		},
	} {
		t.Run(name, func(t *testing.T) {
			noGoroutineLeft(t)
			start := time.Now()
			patience := 20 * time.Second
			if row.kind == TimedOut {
				patience = limit
			}
			_, err := shake(t, serve(t, row.server), TLSOptions{Roots: pool(ca)}, patience)
			e, ok := errors.AsType[*Error](err)
			if ok && e.Kind == TimedOut { // the last milliseconds are the machine's
				if took := time.Since(start); took < limit || took > limit+10*time.Second {
					t.Errorf("took %v, want %v", took, limit)
				}
				e.reason = "no answer within 300ms"
			}
			e = want(t, err, row.kind, "TLS with pop.example.org: "+row.reason)
			if !strings.Contains(e.Hint(), row.hint) || e.Temporary() == (row.kind == HandshakeFailed) {
				t.Errorf("hint %q lacks %q, or temporary %v", e.Hint(), row.hint, e.Temporary())
			}
		})
	}
}

func TestHandshakeCancelled(t *testing.T) {
	noGoroutineLeft(t)
	cfg, err := TLSConfig(TLSOptions{ServerName: "pop.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = Handshake(ctx, serve(t, drain), cfg)
	if !errors.Is(err, context.Canceled) || err.Error() != "TLS with pop.example.org: context canceled" {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestCAFile(t *testing.T) {
	ca := issue(t, nil, authority("Test CA"))
	bad := strings.Replace(string(ca.pem()), "-----BEGIN CERTIFICATE-----\nMII", "-----BEGIN CERTIFICATE-----\nMIA", 1)
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	huge := filepath.Join(dir, "huge")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, maxCAFile+1); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct{ path, reason, hint string }{
		"missing":        {filepath.Join(dir, "none.pem"), "no such file or directory", "tls_ca_file"},
		"folder":         {dir, "not a regular file", "tls_ca_file"},
		"pipe":           {pipe, "not a regular file", "tls_ca_file"},
		"too large":      {huge, "larger than 16 MiB", "tls_ca_file"},
		"empty":          {file(t, "ca.pem", nil), "no certificate in it", "BEGIN CERTIFICATE"},
		"something else": {file(t, "ca.pem", []byte("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n")), "no certificate in it", "BEGIN CERTIFICATE"},
		"DER":            {file(t, "ca.der", ca.parsed.Raw), "no certificate in it", "openssl x509 -inform der"},
		"damaged":        {file(t, "ca.pem", []byte(bad)), "the certificate in it is damaged: x509: malformed certificate", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := TLSConfig(TLSOptions{ServerName: "pop.example.org", CAFile: row.path})
			e := want(t, err, BadCAFile, "read CA file "+row.path+": "+row.reason)
			if !strings.Contains(e.Hint(), row.hint) || e.Temporary() {
				t.Errorf("hint %q lacks %q, or temporary %v", e.Hint(), row.hint, e.Temporary())
			}
		})
	}
	t.Run("not to be read", func(t *testing.T) { // root reads everything: no such file can be made for it
		denied := &fs.PathError{Op: "open", Path: "ca.pem", Err: syscall.EACCES}
		if hint := pathHint(denied, "tls_ca_file"); !strings.Contains(hint, "may not read it") {
			t.Errorf("hint %q", hint)
		}
	})
	t.Run("damaged beside a good one", func(t *testing.T) {
		path := file(t, "ca.pem", []byte("a comment\n"+bad+"\n"+string(ca.pem())))
		if _, err := TLSConfig(TLSOptions{ServerName: "pop.example.org", CAFile: path}); err != nil {
			t.Error(err)
		}
	})
}

func TestTLSConfigIsStrict(t *testing.T) {
	cfg, err := TLSConfig(TLSOptions{ServerName: "pop.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.InsecureSkipVerify || cfg.MinVersion != tls.VersionTLS12 || len(cfg.NextProtos) != 0 {
		t.Errorf("skip verify %v, version %s, ALPN %q", cfg.InsecureSkipVerify, tls.VersionName(cfg.MinVersion), cfg.NextProtos)
	}
	for _, name := range []string{"", "."} {
		if _, err := TLSConfig(TLSOptions{ServerName: name}); err == nil {
			t.Errorf("a configuration without a name to verify: %q", name)
		}
	}
}

func TestPlain(t *testing.T) {
	for in, out := range map[string]string{
		"pop.example.org": "pop.example.org", `say "hi"`: `say "hi"`, "a\x00\x1b\u202eb\xff": `a\x00\x1b\u202eb\xff`,
		strings.Repeat("x", 300): strings.Repeat("x", maxTextShown) + "…",
	} {
		if got := plain(in); got != out {
			t.Errorf("plain(%q) = %q, want %q", in, got, out)
		}
	}
	if got := fmt.Sprint(Kind(99), UnknownHost, BadCAFile); got != "kind 99 unknown host bad CA file" {
		t.Errorf("kinds %q", got)
	}
}
