package pop3

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// exchanges are all that a client waits for an answer to.
var exchanges = []struct {
	name  string
	do    func(*Client) error
	reply string // a whole one
}{
	{"greeting", (*Client).Greeting, "+OK\r\n"},
	{"CAPA", func(c *Client) error { _, err := c.Capa(); return err }, "+OK\r\nTOP\r\n.\r\n"},
	{"STLS", func(c *Client) error { return c.StartTLS(nil) }, "+OK \r\n"},
	{"login", func(c *Client) error { return c.Login("me", "x") }, "+OK\r\n+OK\r\n"},
	{"AUTH", func(c *Client) error { return c.Auth(saslClient{name: "X", initial: []byte{1}}) }, "+OK\r\n"},
	{"challenge", func(c *Client) error { return c.Auth(saslClient{name: "X", next: repeats}) }, "+ QQ==\r\n+OK\r\n"},
	{"listing", func(c *Client) error { _, err := c.List(true); return err }, "+OK 1 1\r\n+OK\r\n1 a\r\n.\r\n+OK\r\n1 1\r\n.\r\n"},
	{"listing one by one", func(c *Client) error { _, err := c.List(false); return err }, "+OK 1 1\r\n+OK\r\n1 a\r\n.\r\n+OK\r\n1 1\r\n.\r\n"},
	{"RETR", func(c *Client) error { _, err := haul(c, wants(2, 1), false); return err }, "+OK\r\nx\r\n.\r\n+OK\r\n.\r\n+OK\r\n"},
	{"RETR ahead", func(c *Client) error { _, err := haul(c, wants(2, 1), true); return err }, "+OK\r\nx\r\n.\r\n+OK\r\n+OK\r\n.\r\n+OK\r\n"},
	{"DELE", func(c *Client) error { _, _, err := c.Delete([]int{1, 2}, false); return err }, "+OK\r\n+OK\r\n"},
	{"DELE ahead", func(c *Client) error { _, _, err := c.Delete([]int{1, 2}, true); return err }, "+OK\r\n+OK\r\n"},
	{"NOOP", (*Client).Noop, "+OK\r\n"},
	{"QUIT", (*Client).Quit, "+OK\r\n"},
}

func repeats(challenge []byte) ([]byte, error) { return challenge, nil }

// against runs do against a server that reads all and sends text as pace likes, and tells how long it took.
func against(t *testing.T, do func(*Client) error, patience time.Duration, pace func(net.Conn)) (took time.Duration, err error) {
	bubble(t, func(t *testing.T) {
		client, conn := net.Pipe()
		var server sync.WaitGroup
		server.Go(func() { io.Copy(io.Discard, conn) })
		server.Go(func() { pace(conn) })
		began := time.Now()
		err = do(New(client, Options{Timeout: patience}))
		took = time.Since(began)
		client.Close()
		conn.Close()
		server.Wait()
	})
	return took, err
}

// Silence at each octet of each answer ends after just the time-out.
func TestSilence(t *testing.T) {
	const patience = time.Hour
	for _, x := range exchanges {
		t.Run(x.name, func(t *testing.T) {
			for n := range len(x.reply) {
				took, err := against(t, x.do, patience, func(conn net.Conn) {
					for i := range n { // not at once: an answer must not come with the one before
						conn.Write([]byte{x.reply[i]})
					}
				})
				if as[*TimeoutError](t, err); took != patience {
					t.Errorf("silent after %q: %v after %v", x.reply[:n], err, took)
				}
			}
		})
	}
}

// One octet now and then keeps no client for long, however the server goes about it. Each has an answer as long as it wants.
func TestDrip(t *testing.T) {
	endless := map[string]string{
		"listing":  "+OK 1 1\r\n+OK\r\n" + strings.Repeat("1 a\r\n", 1e5),
		"RETR":     "+OK\r\n" + strings.Repeat("xxxxxxxxx\r\n", 1e5),
		"greeting": "+OK " + strings.Repeat("x", 1e5),
		"CAPA":     "+OK\r\n" + strings.Repeat("X"+strings.Repeat("x", 1000)+"\r\n", 1e3),
	}
	for _, x := range exchanges {
		text, is := endless[x.name]
		if !is {
			continue
		}
		for _, each := range []time.Duration{500 * time.Millisecond, 59 * time.Second, 20 * time.Millisecond} {
			t.Run(x.name+" "+each.String(), func(t *testing.T) {
				took, err := against(t, x.do, patience, func(conn net.Conn) {
					for i := range text {
						time.Sleep(each)
						if _, err := io.WriteString(conn, text[i:i+1]); err != nil {
							return
						}
					}
				})
				// At 50 octets a second a tenth of the time that goes by is granted again. A line may meet its bound before.
				if _, long := err.(*ProtocolError); !long {
					as[*TimeoutError](t, err)
				}
				if took > 3*patience {
					t.Errorf("%v after %v", err, took)
				}
			})
		}
	}
}

// A slow line that keeps the least rate is none of a time-out's business, however long the message.
func TestSlowLine(t *testing.T) {
	body := strings.Repeat("xxxxxxxxx\r\n", 1e5)
	took, err := against(t, exchanges[9].do, patience, func(conn net.Conn) {
		for text := "+OK\r\n" + body + ".\r\n+OK\r\n+OK\r\n.\r\n+OK\r\n"; text != ""; {
			n := min(len(text), 5*leastRate)
			time.Sleep(5 * time.Second)
			io.WriteString(conn, text[:n])
			text = text[n:]
		}
	})
	if err != nil || took < 10*patience {
		t.Errorf("%v after %v", err, took)
	}
}

// Answers that each come in time, but only just, hold a session no longer than its credit; what came fast before saves up none.
func TestDelaysTogether(t *testing.T) {
	const most = mostCredit + patience
	for _, pipelining := range []bool{false, true} {
		for _, fast := range []int{0, 500} {
			got := 0
			took, err := against(t, func(c *Client) error {
				r := c.Retrieve(wants(1000, 1), pipelining)
				for r.Next() {
					if _, err := r.Body(io.Discard, noLimit); err != nil {
						return err
					}
					got++
				}
				return r.Err()
			}, patience, func(conn net.Conn) {
				for i := range 1000 {
					if i >= fast {
						time.Sleep(patience - time.Second)
					}
					answer := "+OK\r\nx\r\n.\r\n"
					if pipelining && isProof(i+1) {
						answer += "+OK\r\n"
					}
					if _, err := io.WriteString(conn, answer); err != nil {
						return
					}
				}
			})
			late := as[*TimeoutError](t, err)
			if !late.Session || got <= fast || took > most+most/10 {
				t.Errorf("pipelining %v: %v, %d messages after %v, want an end after %v", pipelining, err, got, took, most)
			}
		}
	}
}

// A server that takes its time for each message, but not too much, may go on all day.
func TestSlowServer(t *testing.T) {
	took, err := against(t, func(c *Client) error { return noops(c, 10000) }, patience, func(conn net.Conn) {
		for range 10000 {
			time.Sleep(replyCredit)
			io.WriteString(conn, "+OK\r\n")
		}
	})
	if err != nil || took < 5*time.Hour {
		t.Errorf("%v after %v", err, took)
	}
}

func noops(c *Client, n int) error {
	for range n {
		if err := c.Noop(); err != nil {
			return err
		}
	}
	return nil
}

// A slow disk is not a slow server: what the sink takes is not taken from the server's time.
func TestSlowSink(t *testing.T) {
	body := strings.Repeat("xxxxxxxxx\r\n", 1e3)
	for _, pipelining := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			s := serve(t, func(int) string { return body })
			defer s.stop()
			r := s.client.Retrieve(wants(5, 1), pipelining)
			got := 0
			for r.Next() {
				_, err := r.Body(slow{io.Discard, 3 * patience}, noLimit)
				ok(t, err)
				got++
			}
			if r.Err() != nil || got != 5 {
				t.Errorf("got %d messages, then %v", got, r.Err())
			}
		})
	}
}

// A slow sink gives a server that stalls no more time than it took itself.
func TestSlowSinkAndSilence(t *testing.T) {
	took, err := against(t, func(c *Client) error {
		r := c.Retrieve(wants(1, 1), true)
		for r.Next() {
			r.Body(slow{io.Discard, time.Hour}, noLimit)
		}
		return r.Err()
	}, patience, func(conn net.Conn) { io.WriteString(conn, "+OK\r\nx\r\n") })
	if as[*TimeoutError](t, err); took != time.Hour+patience {
		t.Errorf("%v after %v", err, took)
	}
}

// A server that does not read holds a command no longer than the time-out.
func TestServerThatDoesNotRead(t *testing.T) {
	for _, x := range exchanges[1:] {
		t.Run(x.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				client, conn := net.Pipe()
				defer conn.Close()
				defer client.Close()
				began := time.Now()
				as[*TimeoutError](t, x.do(New(client, Options{Timeout: patience})))
				if took := time.Since(began); took != patience {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}
