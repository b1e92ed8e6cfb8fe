package pop3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

const noLimit = 1 << 40

// wants are the messages 1 to n, of the same LIST size.
func wants(n int, size int64) []Want {
	all := make([]Want, n)
	for i := range all {
		all[i] = Want{Number: i + 1, Size: size}
	}
	return all
}

// haul retrieves to the end and tells what became of each message: its text, or "refused". The last one is "broken" where its
// Body failed, and the error of the walk follows.
func haul(c *Client, all []Want, pipelining bool) (got []string, err error) {
	r := c.Retrieve(all, pipelining)
	for r.Next() {
		number := all[r.Index()].Number
		if r.Refused() != nil {
			got = append(got, fmt.Sprint(number, " refused"))
			continue
		}
		var body bytes.Buffer
		if _, err := r.Body(&body, noLimit); err != nil {
			got = append(got, fmt.Sprint(number, " broken"))
			continue
		}
		got = append(got, fmt.Sprintf("%d %q", number, body.String()))
	}
	return got, r.Err()
}

func gives(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRetrieveOneAtATime(t *testing.T) {
	play(t, `
		C: RETR 1
		S: +OK 120 octets
		S: <the POP3 server sends message 1>
		S: ..
		S: .
		C: RETR 2
		S: -ERR no such message
		C: RETR 3
		S: +OK
		S: .
		C: NOOP
		S: +OK
	`, func(t *testing.T, c *Client) {
		said := wire(c)
		got, err := haul(c, wants(3, 120), false)
		ok(t, err)
		gives(t, got, `1 "<the POP3 server sends message 1>\n.\n"`, "2 refused", `3 ""`)
		want := "C: RETR 1\nS: +OK 120 octets\nC: RETR 2\nS: -ERR no such message\nC: RETR 3\nS: +OK\nC: NOOP\nS: +OK\n"
		if said.String() != want {
			t.Errorf("the dialogue says\n%s", said)
		}
	})
}

func TestRetrieveAhead(t *testing.T) {
	play(t, `
		C: RETR 1
		C: NOOP
		C: RETR 2
		C: NOOP
		C: RETR 3
		C: NOOP
		S: +OK 120 octets
		S: one
		S: .
		S: +OK
		S: -ERR no such message
		S: +OK
		S: +OK
		S: three
		S: .
		S: +OK
		C: QUIT
		S: +OK
	`, func(t *testing.T, c *Client) {
		said := wire(c)
		got, err := haul(c, wants(3, 120), true)
		ok(t, err)
		gives(t, got, `1 "one\n"`, "2 refused", `3 "three\n"`)
		want := "C: RETR 1\nS: +OK 120 octets\nC: NOOP\nS: +OK\nC: RETR 2\nS: -ERR no such message\nC: NOOP\nS: +OK\nC: RETR 3\nS: +OK\nC: NOOP\nS: +OK\n"
		if said.String() != want {
			t.Errorf("the dialogue says\n%s", said)
		}
		ok(t, c.Quit())
	})
}

func TestRetrieveNothing(t *testing.T) {
	for _, pipelining := range []bool{false, true} {
		play(t, ``, func(t *testing.T, c *Client) {
			got, err := haul(c, nil, pipelining)
			ok(t, err)
			gives(t, got)
		})
	}
}

// Anything is as good as "+OK" to show that the last message has ended where it seemed to.
func TestConfirmationRefused(t *testing.T) {
	for _, pipelining := range []bool{false, true} {
		script := "C: RETR 1\nS: +OK\nS: .\nC: NOOP\nS: -ERR unknown command"
		if pipelining {
			script = "C: RETR 1\nC: NOOP\nS: +OK\nS: .\nS: -ERR unknown command"
		}
		play(t, script, func(t *testing.T, c *Client) {
			got, err := haul(c, wants(1, 1), pipelining)
			ok(t, err)
			gives(t, got, `1 ""`)
		})
	}
}

// A server that does not stuff dots ends a message in its middle: what follows is no status line. The walk ends with an error at
// the next Next, so that the message before is not taken for whole.
func TestLostSync(t *testing.T) {
	const half = "S: +OK\nS: begins\nS: .\nS: goes on\nS: .\n"
	for name, test := range map[string]struct {
		script     string
		n          int
		pipelining bool
	}{
		"one at a time":                    {"C: RETR 1\n" + half, 2, false},
		"one at a time, the last":          {"C: RETR 1\n" + half, 1, false},
		"one at a time, arrives later":     {"C: RETR 1\nS: +OK\nS: begins\nS: .\nC: RETR 2\nS: goes on\nS: .", 2, false},
		"one at a time, looks like status": {"C: RETR 1\nS: +OK\nS: begins\nS: .\nS: +OK\nS: goes on\nS: .", 2, false},
		"ahead":                            {"C: RETR 1\nC: NOOP\nC: RETR 2\nC: NOOP\n" + half, 2, true},
		"ahead, the last":                  {"C: RETR 1\nC: NOOP\n" + half, 1, true},
		"ahead, a plus":                    {"C: RETR 1\nC: NOOP\nS: +OK\nS: begins\nS: .\nS: + goes on", 1, true},
		"the last, looks like status":      {"C: RETR 1\nC: NOOP\nS: +OK\nS: begins\nS: .\nS: +OK\nS: goes on\nS: .", 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, test.script, func(t *testing.T, c *Client) {
				r := c.Retrieve(wants(test.n, 100), test.pipelining)
				if !r.Next() {
					t.Fatal(r.Err())
				}
				_, err := r.Body(io.Discard, noLimit)
				ok(t, err)
				if r.Next() {
					t.Error("the message is confirmed")
				}
				as[*ProtocolError](t, r.Err())
			})
		})
	}
}

// A server that drops one of the commands sent ahead answers with other messages from then on. None of them is proved.
func TestDroppedCommandIsFoundOut(t *testing.T) {
	const messages, dropped = 300, 107
	for size, want := range map[int64]int{6: 96, -1: 104} { // of unknown size, fewer go between two NOOPs
		t.Run(fmt.Sprint("size ", size), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := serve(t, func(n int) string { return fmt.Sprintf("%04d\r\n", n) })
				s.drop = fmt.Sprint("RETR ", dropped)
				defer s.stop()
				r := s.client.Retrieve(wants(messages, size), true)
				proved := 0
				for r.Next() {
					proved = max(proved, r.Proved())
					if _, err := r.Body(io.Discard, noLimit); err != nil {
						break
					}
				}
				as[*ProtocolError](t, r.Err())
				if proved != want {
					t.Errorf("%d messages are proved, want the %d up to the last NOOP before the dropped one", proved, want)
				}
			})
		})
	}
}

func TestStop(t *testing.T) {
	t.Run("one at a time", func(t *testing.T) {
		play(t, `
			C: RETR 1
			S: +OK
			S: .
			C: NOOP
			S: +OK
		`, func(t *testing.T, c *Client) {
			r := c.Retrieve(wants(5, 1), false)
			got := 0
			for r.Next() {
				r.Stop()
				_, err := r.Body(io.Discard, noLimit)
				ok(t, err)
				got++
			}
			ok(t, r.Err())
			if got != 1 {
				t.Errorf("got %d messages, want 1", got)
			}
		})
	})
	t.Run("ahead", func(t *testing.T) {
		// Two of 3 MiB fit into the window; the third is never asked for.
		play(t, `
			C: RETR 1
			C: NOOP
			C: RETR 2
			C: NOOP
			S: +OK
			S: .
			S: +OK
			S: +OK
			S: .
			S: +OK
		`, func(t *testing.T, c *Client) {
			r := c.Retrieve(wants(5, 3<<20), true)
			got := 0
			for r.Next() {
				r.Stop()
				r.Stop()
				_, err := r.Body(io.Discard, noLimit)
				ok(t, err)
				got++
			}
			ok(t, r.Err())
			if got != 2 {
				t.Errorf("got %d messages, want 2", got)
			}
		})
	})
	t.Run("before the first", func(t *testing.T) {
		play(t, ``, func(t *testing.T, c *Client) {
			r := c.Retrieve(wants(5, 1), false)
			r.Stop()
			if r.Next() || r.Err() != nil {
				t.Errorf("got a message, or %v", r.Err())
			}
		})
	})
}

func TestTooLong(t *testing.T) {
	for limit, want := range map[int64]bool{7: true, 6: false, 100: true} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			c := answers("+OK\r\nab\r\n..\r\n.\r\n+OK\r\n", 1)
			r := c.Retrieve(wants(1, 1), true)
			if !r.Next() {
				t.Fatal(r.Err())
			}
			octets, err := r.Body(io.Discard, limit)
			if want {
				ok(t, err)
				if octets != 7 {
					t.Errorf("got %d octets, want 7: ab, a dot, two line ends", octets)
				}
				return
			}
			if e := as[*TooLongError](t, err); e.Limit != limit || e.Doing != "RETR 1" {
				t.Errorf("got %+v", e)
			}
			if r.Next() {
				t.Error("the walk goes on")
			}
			as[*TooLongError](t, r.Err())
		})
	}
}

// An endless message ends at its limit, whether it has lines or not, and not a buffer later.
func TestEndlessMessage(t *testing.T) {
	for name, line := range map[string]string{"line": "xxxxxxxx", "lines": "xxxxxx\r\n", "dots": "..\r\n", "CR": "\r\r\r\r"} {
		t.Run(name, func(t *testing.T) {
			const limit = 1 << 20
			endless := strings.Repeat(line, 3*limit/len(line))
			for _, pipelining := range []bool{false, true} {
				c := answers("+OK\r\n"+endless, 4000)
				r := c.Retrieve(wants(2, 1), pipelining)
				if !r.Next() {
					t.Fatal(r.Err())
				}
				var body bytes.Buffer
				_, err := r.Body(&body, limit)
				as[*TooLongError](t, err)
				if body.Len() > limit {
					t.Errorf("%d octets were stored, the limit is %d", body.Len(), limit)
				}
			}
		})
	}
}

type brokenDisk struct{ left int }

var errDisk = errors.New("no space left on device")

func (d *brokenDisk) Write(p []byte) (int, error) {
	if d.left -= len(p); d.left < 0 {
		return 0, errDisk
	}
	return len(p), nil
}

func TestSinkFails(t *testing.T) {
	for _, pipelining := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			s := serve(t, func(int) string { return strings.Repeat("x\r\n", 1000) })
			defer s.stop()
			r := s.client.Retrieve(wants(2000, 1<<16), pipelining)
			disk := &brokenDisk{left: 50_500} // of 2,000 octets each
			for r.Next() {
				if _, err := r.Body(disk, noLimit); err != nil {
					if e := as[*SinkError](t, err); !errors.Is(e, errDisk) {
						t.Errorf("got %v", e)
					}
				}
			}
			as[*SinkError](t, r.Err())
			if r.Index() != 25 {
				t.Errorf("it failed at message %d, want 25", r.Index())
			}
		})
	}
}

func TestServerCloses(t *testing.T) {
	for name, script := range map[string]string{
		"before the answer":  "S: (closes)",
		"in the status line": "s: +OK 12\nS: (closes)",
		"in the header":      "s: +OK\\r\\nSubj\nS: (closes)",
		"before the dot":     "s: +OK\\r\\nx\\r\\n\nS: (closes)",
		"behind the dot":     "s: +OK\\r\\nx\\r\\n.\nS: (closes)",
		"before the LF":      "s: +OK\\r\\nx\\r\\n.\\r\nS: (closes)",
		"after the message":  "s: +OK\\r\\nx\\r\\n.\\r\\n\nS: (closes)",
	} {
		for asked, pipelining := range map[string]bool{"C: RETR 1\n": false, "C: RETR 1\nC: NOOP\n": true} {
			t.Run(name, func(t *testing.T) {
				play(t, asked+script, func(t *testing.T, c *Client) {
					_, err := haul(c, wants(1, 1), pipelining)
					// One at a time, the NOOP may find a closed pipe already.
					if !errors.Is(err, io.ErrUnexpectedEOF) && !(name == "after the message" && errors.Is(err, io.ErrClosedPipe)) {
						t.Errorf("got %v, want an unexpected EOF", err)
					}
				})
			})
		}
	}
}

func TestBodyNotRead(t *testing.T) {
	for _, pipelining := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			s := serve(t, func(int) string { return "+OK\r\n" }) // looks like a status line
			defer s.stop()
			r := s.client.Retrieve(wants(2000, 1), pipelining)
			if !r.Next() || r.Next() || r.Err() == nil {
				t.Errorf("the walk went on without Body (%v)", r.Err())
			}
		})
	}
}

// Body is for the current message's body only: another call would take the next message for it.
func TestBodyOfNothing(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		c := answers("-ERR\r\n+OK\r\nx\r\n.\r\n", 1)
		r := c.Retrieve(wants(2, 1), true)
		if !r.Next() {
			t.Fatal(r.Err())
		}
		if _, err := r.Body(io.Discard, noLimit); err == nil {
			t.Error("a refused message has a body")
		}
	})
	t.Run("twice", func(t *testing.T) {
		c := answers("+OK\r\nx\r\n.\r\n+OK\r\ny\r\n.\r\n", 1)
		r := c.Retrieve(wants(2, 1), true)
		if !r.Next() {
			t.Fatal(r.Err())
		}
		_, err := r.Body(io.Discard, noLimit)
		ok(t, err)
		if _, err := r.Body(io.Discard, noLimit); err == nil {
			t.Error("a message has two bodies")
		}
	})
}

// slow is a writer that takes its time.
type slow struct {
	w    io.Writer
	each time.Duration
}

func (s slow) Write(p []byte) (int, error) {
	time.Sleep(s.each)
	return s.w.Write(p)
}
