package pop3test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// converse plays a dialogue as the RFCs write it. Lines of the client are sent as they come; several of them joined
// by " | " go in one write.
func converse(t *testing.T, conn net.Conn, script string) {
	t.Helper()
	play(t, conn, bufio.NewReader(conn), script)
}

func play(t *testing.T, conn net.Conn, in *bufio.Reader, script string) {
	t.Helper()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	for step := range strings.SplitSeq(script, "\n") {
		who, what, _ := strings.Cut(strings.TrimLeft(step, "\t"), ": ")
		switch who {
		case "C":
			if _, err := conn.Write([]byte(strings.ReplaceAll(what, " | ", "\r\n") + "\r\n")); err != nil {
				t.Fatalf("C: %s: %v", what, err)
			}
		case "S":
			got, err := in.ReadString('\n')
			if err != nil || got != what+"\r\n" {
				t.Fatalf("S: got %q, %v, want %q", got, err, what)
			}
		case "closed":
			if got, err := in.ReadString('\n'); err == nil || got != "" {
				t.Fatalf("got %q, %v, want the end of the connection", got, err)
			}
		case "":
		default:
			t.Fatalf("script: %q", step)
		}
	}
}

// twoMails is a server for joe with the two messages of the example in RFC 1939 §10.
func twoMails(t *testing.T) (*Server, *Mailbox) {
	box := NewMailbox(
		Message{UID: "whqtswO00WBw418f9t5JxYwZ", Data: []byte("Subject: one\r\n\r\n.dots\r\nend\r\n")},
		Message{UID: "QhdPYR:00WBw1Ph7x7", Data: []byte("Subject: two\r\n\r\n1\r\n2\r\n3")},
	)
	s := &Server{Users: map[string]User{"joe": {Password: "a b", Mailbox: box}}}
	t.Cleanup(s.Close)
	return s, box
}

const login = `
	S: +OK pop3test ready
	C: USER joe
	S: +OK send PASS
	C: PASS a b
	S: +OK logged in`

func TestDialogues(t *testing.T) {
	for _, test := range []struct{ name, script string }{
		{"authorization", `
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
			S: .
			C: STAT
			S: -ERR log in first
			C: PASS x
			S: -ERR send USER first
			C: USER jane
			S: +OK send PASS
			C: PASS a b
			S: -ERR [AUTH] wrong user name or password
			C: USER joe
			S: +OK send PASS
			C: PASS a
			S: -ERR [AUTH] wrong user name or password
			C: STLS
			S: -ERR STLS not available
			C: user joe
			S: +OK send PASS
			C: pass a b
			S: +OK logged in
			C: USER joe
			S: -ERR already logged in
			C: QUIT
			S: +OK bye
			closed`},
		{"auth plain", `
			S: +OK pop3test ready
			C: AUTH
			S: -ERR AUTH takes a mechanism
			C: AUTH GSSAPI
			S: -ERR no such mechanism
			C: AUTH PLAIN AGpvZQBh
			S: -ERR [AUTH] wrong user name or password
			C: AUTH PLAIN *
			S: -ERR not base64
			C: AUTH PLAIN =
			S: -ERR not a PLAIN response
			C: AUTH PLAIN
			S: + 
			C: *
			S: -ERR authentication cancelled
			C: AUTH PLAIN
			S: + 
			C: STLS
			S: -ERR not a PLAIN response
			C: AUTH plain
			S: + 
			C: AGpvZQBhIGI=
			S: +OK logged in
			C: QUIT
			S: +OK bye
			closed`},
		{"auth with initial response", `
			S: +OK pop3test ready
			C: AUTH PLAIN AGpvZQBhIGI=
			S: +OK logged in
			C: STAT
			S: +OK 2 53`},
		{"transaction", login + `
			C: STAT
			S: +OK 2 53
			C: LIST
			S: +OK
			S: 1 28
			S: 2 25
			S: .
			C: LIST 2
			S: +OK 2 25
			C: LIST 3
			S: -ERR no such message
			C: UIDL
			S: +OK
			S: 1 whqtswO00WBw418f9t5JxYwZ
			S: 2 QhdPYR:00WBw1Ph7x7
			S: .
			C: UIDL 1
			S: +OK 1 whqtswO00WBw418f9t5JxYwZ
			C: RETR 1
			S: +OK 28 octets
			S: Subject: one
			S: 
			S: ..dots
			S: end
			S: .
			C: RETR 2
			S: +OK 25 octets
			S: Subject: two
			S: 
			S: 1
			S: 2
			S: 3
			S: .
			C: RETR
			S: -ERR which message?
			C: RETR -1
			S: -ERR no such message
			C: TOP 2 0
			S: +OK
			S: Subject: two
			S: 
			S: .
			C: TOP 2 2
			S: +OK
			S: Subject: two
			S: 
			S: 1
			S: 2
			S: .
			C: TOP 1
			S: -ERR TOP takes a message number and a number of lines
			C: TOP 1 -1
			S: -ERR not a number of lines
			C: NOOP
			S: +OK ready
			C: XTND
			S: -ERR unknown command`},
		{"deletion", login + `
			C: DELE 1
			S: +OK marked
			C: DELE 1
			S: -ERR no such message
			C: RETR 1
			S: -ERR no such message
			C: STAT
			S: +OK 1 25
			C: LIST
			S: +OK
			S: 2 25
			S: .
			C: UIDL
			S: +OK
			S: 2 QhdPYR:00WBw1Ph7x7
			S: .
			C: RSET
			S: +OK no message is marked
			C: STAT
			S: +OK 2 53`},
		{"pipelining", `
			S: +OK pop3test ready
			C: USER joe | PASS a b | STAT | NOOP | STLS | NOOP | QUIT | NOOP
			S: +OK send PASS
			S: +OK logged in
			S: +OK 2 53
			S: +OK ready
			S: -ERR already logged in
			S: +OK ready
			S: +OK bye
			closed`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := twoMails(t)
			conn := s.Pipe()
			defer conn.Close()
			converse(t, conn, test.script)
		})
	}
}

func TestDeleteCountsAtQuit(t *testing.T) {
	s, box := twoMails(t)
	session := func(script string) {
		t.Helper()
		conn := s.Pipe()
		defer conn.Close()
		converse(t, conn, login+script)
	}
	session("\nC: RETR 2\nS: +OK 25 octets\nS: Subject: two\nS: \nS: 1\nS: 2\nS: 3\nS: .\nC: DELE 1\nS: +OK marked")
	if got := len(box.UIDs()); got != 2 {
		t.Errorf("a connection dropped without QUIT left %d messages, want 2", got)
	}
	session("\nC: DELE 1\nS: +OK marked\nC: QUIT\nS: +OK bye")
	if got := box.UIDs(); len(got) != 1 || got[0] != "QhdPYR:00WBw1Ph7x7" {
		t.Errorf("after QUIT the mailbox holds %q", got)
	}
	const first = "whqtswO00WBw418f9t5JxYwZ"
	if r, d := box.Retrieved()["QhdPYR:00WBw1Ph7x7"], box.Deleted()[first]; r != 1 || d != 2 {
		t.Errorf("%d RETR and %d DELE counted, want 1 and 2", r, d)
	}
	if s.Sessions() != 2 || box.Logins() != 2 {
		t.Errorf("%d sessions and %d logins counted, want 2 and 2", s.Sessions(), box.Logins())
	}
}

func TestClose(t *testing.T) {
	s, _ := twoMails(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	open, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	converse(t, open, login)
	s.Close()
	if err := <-served; !errors.Is(err, ErrClosed) {
		t.Errorf("Serve returned %v", err)
	}
	if _, err := open.Read(make([]byte, 1)); err == nil {
		t.Error("an open session outlived Close")
	}
	if _, err := s.Start(); !errors.Is(err, ErrClosed) {
		t.Errorf("Start returned %v", err)
	}
	client, server := net.Pipe()
	defer client.Close()
	if err := s.ServeConn(server); !errors.Is(err, ErrClosed) {
		t.Errorf("ServeConn returned %v", err)
	}
	if _, err := s.Pipe().Read(make([]byte, 1)); err == nil {
		t.Error("Pipe serves after Close")
	}
}

func TestLog(t *testing.T) {
	s, _ := twoMails(t)
	var lines []string
	s.Log = func(session int, line string) { lines = append(lines, fmt.Sprint(session, " ", line)) }
	s.Faults = []Fault{{On: "NOOP", At: 5, Do: FIN}}
	exchange(t, s.Pipe(), "USER joe", "NOOP")
	s.Close()
	want := "1 S: +OK pop3test ready\n1 C: USER joe\n1 S: +OK send PASS\n1 C: NOOP\n1 S: -ERR log in first\n1 S: (fin at octet 5)"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
