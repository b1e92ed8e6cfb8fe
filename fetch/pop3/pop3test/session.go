package pop3test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"time"
)

// session is one connection. Its goroutine reads the queue of commands and writes the replies; a second one, running
// input.read, fills the queue.
type session struct {
	srv    *Server
	number int
	raw    *timedConn
	tls    *tls.Conn // nil while the connection is in clear
	out    *bufio.Writer
	in     *input
	held   bool // nobody reads: before the start of input.read, and while STLS holds it up

	faults *faultSet
	seen   map[int]int // for faults: how often each fitted in this session

	user     string   // from USER
	mailbox  *Mailbox // nil before the login and after the end
	messages []*Message
	deleted  map[*Message]bool
}

func newSession(srv *Server, conn net.Conn, number int) *session {
	raw := &timedConn{Conn: conn}
	return &session{
		srv: srv, number: number, raw: raw, out: bufio.NewWriterSize(raw, 64<<10), in: newInput(), held: true,
		seen: map[int]int{}, deleted: map[*Message]bool{},
	}
}

// timedConn bounds every read and write by idleLimit. During a TLS handshake its writes may be diverted to faults.
type timedConn struct {
	net.Conn
	divert io.Writer
}

func (c *timedConn) Read(p []byte) (int, error) {
	c.SetReadDeadline(time.Now().Add(idleLimit))
	return c.Conn.Read(p)
}

func (c *timedConn) Write(p []byte) (int, error) {
	if c.divert != nil {
		return c.divert.Write(p)
	}
	c.SetWriteDeadline(time.Now().Add(idleLimit))
	return c.Conn.Write(p)
}

// errQuit ends a session in order.
var errQuit = errors.New("quit")

// run serves the connection to its end; only the closing of the connection is left to the caller.
func (s *session) run() {
	var err error
	if s.srv.TLS != nil && !s.srv.STLS {
		err = s.handshake()
	}
	if err == nil {
		err = s.answer(moment{on: Greeting}, func() (reply, error) { return ok("pop3test ready"), nil })
	}
	if err == nil {
		reading := make(chan struct{})
		go func() {
			defer close(reading)
			s.in.read(s.transport())
		}()
		defer func() { <-reading }()
		s.held = false
		err = s.dialogue()
	}
	if err != nil && !errors.Is(err, errCut) {
		s.out.Flush()
		s.hangUp(FIN)
	}
	close(s.in.stop)
	s.raw.Close()
}

// transport is the connection as the dialogue sees it.
func (s *session) transport() net.Conn {
	if s.tls != nil {
		return s.tls
	}
	return s.raw
}

// dialogue answers commands until one of them, a fault or the client ends the session.
func (s *session) dialogue() error {
	for {
		c, err := s.next()
		if err != nil {
			return err
		}
		s.log("C: %s", c.line)
		if c.tooLong {
			s.out.WriteString("-ERR line too long\r\n")
			return errQuit
		}
		if err := s.obey(c); err != nil {
			return err
		}
	}
}

// next gives the client's next line. Replies are sent when the server would have to wait for it.
func (s *session) next() (command, error) {
	if !s.in.waiting() {
		if err := s.out.Flush(); err != nil {
			return command{}, err
		}
	}
	return s.in.next()
}

// obey carries out one command and answers it.
func (s *session) obey(c command) error {
	verb, args := parse(c.line)
	m := moment{on: verb, batched: c.batched}
	if len(args) > 0 {
		m.msg, m.uid = s.named(verb, args[0])
	}
	isStart := verb == "STLS"
	s.held = isStart
	var agreed bool
	err := s.answer(m, func() (reply, error) {
		do, known := commands[verb]
		if !known {
			return bad("unknown command"), nil
		}
		r, err := do(s, args)
		agreed = isStart && err == nil && strings.HasPrefix(r.status, "+OK")
		return r, err
	})
	if isStart && err == nil {
		err = s.startTLS(agreed)
	}
	return err
}

// startTLS goes on after a STLS: in TLS, or in clear when STLS was refused.
func (s *session) startTLS(agreed bool) error {
	if agreed {
		if err := s.out.Flush(); err != nil {
			return err
		}
		if err := s.handshake(); err != nil {
			return err
		}
	}
	s.held = false
	s.in.resume <- s.transport()
	return nil
}

// answer writes what do returns, changed by the faults that fit m. The error of do ends the session behind its reply.
func (s *session) answer(m moment, do func() (reply, error)) error {
	faults := s.faultsAt(m)
	for _, f := range faults {
		if f.Ignore {
			w := s.faulty(s.out, s.out.Flush, faults, nil)
			return w.finish()
		}
	}
	r, end := do()
	if r.status == "" {
		return end
	}
	s.log("S: %s", r.status)
	if len(faults) == 0 {
		r.writeTo(s.out, changes{})
		return end
	}
	change := s.changes(faults)
	w := s.faulty(s.out, s.out.Flush, faults, func() int64 {
		var size counter
		r.writeTo(&size, change)
		return int64(size)
	})
	r.writeTo(w, change)
	return errors.Join(w.finish(), end)
}

func (s *session) faultsAt(m moment) []*Fault {
	m.session = s.number
	set := s.srv.currentFaults()
	if set != s.faults {
		s.faults = set
		clear(s.seen)
	}
	return set.at(m, s.seen)
}

func (s *session) faulty(w io.Writer, flush func() error, faults []*Fault, size func() int64) *faultWriter {
	if size == nil {
		size = func() int64 { return 0 }
	}
	return &faultWriter{s: s, w: w, flush: flush, points: pointsOf(faults, size)}
}

// handshake begins TLS as the server.
func (s *session) handshake() error {
	faults := s.faultsAt(moment{on: Handshake})
	noFlush := func() error { return nil }
	w := s.faulty(&timedConn{Conn: s.raw.Conn}, noFlush, faults, nil)
	for _, f := range faults {
		if f.Ignore {
			return errors.Join(w.finish(), errQuit)
		}
	}
	if len(faults) > 0 {
		s.raw.divert = w
		defer func() { s.raw.divert = nil }()
	}
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	conn := tls.Server(s.raw, s.srv.TLS)
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	s.tls = conn
	s.out.Reset(conn)
	return w.finish()
}

// wait lets d pass, or all time until the client is gone when d is 0. It fails when the client is gone.
func (s *session) wait(d time.Duration) error {
	if d == 0 {
		d = 1 << 62
	}
	if s.held {
		return s.waitReading(d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.in.gone:
		return errGone
	}
}

// waitReading is wait while no other goroutine would see the client go. What the client sends meanwhile is lost.
func (s *session) waitReading(d time.Duration) error {
	conn := s.raw.Conn
	conn.SetReadDeadline(time.Now().Add(min(d, idleLimit)))
	_, err := io.Copy(io.Discard, conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return nil
	}
	return errGone
}

// hangUp ends the connection in the given way. The mailbox is free before the client can know of it.
func (s *session) hangUp(how Action) {
	s.leaveMailbox(s.srv.DeleteOnDrop)
	s.in.drop()
	if how == RST {
		if conn, ok := s.raw.Conn.(*net.TCPConn); ok {
			conn.SetLinger(0)
		}
		s.raw.Close()
		return
	}
	if s.tls != nil && how != CutTLS {
		s.tls.CloseWrite()
	}
	conn, ok := s.raw.Conn.(interface{ CloseWrite() error })
	if !ok {
		s.raw.Close()
		return
	}
	conn.CloseWrite()
	if how == HalfOpen {
		s.wait(0)
	} else {
		s.wait(lingerTime)
	}
}

// leaveMailbox gives the mailbox back; with remove, the messages marked by DELE are gone (RFC 1939 §6).
func (s *session) leaveMailbox(remove bool) {
	if s.mailbox == nil {
		return
	}
	if !remove {
		clear(s.deleted)
	}
	s.mailbox.leave(s.deleted)
	s.mailbox = nil
}
