package dial

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// noon is the fake clock of the certificate tests.
var noon = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

// certificate is one of a chain made in a test.
type certificate struct {
	parsed *x509.Certificate
	key    *ecdsa.PrivateKey
}

// template is a certificate for pop.example.org that is valid at noon; change edits it.
func template(change func(*x509.Certificate)) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(noon.Unix()),
		Subject:      pkix.Name{CommonName: "pop.example.org"},
		DNSNames:     []string{"pop.example.org"},
		NotBefore:    noon.AddDate(0, -1, 0),
		NotAfter:     noon.AddDate(0, 1, 0),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(c)
	}
	return c
}

// authority edits a template into that of an authority.
func authority(name string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: name}
		c.DNSNames = nil
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}
}

// issue signs a certificate; without an issuer it is self-signed.
func issue(t *testing.T, issuer *certificate, change func(*x509.Certificate)) *certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := template(change)
	parent, signer := c, key
	if issuer != nil {
		parent, signer = issuer.parsed, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &certificate{parsed, key}
}

// chain is what a server sends: its own certificate, then those of its issuers.
func chain(leaf *certificate, issuers ...*certificate) *tls.Config {
	c := tls.Certificate{Certificate: [][]byte{leaf.parsed.Raw}, PrivateKey: leaf.key}
	for _, i := range issuers {
		c.Certificate = append(c.Certificate, i.parsed.Raw)
	}
	return &tls.Config{Certificates: []tls.Certificate{c}}
}

// pool trusts some certificates.
func pool(trusted ...*certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range trusted {
		p.AddCert(c.parsed)
	}
	return p
}

func (c *certificate) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.parsed.Raw})
}

// file writes a file of the test's own.
func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serve runs one connection's server side on loopback and gives the client's side.
func serve(t *testing.T, server func(net.Conn)) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer conn.Close()
		server(conn)
	}()
	t.Cleanup(func() { client.Close(); <-ended })
	return client
}

// speakTLS greets over TLS.
func speakTLS(cfg *tls.Config) func(net.Conn) {
	return func(conn net.Conn) {
		s := tls.Server(conn, cfg)
		if s.Handshake() == nil {
			s.Write([]byte("+OK ready\r\n"))
			s.CloseWrite()
		}
		drain(conn)
	}
}

// drain reads until the client closes, so that what was written is not lost to a reset.
func drain(conn net.Conn) {
	buf := make([]byte, 4096)
	for {
		if _, err := conn.Read(buf); err != nil {
			return
		}
	}
}
