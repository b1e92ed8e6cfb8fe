package pop3test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestMain fails when a test leaves a session behind.
func TestMain(m *testing.M) {
	code := m.Run()
	for range 1000 { // 20 s at most
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if !strings.Contains(string(stacks), "pop3test.(*session)") {
			os.Exit(code)
		}
		time.Sleep(20 * time.Millisecond)
	}
	fmt.Fprintln(os.Stderr, "sessions still run after the tests")
	os.Exit(1)
}

// exchange sends commands in one write and gives all that the server sends until it closes.
func exchange(t *testing.T, conn net.Conn, commands ...string) string {
	t.Helper()
	defer conn.Close()
	go conn.Write([]byte(strings.Join(commands, "\r\n") + "\r\n"))
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Errorf("after %q: %v", got, err)
	}
	return string(got)
}

const (
	hello  = "+OK pop3test ready\r\n"
	opened = hello + "+OK send PASS\r\n+OK logged in\r\n"
	mail1  = "Subject: one\r\n\r\n..dots\r\nend\r\n" // as it is sent
	retr1  = "+OK 28 octets\r\n" + mail1 + ".\r\n"
	bye    = "+OK bye\r\n"
)

func TestFaults(t *testing.T) {
	const uid1, uid2 = "whqtswO00WBw418f9t5JxYwZ", "QhdPYR:00WBw1Ph7x7"
	odd := func(n int, line string) string {
		if n%2 == 0 {
			return ""
		}
		return line + "\r\n0 x\r\n-1 y"
	}
	for _, test := range []struct {
		name  string
		fault Fault
		send  string // after USER and PASS
		want  string // after "+OK logged in"
	}{
		{"none", Fault{}, "RETR 1", retr1 + bye},

		// where
		{"another command", Fault{On: "TOP", Do: FIN}, "RETR 1", retr1 + bye},
		{"another message", Fault{On: "RETR", Msg: 2, Do: FIN}, "RETR 1", retr1 + bye},
		{"this message", Fault{On: "RETR", Msg: 1, Do: FIN}, "RETR 1", ""},
		{"another UID", Fault{UID: uid2, Do: FIN}, "RETR 1", retr1 + bye},
		{"this UID", Fault{UID: uid1, Do: FIN}, "NOOP|RETR 1", "+OK ready\r\n"},
		{"another session", Fault{Session: 2, Do: FIN}, "RETR 1", retr1 + bye},
		{"this session", Fault{On: "RETR", Session: 1, Do: FIN}, "RETR 1", ""},
		{"second time", Fault{On: "NOOP", Nth: 2, Do: FIN}, "NOOP|NOOP|NOOP", "+OK ready\r\n"},
		{"second RETR of a message", Fault{On: "RETR", Msg: 1, Nth: 2, Do: FIN}, "RETR 1|RETR 1", retr1},
		{"once", Fault{On: "NOOP", Limit: 1, Ignore: true}, "NOOP|NOOP", "+OK ready\r\n" + bye},

		// at which octet
		{"after one octet", Fault{On: "RETR", At: 1, Do: FIN}, "RETR 1", "+"},
		{"in the header", Fault{On: "RETR", At: 20, Do: FIN}, "RETR 1", "+OK 28 octets\r\nSubje"},
		{"before the dot", Fault{On: "RETR", At: -3, Do: FIN}, "RETR 1", "+OK 28 octets\r\n" + mail1},
		{"between dot and CR", Fault{On: "RETR", At: -2, Do: FIN}, "RETR 1", "+OK 28 octets\r\n" + mail1 + "."},
		{"between CR and LF", Fault{On: "RETR", At: -1, Do: FIN}, "RETR 1", "+OK 28 octets\r\n" + mail1 + ".\r"},
		{"behind the reply", Fault{On: "RETR", At: End, Do: FIN}, "RETR 1", retr1},
		{"before the reply's first octet", Fault{On: "RETR", At: -999, Do: FIN}, "RETR 1", ""},
		{"in a listing", Fault{On: "LIST", At: -3, Do: FIN}, "LIST", "+OK\r\n1 28\r\n2 25\r\n"},

		// what
		{"refusal", Refuse("RETR", "[SYS/TEMP] disk"), "RETR 1", "-ERR [SYS/TEMP] disk\r\n" + bye},
		{"any command", Fault{On: "", Nth: 3, Ignore: true, Text: "-ERR\r\n"}, "NOOP", "-ERR\r\n" + bye},
		{"no answer", Fault{On: "RETR", Ignore: true}, "RETR 1", bye},
		{"half an answer", Fault{On: "RETR", At: 5, Do: Skip}, "RETR 1", "+OK 2" + bye},
		{"another answer", Fault{On: "STAT", Text: "+OK 2147483647 1\r\n", Do: Skip}, "STAT", "+OK 2147483647 1\r\n" + bye},
		{"junk behind the dot", Fault{On: "RETR", At: End, Text: "junk\r\n"}, "RETR 1", retr1 + "junk\r\n" + bye},
		{"empty message", Fault{On: "RETR", Mangle: Empty}, "RETR 1", "+OK 28 octets\r\n.\r\n" + bye},
		{"stump", Fault{On: "RETR", Stump: 9}, "RETR 1", "+OK 28 octets\r\nSubject: \r\n.\r\n" + bye},
		{"another's message", Fault{On: "RETR", Swap: uid2}, "RETR 1", "+OK 28 octets\r\nSubject: two\r\n\r\n1\r\n2\r\n3\r\n.\r\n" + bye},
		{"no dot-stuffing", Fault{On: "RETR", Mangle: Unstuffed}, "RETR 1", "+OK 28 octets\r\nSubject: one\r\n\r\n.dots\r\nend\r\n.\r\n" + bye},
		{"bare LF", Fault{On: "RETR", Mangle: BareLF}, "RETR 1", "+OK 28 octets\r\nSubject: one\n\n..dots\nend\n.\n" + bye},
		{"glued dot", Fault{On: "RETR", Mangle: GluedDot}, "RETR 1", "+OK 28 octets\r\nSubject: one\r\n\r\n..dots\r\nend.\r\n" + bye},
		{"glued dot, no last line end", Fault{On: "RETR", Mangle: GluedDot}, "RETR 2", "+OK 25 octets\r\nSubject: two\r\n\r\n1\r\n2\r\n3.\r\n" + bye},
		{"listing", Fault{On: "UIDL", Line: odd}, "UIDL", "+OK\r\n1 " + uid1 + "\r\n0 x\r\n-1 y\r\n.\r\n" + bye},
		{"drip", Fault{On: "RETR", At: 3, Do: Drip}, "RETR 1", retr1 + bye},
		{"short stall", Fault{On: "RETR", At: 3, Do: Stall, For: time.Millisecond}, "RETR 1", retr1 + bye},
		{"batches end the connection", Fault{Batched: true, On: "NOOP", Do: FIN}, "NOOP", ""},
		{"batches are forgotten", Fault{Batched: true, On: "NOOP", Ignore: true}, "NOOP|NOOP", bye},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := twoMails(t)
			if test.name != "none" {
				s.Faults = []Fault{test.fault}
			}
			commands := strings.Split("USER joe|PASS a b|"+test.send+"|QUIT", "|")
			if got := exchange(t, s.Pipe(), commands...); got != opened+test.want {
				t.Errorf("got  %q\nwant %q", strings.TrimPrefix(got, opened), test.want)
			}
		})
	}
}

func TestBatchedIsBySegment(t *testing.T) {
	s, _ := twoMails(t)
	s.Faults = []Fault{{Batched: true, Do: FIN}}
	conn := s.Pipe()
	defer conn.Close()
	converse(t, conn, login+"\nC: NOOP\nS: +OK ready\nC: STAT | NOOP\nS: +OK 2 53\nclosed")
}

// The effect of a command and its reply are apart: a cut reply to QUIT has deleted, an ignored QUIT has not.
func TestCutAtQuit(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault Fault
		want  int // messages left of two
	}{
		{"before the reply", Fault{On: "QUIT", Do: FIN}, 1},
		{"before it is done", Fault{On: "QUIT", Ignore: true, Do: FIN}, 2},
		{"after DELE", Fault{On: "DELE", At: End, Do: FIN}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, box := twoMails(t)
			s.Faults = []Fault{test.fault}
			exchange(t, s.Pipe(), "USER joe", "PASS a b", "DELE 1", "QUIT")
			if got := len(box.UIDs()); got != test.want {
				t.Errorf("%d messages are left, want %d", got, test.want)
			}
		})
	}
}

func TestDeleteOnDrop(t *testing.T) {
	s, box := twoMails(t)
	s.DeleteOnDrop = true
	s.Faults = []Fault{{On: "DELE", At: End, Do: FIN}}
	exchange(t, s.Pipe(), "USER joe", "PASS a b", "DELE 1")
	if got := len(box.UIDs()); got != 1 {
		t.Errorf("%d messages are left, want 1", got)
	}
}

func TestCallAndSetFaults(t *testing.T) {
	s, _ := twoMails(t)
	called := make(chan struct{}, 1)
	s.Faults = []Fault{{On: "RETR", At: 5, Call: func() { called <- struct{}{} }}}
	exchange(t, s.Pipe(), "USER joe", "PASS a b", "RETR 1", "QUIT")
	if len(called) != 1 {
		t.Error("Call was not called")
	}
	s.SetFaults(Refuse(Greeting, "[SYS/PERM] closed"))
	if got := exchange(t, s.Pipe(), "QUIT"); got != "-ERR [SYS/PERM] closed\r\n"+bye {
		t.Errorf("got %q", got)
	}
}

// A flood ends when the client goes.
func TestFloods(t *testing.T) {
	for _, fault := range []Fault{
		{On: Greeting, At: 4, Do: Flood, Text: "x"},
		{On: Greeting, At: End, Do: Flood, Text: "X-JUNK\r\n"},
	} {
		s, _ := twoMails(t)
		s.Faults = []Fault{fault}
		conn := s.Pipe()
		if n, err := io.CopyN(io.Discard, conn, 4<<20); err != nil {
			t.Errorf("the flood ended after %d octets: %v", n, err)
		}
		conn.Close()
		s.Close()
	}
}

// Time passes by the fake clock of synctest, so exact times can be asked for.
func TestTiming(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault Fault
		want  time.Duration
	}{
		{"stall", Fault{On: "NOOP", At: 2, Do: Stall, For: time.Hour}, time.Hour},
		{"drip of 11 octets", Fault{On: "NOOP", Do: Drip, For: time.Second}, 11 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := twoMails(t)
				s.Faults = []Fault{test.fault}
				conn := s.Pipe()
				begin := time.Now()
				conn.Write([]byte("USER joe\r\n"))
				conn.Write([]byte("PASS a b\r\nNOOP\r\nQUIT\r\n"))
				if got, err := io.ReadAll(conn); string(got) != opened+"+OK ready\r\n"+bye {
					t.Errorf("got %q, %v", got, err)
				}
				if took := time.Since(begin); took != test.want {
					t.Errorf("it took %v, want %v", took, test.want)
				}
				conn.Close()
				s.Close()
			})
		})
	}
	t.Run("drip in the handshake", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ca := newCA(t)
			s := tlsServer(t, ca, false, Fault{On: Handshake, Do: Drip, For: time.Second / 2})
			conn := tls.Client(s.Pipe(), clientConfig(ca))
			begin := time.Now()
			if err := conn.Handshake(); err != nil || time.Since(begin) < 2*time.Minute {
				t.Errorf("the handshake ended after %v: %v", time.Since(begin), err)
			}
			conn.Close()
			s.Close()
		})
	})
	t.Run("stall for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, _ := twoMails(t)
			s.Faults = []Fault{{On: Greeting, Do: Stall}}
			conn := s.Pipe()
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %v, want silence", err)
			}
			conn.Close()
			s.Close()
		})
	})
}

func TestLockedMailbox(t *testing.T) {
	synctest.Test(t, lockedMailbox)
}

func lockedMailbox(t *testing.T) {
	s, box := twoMails(t)
	first := s.Pipe()
	defer first.Close()
	converse(t, first, login)
	second := s.Pipe()
	defer second.Close()
	converse(t, second, `
		S: +OK pop3test ready
		C: USER joe | PASS a b
		S: +OK send PASS
		S: -ERR [IN-USE] another session has this mailbox`)
	first.Close()
	converse(t, second, `
		C: USER joe | PASS a b
		S: +OK send PASS
		S: +OK logged in
		C: QUIT
		S: +OK bye`)
	release := box.Hold()
	third := s.Pipe()
	defer third.Close()
	converse(t, third, `
		S: +OK pop3test ready
		C: USER joe | PASS a b
		S: +OK send PASS
		S: -ERR [IN-USE] another session has this mailbox`)
	release()
}

// How a connection ends shows over TCP only.
func TestEndings(t *testing.T) {
	ca := newCA(t)
	for _, test := range []struct {
		do       Action
		tls      bool
		is       error // what reading ends in
		writable bool  // whether the client can still write a while later
	}{
		{FIN, false, io.EOF, false},
		{FIN, true, io.EOF, false},
		{CutTLS, true, io.EOF, false}, // crypto/tls tells no difference; TestCloseNotify does
		{RST, false, syscall.ECONNRESET, false},
		{RST, true, syscall.ECONNRESET, false},
		{HalfOpen, false, io.EOF, true},
	} {
		t.Run(fmt.Sprintf("%v, TLS %v", test.do, test.tls), func(t *testing.T) {
			s := tlsServer(t, ca, !test.tls, Fault{On: "NOOP", At: 4, Do: test.do})
			conn := dial(t, s)
			defer conn.Close()
			raw := conn
			if test.tls {
				conn = tls.Client(conn, clientConfig(ca))
			}
			converse(t, conn, "S: +OK pop3test ready\nC: USER joe\nS: +OK send PASS\nC: NOOP")
			got := make([]byte, 4)
			_, err := io.ReadFull(conn, got)
			if err == nil {
				_, err = conn.Read(got)
			}
			if !errors.Is(err, test.is) {
				t.Errorf("the reading ended in %v, want %v", err, test.is)
			}
			if got := writable(raw); got != test.writable {
				t.Errorf("the client can still write: %v", got)
			}
		})
	}
}

// writable tells whether the other side still reads after a while. Of what comes too late only the second write fails.
func writable(conn net.Conn) bool {
	for range 5 {
		time.Sleep(lingerTime)
		if _, err := conn.Write([]byte("NOOP\r\n")); err != nil {
			return false
		}
	}
	return true
}

// Only FIN sends close_notify, an alert in the last record (RFC 5246 §7.2.1).
func TestCloseNotify(t *testing.T) {
	ca := newCA(t)
	for do, want := range map[Action]bool{FIN: true, CutTLS: false} {
		s := tlsServer(t, ca, false, Fault{On: Greeting, At: End, Do: do})
		raw := &recorder{Conn: s.Pipe(), read: new(bytes.Buffer)}
		config := clientConfig(ca)
		config.MaxVersion = tls.VersionTLS12 // TLS 1.3 hides what a record is
		conn := tls.Client(raw, config)
		if got, _ := io.ReadAll(conn); string(got) != hello {
			t.Errorf("%v: got %q", do, got)
		}
		conn.Close()
		const header, alert = 5, 21
		last := byte(0)
		for b := raw.read.Bytes(); len(b) >= header; b = b[header+int(b[3])<<8+int(b[4]):] {
			last = b[0]
		}
		if (last == alert) != want {
			t.Errorf("%v: the last record has the type %d", do, last)
		}
	}
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	addr, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}
