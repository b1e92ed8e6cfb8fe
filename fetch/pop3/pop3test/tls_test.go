package pop3test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func newCA(t *testing.T) *CA {
	t.Helper()
	ca, err := NewCA(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// tlsServer is twoMails with TLS.
func tlsServer(t *testing.T, ca *CA, stls bool, faults ...Fault) *Server {
	t.Helper()
	s, _ := twoMails(t)
	config, err := ca.TLS(Cert{Hosts: []string{"pop.example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	s.TLS, s.STLS, s.Faults = config, stls, faults
	return s
}

func clientConfig(ca *CA) *tls.Config {
	return &tls.Config{RootCAs: ca.Pool(), ServerName: "pop.example.org"}
}

func TestImplicitTLS(t *testing.T) {
	ca := newCA(t)
	s := tlsServer(t, ca, false)
	conn := tls.Client(s.Pipe(), clientConfig(ca))
	defer conn.Close()
	converse(t, conn, login+"\nC: QUIT\nS: +OK bye\nclosed")
}

func TestSTLS(t *testing.T) {
	ca := newCA(t)
	s := tlsServer(t, ca, true)
	raw := s.Pipe()
	defer raw.Close()
	converse(t, raw, `
		S: +OK pop3test ready
		C: CAPA
		S: +OK capability list follows
		S: CAPA
		S: TOP
		S: UIDL
		S: RESP-CODES
		S: AUTH-RESP-CODE
		S: PIPELINING
		S: USER
		S: SASL PLAIN
		S: STLS
		S: .
		C: STLS | USER joe
		S: +OK begin TLS`)
	conn := tls.Client(raw, clientConfig(ca))
	converse(t, conn, `
		C: PASS a b
		S: -ERR send USER first
		C: STLS
		S: -ERR STLS not available
		C: USER joe | PASS a b | STAT | QUIT
		S: +OK send PASS
		S: +OK logged in
		S: +OK 2 53
		S: +OK bye
		closed`)
}

// RFC 2595 §4: what is sent in clear behind the +OK is the injection a client has to refuse.
func TestPlaintextBehindSTLS(t *testing.T) {
	ca := newCA(t)
	s := tlsServer(t, ca, true, Fault{On: "STLS", At: End, Text: "+OK injected\r\n"})
	conn := s.Pipe()
	defer conn.Close()
	converse(t, conn, "S: +OK pop3test ready\nC: STLS")
	buf := make([]byte, 200)
	n, err := conn.Read(buf)
	if got := string(buf[:n]); err != nil || got != "+OK begin TLS\r\n+OK injected\r\n" {
		t.Errorf("one segment holds %q, %v", got, err)
	}
}

func TestCertificates(t *testing.T) {
	ca := newCA(t)
	for _, test := range []struct {
		name  string
		cert  Cert
		error string // part of the client's error; "" is none
	}{
		{"good", Cert{Hosts: []string{"pop.example.org"}}, ""},
		{"expired", Cert{Hosts: []string{"pop.example.org"}, Expired: true}, "expired"},
		{"not yet valid", Cert{Hosts: []string{"pop.example.org"}, NotYetValid: true}, "not yet valid"},
		{"wrong host", Cert{Hosts: []string{"pop.example.net"}}, "valid for pop.example.net, not pop.example.org"},
		{"IP only", Cert{Hosts: []string{"127.0.0.1"}}, "not valid for any names"},
		{"self-signed", Cert{Hosts: []string{"pop.example.org"}, SelfSigned: true}, "unknown authority"},
		{"TLS 1.1", Cert{Hosts: []string{"pop.example.org"}, MaxVersion: tls.VersionTLS11}, "version"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := twoMails(t)
			config, err := ca.TLS(test.cert)
			if err != nil {
				t.Fatal(err)
			}
			s.TLS = config
			conn := tls.Client(s.Pipe(), clientConfig(ca))
			defer conn.Close()
			err = conn.Handshake()
			if test.error == "" && err != nil || test.error != "" && (err == nil || !strings.Contains(err.Error(), test.error)) {
				t.Errorf("the handshake gave %v, want %q", err, test.error)
			}
		})
	}
}

func TestHandshakeFaults(t *testing.T) {
	ca := newCA(t)
	t.Run("no TLS at all", func(t *testing.T) {
		s := tlsServer(t, ca, false, Fault{On: Handshake, Ignore: true, Text: "+OK hello\r\n"})
		converse(t, s.Pipe(), "S: +OK hello\nclosed")
	})
	t.Run("cut in the handshake", func(t *testing.T) {
		s := tlsServer(t, ca, false, Fault{On: Handshake, At: 100, Do: FIN})
		conn := s.Pipe()
		go conn.Write([]byte(clientHello(t)))
		if got, err := io.ReadAll(conn); len(got) != 100 || err != nil {
			t.Errorf("got %d octets, %v, want 100", len(got), err)
		}
	})
	t.Run("slow", func(t *testing.T) {
		s := tlsServer(t, ca, false, Fault{On: Handshake, Do: Drip})
		conn := tls.Client(s.Pipe(), clientConfig(ca))
		defer conn.Close()
		converse(t, conn, login)
	})
	t.Run("silence until the client goes", func(t *testing.T) {
		s := tlsServer(t, ca, false, Fault{On: Handshake, At: 1, Do: Stall})
		conn := s.Pipe()
		conn.SetDeadline(time.Now().Add(50 * time.Millisecond))
		if err := tls.Client(conn, clientConfig(ca)).Handshake(); err == nil {
			t.Error("the handshake went on")
		}
		conn.Close()
	})
}

// clientHello records the first message of a TLS client.
func clientHello(t *testing.T) string {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go tls.Client(client, &tls.Config{ServerName: "pop.example.org"}).Handshake()
	hello := make([]byte, 4096)
	n, err := server.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	return string(hello[:n])
}

// recorder keeps what is read.
type recorder struct {
	net.Conn
	read *bytes.Buffer
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.read.Write(p[:n])
	return n, err
}
