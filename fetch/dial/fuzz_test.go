package dial

import (
	"bytes"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
)

// spoken is a connection whose other side has said all that it will, and gives it in pieces of so many octets.
type spoken struct {
	net.Conn
	said  []byte
	piece int
}

func (s *spoken) Read(p []byte) (int, error) {
	if len(s.said) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.said[:min(len(s.said), s.piece)])
	s.said = s.said[n:]
	return n, nil
}

func (s *spoken) Write(p []byte) (int, error) { return len(p), nil }
func (s *spoken) Close() error                { return nil }
func (s *spoken) SetDeadline(time.Time) error { return nil }
func (s *spoken) RemoteAddr() net.Addr        { return &net.TCPAddr{} }
func (s *spoken) LocalAddr() net.Addr         { return &net.TCPAddr{} }

// FuzzProxyAnswer reads anything as a proxy's answer: to CONNECT, or to what SOCKS5 asks. What follows a success is the server's, every
// octet of it; a refusal tells neither the login nor what a terminal would obey.
func FuzzProxyAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n+OK ready\r\n"), true, uint8(1))
	f.Add([]byte("HTTP/1.0 299\n\n+OK ready\r\n"), true, uint8(9))
	f.Add([]byte("HTTP/1.1 407 \x1b[2J s3cret pass bWU6czNjcmV0IHBhc3M=\r\n\r\n"), true, uint8(200))
	f.Add([]byte("HTTP/1.1 502\r\n\r\n"), true, uint8(3))
	f.Add([]byte("+OK a POP3 server\r\n"), true, uint8(5))
	f.Add(append([]byte("HTTP/"), bytes.Repeat([]byte("x"), maxProxyHeader)...), true, uint8(255))
	f.Add([]byte("\x05\x02\x01\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00+OK ready\r\n"), false, uint8(7))
	f.Add([]byte("\x05\x02\x01\x01"), false, uint8(1))
	f.Add([]byte("\x05\x00\x05\x05\x00\x03\x05proxy\x00\x00"), false, uint8(1))
	f.Fuzz(func(t *testing.T, answer []byte, http bool, piece uint8) {
		p := Proxy{HTTP: http, Host: "proxy.example", Port: 8080, Username: "me", Password: "s3cret pass"}
		conn := &spoken{said: answer, piece: int(piece) + 1}
		err := p.connect(conn, "pop.example.org:995")
		read := answer[:len(answer)-len(conn.said)]
		if len(read) > maxProxyHeader {
			t.Errorf("it read %d octets", len(read))
		}
		if err == nil {
			accepts(t, http, read)
			return
		}
		refused := p.refusal(err, time.Minute)
		refused.Err, refused.doing = err, "connect"
		for _, text := range []string{refused.Error(), refused.Hint()} {
			if strings.Contains(text, p.Password) || strings.Contains(text, p.basic()) {
				t.Errorf("the login is told: %q", text)
			}
			if strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("a control character in %q", text)
			}
		}
		if refused.Kind == 0 {
			t.Errorf("%v has no kind", err)
		}
	})
}

// accepts fails if what was read is not the whole of a success, or more than that.
func accepts(t *testing.T, http bool, read []byte) {
	t.Helper()
	if !http {
		if len(read) < len("\x05\x00"+"\x05\x00\x00\x03\x00\x00\x00") || read[0] != 5 {
			t.Errorf("took %q for a success", read)
		}
		return
	}
	words := strings.Fields(string(read))
	code, err := strconv.Atoi(words[1])
	if !strings.HasPrefix(words[0], "HTTP/") || err != nil || code/100 != 2 {
		t.Errorf("took %q for a success", read)
	}
	emptyLine := regexp.MustCompile(`\n\r?\n`)
	if at := emptyLine.FindIndex(read); at == nil || at[1] != len(read) {
		t.Errorf("it read %q, and not up to the empty line", read)
	}
}
