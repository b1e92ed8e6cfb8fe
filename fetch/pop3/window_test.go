package pop3

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// server answers RETR and NOOP over a net.Pipe, and reads ahead: it keeps what the client sent, write by write.
type server struct {
	t      *testing.T
	client *Client
	conn   net.Conn
	body   func(number int) string
	drop   string // a command that is not answered

	mu     sync.Mutex
	came   sync.Cond // of mu: queue or gone has changed
	queue  []string
	gone   bool
	writes int

	before  func(queue []string) // called before each answer, once nothing moves any more
	running sync.WaitGroup
}

func serve(t *testing.T, body func(number int) string) *server {
	return newServer(t, body, nil)
}

func newServer(t *testing.T, body func(int) string, before func(queue []string)) *server {
	client, conn := net.Pipe()
	s := &server{t: t, client: New(client, Options{Timeout: patience}), conn: conn, body: body, before: before}
	s.came.L = &s.mu
	s.running.Go(s.read)
	s.running.Go(s.answer)
	return s
}

// stop closes the client's end and waits for the server to see it.
func (s *server) stop() {
	s.client.conn.Close()
	s.running.Wait()
}

func (s *server) read() {
	buf := make([]byte, 64<<10)
	for {
		n, err := s.conn.Read(buf)
		s.mu.Lock()
		if n > 0 {
			s.writes++
			s.queue = append(s.queue, strings.Split(strings.TrimSuffix(string(buf[:n]), "\r\n"), "\r\n")...)
		}
		s.gone = err != nil
		s.came.Broadcast()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *server) answer() {
	defer s.conn.Close()
	for {
		s.mu.Lock()
		for len(s.queue) == 0 && !s.gone {
			s.came.Wait()
		}
		s.mu.Unlock()
		if s.before != nil {
			synctest.Wait()
			s.before(s.queue)
		}
		s.mu.Lock()
		if len(s.queue) == 0 {
			s.mu.Unlock()
			return
		}
		command := s.queue[0]
		s.queue = s.queue[1:]
		s.mu.Unlock()
		if command == s.drop {
			continue
		}
		reply := "+OK\r\n"
		if number, is := strings.CutPrefix(command, "RETR "); is {
			n, err := strconv.Atoi(number)
			if err != nil {
				s.t.Errorf("the client sent %q", command)
			}
			reply += s.body(n) + ".\r\n"
		}
		if _, err := io.WriteString(s.conn, reply); err != nil {
			return
		}
	}
}

// TestWindow looks at what the server has been asked for and has not answered, each time that neither side can go on. Only the
// sizes of LIST count; the messages themselves are small.
func TestWindow(t *testing.T) {
	const mib = 1 << 20
	mixed := wants(600, 100)
	for i := 0; i < len(mixed); i += 3 {
		mixed[i].Size = []int64{0, 5 * mib, 20 * mib, -1, 3 * mib, math.MaxInt64, 8 * mib, 8*mib + 1}[i/3%8]
	}
	// A big one behind a window that is not half full: it has to wait, and nothing may spin meanwhile.
	behind := append(wants(3, mib), Want{Number: 4, Size: 6 * mib}, Want{Number: 5, Size: math.MaxInt64}, Want{Number: 6, Size: math.MaxInt64})

	for name, test := range map[string]struct {
		wants    []Want
		commands int // RETRs outstanding at once at the peak; 0 is any number
		writes   int // most; 0 is any number
	}{
		"1,000 small ones":       {wants(1000, 2000), 1000, 1},
		"5,000 small ones":       {wants(5000, 700), windowCommands, 36},
		"one less than a window": {wants(windowCommands-1, 1), windowCommands - 1, 1},
		"a window":               {wants(windowCommands, 1), windowCommands, 1},
		"of 100 KiB":             {wants(500, 100<<10), 81, 50},
		"of 20 MiB":              {wants(20, 20*mib), 1, 20},
		"of just the window":     {wants(20, 8*mib), 1, 20},
		"of half the window":     {wants(20, 4*mib), 2, 20},
		"of unknown size":        {wants(1000, -1), 128, 60},
		"of no size":             {wants(2000, 0), windowCommands, 9},
		"of a boundless size":    {wants(20, math.MaxInt64), 1, 20},
		"mixed":                  {mixed, 0, 0},
		"a big one behind small": {behind, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			sizes := map[string]int64{}
			for _, w := range test.wants {
				size := w.Size
				if size < 0 {
					size = 64 << 10
				}
				sizes[fmt.Sprint("RETR ", w.Number)] = size
			}
			most := 0
			bubble(t, func(t *testing.T) {
				s := newServer(t, func(int) string { return "x\r\n" }, func(queue []string) {
					bytes, retrs, weighty := int64(0), 0, 0
					for _, command := range queue {
						size, is := sizes[command]
						if is {
							retrs++
						}
						if size > 0 {
							weighty++
						}
						bytes += min(size, math.MaxInt64-bytes)
					}
					most = max(most, retrs)
					if retrs > windowCommands || bytes > 8*mib && weighty > 1 {
						t.Errorf("%d messages of %d octets are outstanding", retrs, bytes)
					}
				})
				defer s.stop()
				got, err := haul(s.client, test.wants, true)
				ok(t, err)
				if len(got) != len(test.wants) {
					t.Errorf("got %d messages, want %d", len(got), len(test.wants))
				}
				if test.writes > 0 && s.writes > test.writes {
					t.Errorf("the commands came in %d writes, want %d at most", s.writes, test.writes)
				}
				t.Logf("%d writes, %d RETRs outstanding at most", s.writes, most)
			})
			if test.commands > 0 && most != test.commands {
				t.Errorf("%d RETRs were outstanding at once, want %d", most, test.commands)
			}
		})
	}
}

// A server may read no further until it has sent what was asked for: the client must read while it cannot write.
func TestServerThatReadsOnlyWhenItHasAnswered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		client, conn := net.Pipe()
		var server sync.WaitGroup
		server.Go(func() {
			defer conn.Close()
			in := bufio.NewReaderSize(conn, 100) // each write of the client's is longer
			for {
				command, err := in.ReadString('\n')
				reply := "+OK\r\n"
				if command != "NOOP\r\n" {
					reply += "x\r\n.\r\n"
				}
				if err != nil {
					return
				}
				if _, err := io.WriteString(conn, reply); err != nil {
					return
				}
			}
		})
		c := New(client, Options{Timeout: patience})
		r := c.Retrieve(wants(1000, 1), true)
		got := 0
		for r.Next() {
			_, err := r.Body(io.Discard, noLimit)
			ok(t, err)
			got++
		}
		if r.Err() != nil || got != 1000 {
			t.Errorf("got %d messages, then %v", got, r.Err())
		}
		client.Close()
		server.Wait()
	})
}

// reads makes a connection whose server keeps to steps: a number is octets to read, a string is to be sent. Behind them it does
// nothing more until the client closes.
func reads(t *testing.T, steps []any) (c *Client, stop func()) {
	client, conn := net.Pipe()
	over := make(chan struct{})
	var server sync.WaitGroup
	server.Go(func() {
		defer conn.Close()
		for _, step := range steps {
			switch step := step.(type) {
			case int:
				if _, err := io.ReadFull(conn, make([]byte, step)); err != nil {
					t.Error(err)
				}
			case string:
				io.WriteString(conn, step)
			}
		}
		<-over
	})
	return New(client, Options{Timeout: patience}), func() { client.Close(); close(over); server.Wait() }
}

// Every wait has an end, also the wait to get rid of a command.
func TestServerThatReadsNoMore(t *testing.T) {
	const more = windowCommands + 88
	for name, test := range map[string]struct {
		wants int
		steps []any
	}{
		"anything":                        {more, []any{}},
		"anything, but answers":           {more, []any{answersTo(0, more) + "+OK\r\n"}},
		"anything, but answers a window":  {more, []any{answersTo(0, windowCommands)}},
		"behind the first RETR":           {more, []any{8, answersTo(0, 1)}},
		"in the first RETR":               {more, []any{3, answersTo(0, 1)}},
		"behind the window":               {more, []any{retrs(windowCommands), answersTo(0, windowCommands)}},
		"behind the window, half of it":   {more, []any{retrs(windowCommands), answersTo(0, windowCommands/2)}},
		"in the second write":             {more, []any{retrs(windowCommands), answersTo(0, 300), 9, answersTo(300, windowCommands)}},
		"the NOOP":                        {100, []any{retrs(100), answersTo(0, 100)}},
		"the NOOP that it answers":        {100, []any{retrs(100), answersTo(0, 100), "+OK\r\n"}},
		"the LF of the NOOP":              {100, []any{retrs(100) + 5, answersTo(0, 100)}},
		"the second RETR that it answers": {100, []any{8, answersTo(0, 100), "+OK\r\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, stop := reads(t, test.steps)
				defer stop()
				began := time.Now()
				_, err := haul(c, wants(test.wants, 1), true)
				as[*TimeoutError](t, err)
				if took := time.Since(began); took != patience {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// isProof tells whether a NOOP goes behind the n-th small message.
func isProof(n int) bool {
	if n < proofMessages {
		return n&(n-1) == 0 // a power of two
	}
	return n%proofMessages == 0
}

// answersTo answers the RETRs behind the first from and up to the first to, and the NOOPs that prove them.
func answersTo(from, to int) string {
	var b strings.Builder
	for i := from + 1; i <= to; i++ {
		b.WriteString("+OK\r\n.\r\n")
		if isProof(i) {
			b.WriteString("+OK\r\n")
		}
	}
	return b.String()
}

// retrs is how long the commands for the first n messages are, with the NOOPs that prove them.
func retrs(n int) (octets int) {
	for i := range n {
		octets += len((&Retrieval{}).appendCommand(nil, i+1))
		if isProof(i + 1) {
			octets += len("NOOP\r\n")
		}
	}
	return octets
}
