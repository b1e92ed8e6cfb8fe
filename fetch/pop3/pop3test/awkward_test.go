package pop3test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// fetchAll logs in, asks for all messages in one write without reading, and gives them as a plain reader of RFC 1939
// §3 understands them.
func fetchAll(t *testing.T, conn net.Conn, count int) [][]byte {
	t.Helper()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	in := bufio.NewReader(conn)
	play(t, conn, in, login)
	var commands strings.Builder
	for n := range count {
		fmt.Fprintf(&commands, "RETR %d\r\n", n+1)
	}
	if _, err := conn.Write([]byte(commands.String())); err != nil {
		t.Fatal(err)
	}
	bodies := make([][]byte, count)
	for n := range bodies {
		if status := line(t, in); !strings.HasPrefix(string(status), "+OK") {
			t.Fatalf("RETR %d: %q", n+1, status)
		}
		for l := line(t, in); string(l) != ".\r\n"; l = line(t, in) {
			bodies[n] = append(bodies[n], bytes.TrimPrefix(l, dot)...)
		}
	}
	return bodies
}

// line reads up to CRLF.
func line(t *testing.T, in *bufio.Reader) []byte {
	t.Helper()
	var l []byte
	for !bytes.HasSuffix(l, crlf) {
		part, err := in.ReadBytes('\n')
		if err != nil {
			t.Fatalf("behind %q: %v", l, err)
		}
		l = append(l, part...)
	}
	return l
}

func serverOf(t *testing.T, msgs []Message) *Server {
	t.Helper()
	s := &Server{Users: map[string]User{"joe": {Password: "a b", Mailbox: NewMailbox(msgs...)}}}
	t.Cleanup(s.Close)
	return s
}

func TestAwkwardMailArrivesAsItIs(t *testing.T) {
	msgs := AwkwardMail(300, 1)
	conn := serverOf(t, msgs).Pipe()
	defer conn.Close()
	for i, got := range fetchAll(t, conn, len(msgs)) {
		want, err := io.ReadAll(msgs[i].Reader())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) || int64(len(want)) != msgs[i].Size() {
			t.Errorf("%s: got %d octets, want %d; Size says %d", msgs[i].UID, len(got), len(want), msgs[i].Size())
		}
	}
}

func TestAwkwardMailIsTheSameEachTime(t *testing.T) {
	a, b, c := AwkwardMail(200, 7), AwkwardMail(200, 7), AwkwardMail(200, 8)
	if !bytes.Equal(a[199].Data, b[199].Data) {
		t.Error("the same seed gave other messages")
	}
	if bytes.Equal(a[199].Data, c[199].Data) {
		t.Error("another seed gave the same messages")
	}
	seen := map[string]bool{}
	for _, m := range a {
		if seen[m.UID] {
			t.Errorf("the UID %s comes twice", m.UID)
		}
		seen[m.UID] = true
	}
}

// A client over an unbuffered pipe that writes 5,000 commands, one write each, and reads nothing before is answered.
func TestManyCommandsBeforeAnyReading(t *testing.T) {
	const count = 5000
	msgs := make([]Message, count)
	for i := range msgs {
		msgs[i] = Message{UID: fmt.Sprint(i), Data: bytes.Repeat([]byte("Subject: small and plain, nothing to see here\r\n"), 60)}
	}
	conn := serverOf(t, msgs).Pipe()
	defer conn.Close()
	in := bufio.NewReader(conn)
	play(t, conn, in, login)
	for n := range count {
		if _, err := fmt.Fprintf(conn, "RETR %d\r\n", n+1); err != nil {
			t.Fatal(err)
		}
	}
	for range count {
		for string(line(t, in)) != ".\r\n" {
		}
	}
}

func TestHugeMessage(t *testing.T) {
	const size = 30 << 20
	msg := HugeMessage("huge", size)
	if len(msg.Data) > 64<<10 || msg.Size() < size {
		t.Fatalf("%d octets made of %d", msg.Size(), len(msg.Data))
	}
	s := serverOf(t, []Message{msg})
	got := exchange(t, s.Pipe(), "USER joe", "PASS a b", "RETR 1", "QUIT")
	head := fmt.Sprintf("%s+OK %d octets\r\n", opened, msg.Size())
	want := int64(len(head)+len(".\r\n")+len(bye)+msg.Times) + msg.Size() // each copy of Data begins with one dot
	if !strings.HasPrefix(got, head) || int64(len(got)) != want {
		t.Errorf("got %d octets, want %d", len(got), want)
	}
}

func TestListSizeLies(t *testing.T) {
	s := serverOf(t, []Message{{UID: "a", Data: []byte("x\r\n"), ListSize: 99}})
	conn := s.Pipe()
	defer conn.Close()
	converse(t, conn, login+"\nC: LIST 1\nS: +OK 1 99\nC: STAT\nS: +OK 1 99\nC: RETR 1\nS: +OK 99 octets\nS: x\nS: .")
}

func TestLongLineIsRefused(t *testing.T) {
	s := serverOf(t, nil)
	if got := exchange(t, s.Pipe(), strings.Repeat("x", maxLine+1)); got != hello+"-ERR line too long\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestMechanism(t *testing.T) {
	s := serverOf(t, nil)
	s.SASL = map[string]Mechanism{"X-COUNT": func(initial []byte, ask func([]byte) ([]byte, error)) (string, error) {
		if initial != nil {
			return "", Refusal("[SYS/TEMP] not now")
		}
		response, err := ask([]byte("who?"))
		return string(response), err
	}}
	s.Faults = []Fault{{On: Challenge, Nth: 2, At: 2, Do: FIN}}
	conn := s.Pipe()
	defer conn.Close()
	converse(t, conn, `
		S: +OK pop3test ready
		C: AUTH X-COUNT eA==
		S: -ERR [SYS/TEMP] not now
		C: AUTH X-COUNT
		S: + d2hvPw==
		C: am9l
		S: +OK logged in`)
	conn = s.Pipe()
	defer conn.Close()
	if got := exchange(t, conn, "AUTH X-COUNT", "eA==", "AUTH X-COUNT"); got != hello+"+ d2hvPw==\r\n-ERR [AUTH] no mailbox for this user\r\n+ " {
		t.Errorf("got %q", got)
	}
}
