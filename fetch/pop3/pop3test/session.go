package pop3test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"time"
)

// session is one connection. Its goroutine obeys commands and writes the replies; a second one, pump.run, reads ahead.
type session struct {
	srv    *Server
	number int
	wire   *wire
	tls    *tls.Conn // nil while the connection is in clear
	out    *bufio.Writer
	lines  lines

	faults *faultSet
	seen   map[int]int // for faults: how often each fitted in this session

	stamp    string   // the timestamp of the greeting, where APOP is offered
	user     string   // from USER
	mailbox  *Mailbox // nil before the login and after the end
	messages []*Message
	deleted  map[*Message]bool
}

func newSession(srv *Server, conn net.Conn, number int) *session {
	w := &wire{Conn: conn, pump: newPump(conn)}
	s := &session{
		srv: srv, number: number, wire: w, out: bufio.NewWriterSize(w, 64<<10),
		seen: map[int]int{}, deleted: map[*Message]bool{},
	}
	w.flush = func() error { return s.out.Flush() }
	return s
}

// wire is the connection under TLS: read through the pump, each write bounded by idleLimit, or, during a handshake,
// diverted to faults.
type wire struct {
	net.Conn
	pump   *pump
	flush  func() error
	divert io.Writer
}

// Read sends the replies collected so far when it has to wait, and waits no longer than idleLimit.
func (w *wire) Read(p []byte) (int, error) {
	if w.pump.empty() {
		if err := w.flush(); err != nil {
			return 0, err
		}
		w.Conn.SetReadDeadline(time.Now().Add(idleLimit)) // holds for the pump's read
		defer w.Conn.SetReadDeadline(time.Time{})
	}
	return w.pump.Read(p)
}

func (w *wire) Write(p []byte) (int, error) {
	if w.divert != nil {
		return w.divert.Write(p)
	}
	w.SetWriteDeadline(time.Now().Add(idleLimit))
	return w.Conn.Write(p)
}

var (
	errQuit = errors.New("quit") // ends a session in order
	errGone = errors.New("the client has gone")
)

// run serves the connection to its end.
func (s *session) run() {
	pumping := make(chan struct{})
	go func() {
		defer close(pumping)
		s.wire.pump.run()
	}()
	if err := s.serve(); !errors.Is(err, errCut) {
		s.out.Flush()
		s.hangUp(FIN)
	}
	s.wire.pump.drop()
	s.wire.Close()
	<-pumping
}

// serve gives the greeting and obeys commands until one of them, a fault or the client ends the session.
func (s *session) serve() error {
	if s.srv.TLS != nil && !s.srv.STLS {
		if err := s.handshake(); err != nil {
			return err
		}
	}
	if err := s.answer(moment{on: Greeting}, s.greet); err != nil {
		return err
	}
	for {
		c, err := s.next()
		if err != nil {
			return err
		}
		if err := s.obey(c); err != nil {
			return err
		}
	}
}

// next gives the client's next line.
func (s *session) next() (command, error) {
	var from io.Reader = s.wire
	if s.tls != nil {
		from = s.tls
	}
	c, err := s.lines.next(from)
	switch {
	case errors.Is(err, errLineTooLong):
		s.out.WriteString("-ERR line too long\r\n")
	case err == nil:
		s.log("C: %s", c.line)
	}
	return c, err
}

// obey carries out one command and answers it.
func (s *session) obey(c command) error {
	verb, args := parse(c.line)
	m := moment{on: verb, batched: c.batched}
	if len(args) > 0 {
		m.msg, m.uid = s.named(verb, args[0])
	}
	startTLS := false
	err := s.answer(m, func() (reply, error) {
		do, known := commands[verb]
		if !known {
			return bad("unknown command"), nil
		}
		r, err := do(s, args)
		startTLS = verb == "STLS" && strings.HasPrefix(r.status, "+OK")
		return r, err
	})
	if err != nil || !startTLS {
		return err
	}
	s.lines.forget()
	if err := s.out.Flush(); err != nil {
		return err
	}
	return s.handshake()
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

// handshake begins TLS as the server. It has no limit of its own, for a fault may hold it up for as long as it likes;
// the client's silence is bounded as always.
func (s *session) handshake() error {
	faults := s.faultsAt(moment{on: Handshake})
	noFlush := func() error { return nil }
	w := s.faulty(&wire{Conn: s.wire.Conn}, noFlush, faults, nil)
	for _, f := range faults {
		if f.Ignore {
			return errors.Join(w.finish(), errQuit)
		}
	}
	if len(faults) > 0 {
		s.wire.divert = w
		defer func() { s.wire.divert = nil }()
	}
	conn := tls.Server(s.wire, s.srv.TLS)
	if err := conn.Handshake(); err != nil {
		return err
	}
	s.tls = conn
	s.out.Reset(conn)
	return w.finish()
}

// wait lets d pass, or all time until the client is gone when d is 0. It fails when the client is gone.
func (s *session) wait(d time.Duration) error {
	if d == 0 {
		<-s.wire.pump.gone
		return errGone
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.wire.pump.gone:
		return errGone
	}
}

// hangUp ends the connection in the given way. The mailbox is free before the client can know of it.
func (s *session) hangUp(how Action) {
	s.leaveMailbox(s.srv.DeleteOnDrop)
	s.wire.pump.drop()
	if how == RST {
		if conn, ok := s.wire.Conn.(*net.TCPConn); ok {
			conn.SetLinger(0)
		}
		s.wire.Close()
		return
	}
	if s.tls != nil && how != CutTLS {
		s.tls.CloseWrite()
	}
	conn, ok := s.wire.Conn.(interface{ CloseWrite() error })
	if !ok {
		s.wire.Close()
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
