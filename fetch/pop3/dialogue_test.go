package pop3

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// patience is the time-out of the tests' sessions. Their time is fake: waiting for it costs nothing.
const patience = time.Minute

// play runs do against a server that keeps to a script, as the examples of the RFCs are written:
//
//	S: text     the server sends a line
//	s: octets   the server sends octets, without a CRLF of its own
//	C: text     the server waits for a line
//	-- 50s      the server lets time pass
//	S: (closes) the server closes the connection
//
// Neighbouring C lines must come in one write, neighbouring S lines go out in one. Backslashes escape as in Go strings. The
// script must be kept to its end, and nothing more be said.
func play(t *testing.T, script string, do func(t *testing.T, c *Client)) {
	t.Helper()
	turns := turnsOf(t, script)
	bubble(t, func(t *testing.T) {
		client, server := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer server.Close()
			follow(t, server, turns)
		}()
		defer func() {
			client.Close()
			<-done
		}()
		do(t, New(client, Options{Timeout: patience}))
	})
}

// bubble runs f in fake time, and fails when f leaves a goroutine behind, or when a goroutine runs without end: it would keep the
// fake time from passing.
func bubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	watch := time.AfterFunc(time.Minute, func() { panic(t.Name() + " spins: its time does not pass") })
	defer watch.Stop()
	synctest.Test(t, f)
}

// turn is what one side does until it is the other one's.
type turn struct {
	who  byte // 'C', 'S', '-' or 'x'
	text string
	wait time.Duration
}

func turnsOf(t *testing.T, script string) (turns []turn) {
	t.Helper()
	for line := range strings.Lines(script) {
		line = strings.Trim(line, "\t\n")
		if line == "" {
			continue
		}
		if wait, ok := strings.CutPrefix(line, "-- "); ok {
			d, err := time.ParseDuration(wait)
			if err != nil {
				t.Fatal(err)
			}
			turns = append(turns, turn{who: '-', wait: d})
			continue
		}
		if line == "S: (closes)" {
			turns = append(turns, turn{who: 'x'})
			continue
		}
		who, rest, ok := strings.Cut(line, ":")
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(strings.TrimPrefix(rest, " "), `"`, `\"`) + `"`)
		if !ok || err != nil || len(who) != 1 || !strings.Contains("CSs", who) {
			t.Fatalf("line of a script not understood: %q (%v)", line, err)
		}
		if who != "s" {
			text += "\r\n"
		}
		who = strings.ToUpper(who)
		if n := len(turns); n > 0 && turns[n-1].who == who[0] {
			turns[n-1].text += text
			continue
		}
		turns = append(turns, turn{who: who[0], text: text})
	}
	return turns
}

// follow is the server of play.
func follow(t *testing.T, conn net.Conn, turns []turn) {
	buf := make([]byte, 64<<10)
	for _, turn := range turns {
		switch turn.who {
		case 'C':
			n, err := conn.Read(buf)
			if got := string(buf[:n]); got != turn.text {
				t.Errorf("the client sent %q (%v), the script says %q", got, err, turn.text)
				return
			}
		case 'S':
			if _, err := io.WriteString(conn, turn.text); err != nil {
				t.Errorf("the client did not read %q: %v", turn.text, err)
				return
			}
		case '-':
			time.Sleep(turn.wait)
		case 'x':
			conn.Close()
			return
		}
	}
	if n, err := conn.Read(buf); err == nil {
		t.Errorf("the client sent %q behind the end of the script", buf[:n])
	}
}

// as fails the test unless err is an E.
func as[E error](t *testing.T, err error) E {
	t.Helper()
	e, ok := errors.AsType[E](err)
	if !ok {
		t.Fatalf("got error %v (%T), want a %T", err, err, e)
	}
	return e
}

// ok fails the test when err is one.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wire records what Options.Wire is told.
func wire(c *Client) *strings.Builder {
	var said strings.Builder
	c.opt.Wire = func(sent bool, line string) {
		who := "S: "
		if sent {
			who = "C: "
		}
		said.WriteString(who + line + "\n")
	}
	return &said
}

// hideous is text that is all a terminal must not be sent.
const hideous = "\x1b[2J\x07\xb5\xc7\xc2\xbc\x00"

// canned is a connection that gives data in pieces and takes everything. A piece of 0 octets is possible, as with a net.Pipe.
type canned struct {
	net.Conn
	data  []byte
	piece func() int
}

func (c *canned) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := min(len(p), len(c.data), c.piece())
	copy(p, c.data[:n])
	c.data = c.data[n:]
	return n, nil
}

func (c *canned) Write(p []byte) (int, error)      { return len(p), nil }
func (c *canned) Close() error                     { return nil }
func (c *canned) SetReadDeadline(time.Time) error  { return nil }
func (c *canned) SetWriteDeadline(time.Time) error { return nil }
func (c *canned) SetDeadline(time.Time) error      { return nil }

// answers makes a client that reads data in pieces of n octets at most.
func answers(data string, n int) *Client {
	return New(&canned{data: []byte(data), piece: func() int { return n }}, Options{Timeout: patience})
}
