package dial

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"strings"
	"testing"
	"time"
)

// handshake does a handshake by options as they are, and reads the greeting's first octet: with TLS 1.3 a server's last
// word comes only then.
func handshake(t *testing.T, server *tls.Config, o TLSOptions) error {
	t.Helper()
	cfg, err := TLSConfig(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	client, err := Handshake(ctx, serve(t, speakTLS(server)), cfg)
	if err != nil {
		return err
	}
	_, err = client.Read(make([]byte, 1))
	return err
}

func at(when time.Time) func() time.Time { return func() time.Time { return when } }

// A pin stands in for the chain, the name and the dates, and for nothing else.
func TestPins(t *testing.T) {
	leaf := issue(t, nil, nil)
	renewed := issue(t, nil, nil)
	renewed.key = leaf.key
	der, err := x509.CreateCertificate(rand.Reader, template(nil), template(nil), &leaf.key.PublicKey, leaf.key)
	if err != nil {
		t.Fatal(err)
	}
	if renewed.parsed, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	other := issue(t, nil, nil)
	late := at(noon.AddDate(5, 0, 0))
	for name, row := range map[string]struct {
		server  *certificate
		options TLSOptions
		says    string
	}{
		"the certificate":                 {leaf, TLSOptions{Pins: []Pin{CertPin(leaf.parsed)}, Now: late}, ""},
		"the key":                         {leaf, TLSOptions{Pins: []Pin{KeyPin(leaf.parsed)}, ServerName: "another.example", Now: late}, ""},
		"the second of two":               {leaf, TLSOptions{Pins: []Pin{KeyPin(other.parsed), CertPin(leaf.parsed)}}, ""},
		"the key, after a renewal":        {renewed, TLSOptions{Pins: []Pin{KeyPin(leaf.parsed)}}, ""},
		"the certificate, after one":      {renewed, TLSOptions{Pins: []Pin{CertPin(leaf.parsed)}}, "shows " + CertPin(renewed.parsed).String() + ", not " + CertPin(leaf.parsed).String()},
		"another key":                     {other, TLSOptions{Pins: []Pin{KeyPin(leaf.parsed)}}, "shows " + KeyPin(other.parsed).String() + ", not " + KeyPin(leaf.parsed).String()},
		"another key, a good chain":       {other, TLSOptions{Pins: []Pin{KeyPin(leaf.parsed)}, Roots: pool(other), ServerName: "pop.example.org", Now: at(noon)}, "shows "},
		"a certificate's sum for a key's": {leaf, TLSOptions{Pins: []Pin{{Key: true, Sum: CertPin(leaf.parsed).Sum}}}, "shows "},
		"any key, for a first use":        {other, TLSOptions{AnyKey: true, Now: late}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := handshake(t, chain(row.server), row.options)
			if row.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e, ok := err.(*Error)
			if !ok || e.Kind != WrongKey || e.Hint() == "" || e.Temporary() || len(e.Chain) != 1 || !strings.Contains(e.Error(), row.says) {
				t.Errorf("got %v, want %q", err, row.says)
			}
		})
	}
}

// Whoever copies a certificate without its key fails at the handshake, pin or not.
func TestPinNeedsTheKey(t *testing.T) {
	leaf := issue(t, nil, nil)
	thief, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.parsed.Raw}, PrivateKey: thief}}}
	for name, o := range map[string]TLSOptions{
		"certificate": {Pins: []Pin{CertPin(leaf.parsed)}}, "key": {Pins: []Pin{KeyPin(leaf.parsed)}}, "first use": {AnyKey: true},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			server.MaxVersion = version
			if err := handshake(t, server.Clone(), o); err == nil {
				t.Errorf("%s, %s: a server without the key passes", name, tls.VersionName(version))
			}
		}
	}
}

// A domain's own name does for a server inside it, and the chain is verified as ever.
func TestOtherName(t *testing.T) {
	ca := issue(t, nil, authority("Test CA"))
	named := func(name string) *certificate {
		return issue(t, ca, func(c *x509.Certificate) { c.DNSNames = []string{name} })
	}
	options := TLSOptions{ServerName: "pop.example.org", OtherName: "example.org", Roots: pool(ca), Now: at(noon)}
	for name, good := range map[string]bool{"pop.example.org": true, "example.org": true, "imap.example.org": false, "example.net": false} {
		if err := handshake(t, chain(named(name)), options); (err == nil) != good {
			t.Errorf("a certificate for %s: %v", name, err)
		}
	}
	options.Roots = pool(named("example.org"))
	if err := handshake(t, chain(named("example.org")), options); err == nil {
		t.Error("an unknown authority passes")
	}
	options.Roots, options.Now = pool(ca), at(noon.AddDate(5, 0, 0))
	if err := handshake(t, chain(named("example.org")), options); err == nil {
		t.Error("an expired certificate passes")
	}
}

func TestMinVersion(t *testing.T) {
	ca := issue(t, nil, authority("Test CA"))
	server := chain(issue(t, ca, nil))
	server.MaxVersion = tls.VersionTLS12
	options := TLSOptions{ServerName: "pop.example.org", Roots: pool(ca), Now: at(noon), MinVersion: tls.VersionTLS13}
	err := handshake(t, server, options)
	e := want(t, err, HandshakeFailed, "TLS with pop.example.org: the server does not speak TLS 1.3")
	if !strings.Contains(e.Hint(), "tls_min_version") {
		t.Errorf("hint %q", e.Hint())
	}
	options.MinVersion = tls.VersionTLS10
	server = chain(issue(t, ca, nil))
	server.MinVersion, server.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if err := handshake(t, server, options); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

// keyPEM is the certificate's key in a file's form.
func (c *certificate) keyPEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestClientCert(t *testing.T) {
	ca := issue(t, nil, func(c *x509.Certificate) {
		authority("Test CA")(c)
		c.ExtKeyUsage = nil // of servers alone, in the template
	})
	client := issue(t, ca, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
	cert, key := file(t, "c.pem", client.pem()), file(t, "c.key", client.keyPEM(t))
	both := file(t, "both.pem", append(client.pem(), client.keyPEM(t)...))
	server := chain(issue(t, ca, nil))
	server.ClientAuth, server.ClientCAs, server.Time = tls.RequireAndVerifyClientCert, pool(ca), at(noon)
	base := TLSOptions{ServerName: "pop.example.org", Roots: pool(ca), Now: at(noon)}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		server.MaxVersion = version
		for name, row := range map[string]struct {
			cert, key string
			good      bool
		}{"two files": {cert, key, true}, "one file": {both, both, true}, "none": {"", "", false}} {
			o := base
			o.ClientCert, o.ClientKey = row.cert, row.key
			err := handshake(t, server.Clone(), o)
			if row.good != (err == nil) {
				t.Errorf("%s, %s: %v", tls.VersionName(version), name, err)
			}
			if e, ok := err.(*Error); !row.good && !(ok && strings.Contains(e.Hint(), "tls_client_cert")) && !RefusesOurCertificate(err) {
				t.Errorf("%s, %s: %v does not say what is wrong", tls.VersionName(version), name, err)
			}
		}
	}
}

func TestBadClientCert(t *testing.T) {
	client, other := issue(t, nil, nil), issue(t, nil, nil)
	cert, key := file(t, "c.pem", client.pem()), file(t, "c.key", client.keyPEM(t))
	open := file(t, "open.key", client.keyPEM(t))
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	locked := file(t, "locked.key", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}))
	for name, row := range map[string]struct{ cert, key, says, hint string }{
		"no certificate": {cert + "x", key, "no such file", "tls_client_cert"},
		"no key":         {cert, key + "x", "no such file", "tls_client_key"},
		"an open key":    {cert, open, "can be read by others", "chmod 600 " + open},
		"another's key":  {cert, file(t, "o.key", other.keyPEM(t)), "does not match", "another certificate"},
		"a locked key":   {cert, locked, "private key", "passphrase"},
		"no PEM":         {key, key, "certificate", "BEGIN CERTIFICATE"},
	} {
		_, err := TLSConfig(TLSOptions{ServerName: "x", ClientCert: row.cert, ClientKey: row.key})
		e, ok := err.(*Error)
		if !ok || e.Kind != BadClientCert || !strings.Contains(e.Error(), row.says) || !strings.Contains(e.Hint(), row.hint) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(e.Error()+e.Hint(), "\n") {
			t.Errorf("%s: more than a line", name)
		}
	}
}
