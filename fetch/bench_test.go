package fetch

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3"
	"haulmail/fetch/seen"
	"haulmail/maildir"
)

// cannedServer answers from what it has ready, and allocates nothing for a message: what a benchmark counts is the client's.
type cannedServer struct {
	stat, uidl, list []byte // the answers
	message          []byte // to every RETR
}

const cannedBody = "From: lab@example.org\r\nSubject: bench\r\n\r\n"

func newCannedServer(messages, size int) *cannedServer {
	body := []byte(cannedBody)
	for len(body) < size {
		body = append(body, "A line of a message, as long as lines are, or a bit more.\r\n"...)
	}
	s := &cannedServer{message: fmt.Appendf(nil, "+OK %d octets\r\n%s.\r\n", len(body), body)}
	s.stat = fmt.Appendf(nil, "+OK %d %d\r\n", messages, messages*len(body))
	s.uidl, s.list = []byte("+OK\r\n"), []byte("+OK\r\n")
	for i := range messages {
		s.uidl = fmt.Appendf(s.uidl, "%d %08x5f3c2a11\r\n", i+1, i)
		s.list = fmt.Appendf(s.list, "%d %d\r\n", i+1, len(body))
	}
	s.uidl, s.list = append(s.uidl, ".\r\n"...), append(s.list, ".\r\n"...)
	return s
}

// start gives the address.
func (s *cannedServer) start(b *testing.B) string {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.serve(conn)
		}
	}()
	return ln.Addr().String()
}

func (s *cannedServer) serve(conn net.Conn) {
	defer conn.Close()
	in, out := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriterSize(conn, 64<<10)
	for out.WriteString("+OK\r\n"); ; {
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		switch string(line[:4]) {
		case "CAPA":
			out.WriteString("+OK\r\nPIPELINING\r\nUIDL\r\n.\r\n")
		case "STAT":
			out.Write(s.stat)
		case "UIDL":
			out.Write(s.uidl)
		case "LIST":
			out.Write(s.list)
		case "RETR":
			out.Write(s.message)
		default:
			out.WriteString("+OK\r\n")
		}
	}
}

// benchAccount is the account of a server at addr.
func benchAccount(b *testing.B, addr string) (*config.Account, Options) {
	b.Helper()
	host, port, _ := strings.Cut(addr, ":")
	number, err := strconv.Atoi(port)
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	a := &config.Account{
		Name: "work", Server: config.Server{Host: host, Port: number}, TLS: config.TLSNone, Username: "me",
		Maildir: filepath.Join(dir, "mail"), Timeout: config.Duration(time.Minute),
	}
	return a, Options{
		StateDir: filepath.Join(dir, "state"), Hostname: "here",
		Password: func(context.Context, *config.Account) (config.Secret, error) { return config.NewSecret("s3cret"), nil },
	}
}

// perMessage reports what a loop over so many messages an iteration has cost for each. mallocs is the count before the loop.
func perMessage(b *testing.B, messages int, mallocs uint64) {
	total := float64(b.N) * float64(messages)
	b.ReportMetric(total/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(countMallocs()-mallocs)/total, "allocs/message")
}

func countMallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// BenchmarkRun is a whole run: 2,000 new messages of 4 KB, and then nothing new in a mailbox of 100,000.
func BenchmarkRun(b *testing.B) {
	b.Run("new", func(b *testing.B) {
		const messages = 2000
		addr := newCannedServer(messages, 4000).start(b)
		b.ReportAllocs()
		mallocs := countMallocs()
		for b.Loop() {
			benchRun(b, addr, messages)
		}
		perMessage(b, messages, mallocs)
	})
	b.Run("nothing new", func(b *testing.B) {
		const messages = 100_000
		addr := newCannedServer(messages, 0).start(b)
		a, o := benchAccount(b, addr)
		know(b, a, o, messages)
		b.ReportAllocs()
		mallocs := countMallocs()
		for b.Loop() {
			if r := Run(b.Context(), []*config.Account{a}, o)[0]; r.Err != nil || r.Messages != 0 || r.Total != messages {
				b.Fatal(r)
			}
		}
		perMessage(b, messages, mallocs)
	})
}

// benchRun fetches everything into a fresh Maildir.
func benchRun(b *testing.B, addr string, messages int) {
	a, o := benchAccount(b, addr)
	if r := Run(b.Context(), []*config.Account{a}, o)[0]; r.Err != nil || r.Messages != messages {
		b.Fatal(r)
	}
}

// know records messages as fetched, as cannedServer lists them.
func know(b *testing.B, a *config.Account, o Options, messages int) {
	b.Helper()
	store, err := seen.Open(filepath.Join(o.StateDir, a.Name+".db"), seen.Identity{Server: a.Server.Host, User: a.Username}, seen.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	entries := make([]seen.Entry, messages)
	for i := range entries {
		entries[i] = seen.Entry{UID: fmt.Appendf(nil, "%08x5f3c2a11", i), ListSize: int64(len(cannedBody)), Fetched: time.Now()}
	}
	if err := store.AddSeen(entries); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCommit is the way of a batch of 512 messages of 4 KB from the spool into new/, the state included.
func BenchmarkCommit(b *testing.B) {
	addr := newCannedServer(batchMessages, 4000).start(b)
	a, o := benchAccount(b, addr)
	o.Now = time.Now
	h := newHaul(newEngine(o), a)
	if err := h.openState(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer h.close()
	if err := h.openMaildir(); err != nil {
		b.Fatal(err)
	}
	commits := &batcher{h: h, p: &plan{list: listingAt(b, addr)}}
	body := bytes.Repeat([]byte("A line of a message, as long as lines are, or a bit more.\n"), 4000/58)
	batch := make([]*arrival, batchMessages)
	uid := 0
	b.ReportAllocs()
	mallocs := countMallocs()
	for b.Loop() {
		for k := range batch {
			uid++
			name := fmt.Appendf(nil, "%08x5f3c2a11", uid)
			file, err := h.box.Create(maildir.UIDHash(h.owner(), name))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := file.Write(body); err != nil {
				b.Fatal(err)
			}
			if err := file.Close(); err != nil {
				b.Fatal(err)
			}
			batch[k] = &arrival{index: k, name: name, file: file, octets: int64(len(body))}
		}
		if err := commits.commit(batch); err != nil {
			b.Fatal(err)
		}
	}
	perMessage(b, len(batch), mallocs)
}

// listingAt gives what a server lists.
func listingAt(b *testing.B, addr string) *pop3.Listing {
	b.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	c := pop3.New(conn, pop3.Options{Timeout: time.Minute})
	if err := c.Greeting(); err != nil {
		b.Fatal(err)
	}
	list, err := c.List(true)
	if err != nil {
		b.Fatal(err)
	}
	return list
}
