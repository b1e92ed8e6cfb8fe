// Package pop3test is a POP3 server that a test can script.
//
// It speaks RFC 1939 (POP3), 2449 (CAPA, response codes, pipelining), 2595 (STLS), 5034 (AUTH, with the usual mechanisms) and 3206 ([AUTH]) as a
// good server does, over any net.Conn: a TCP connection, or one end of a net.Pipe under testing/synctest. What a bad
// server does is told to it as data: a [Fault] names a place in the dialogue and what goes wrong there.
//
// The promises: commands are read ahead by a goroutine of their own, so a client that pipelines over an unbuffered pipe
// cannot lock up; replies are collected and sent when no command waits, as Dovecot does; a message is sent octet for
// octet as its [Message] holds it; a DELE counts when QUIT is answered and not before; Close leaves no goroutine behind.
//
// Tests and cmd/popdemo may use it. It prints nothing and does not import testing.
package pop3test

import (
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// What a session may cost. A test server too may meet a client that never stops.
const (
	maxLine     = 16 << 10               // octets in a command line; RFC 5034 §4 asks for 12,288 in AUTH
	maxQueued   = 1 << 20                // octets of commands read ahead: about 80,000 RETRs
	maxSessions = 4096                   // connections served at once by Serve; further ones wait
	idleLimit   = 10 * time.Minute       // a silent or blocked client is dropped (RFC 1939 §3: at least 10 minutes)
	lockWait    = time.Second            // a login waits so long for a mailbox whose last client has just gone
	lingerTime  = 100 * time.Millisecond // after a FIN, so long is input still read: unread input would turn it into a RST
)

// User is who may log in, and to what.
type User struct {
	Password string
	Token    string // the bearer token that XOAUTH2 and OAUTHBEARER take; "" for none
	Mailbox  *Mailbox
}

// Server is a POP3 server. Fill in the fields, then call Serve, Start, ServeConn or Pipe; the fields are not to be
// changed after that. All methods may be called from several goroutines.
type Server struct {
	// Users maps user names to their passwords and mailboxes. Several names may share a Mailbox.
	Users map[string]User
	// TLS, when set, is spoken from the first octet on, or after STLS when the field STLS is set.
	TLS *tls.Config
	// STLS offers TLS by the command STLS (RFC 2595 §4) instead of from the first octet on.
	STLS bool
	// Caps is the answer to CAPA, one capability a line. Nil means DefaultCaps, with STLS where it can be used and
	// the mechanisms of Mechanisms and SASL added.
	Caps []string
	// CapsAfter is the answer to CAPA after the login. Nil means the same as before.
	CapsAfter []string
	// Mechanisms names those that the server offers of its own beside PLAIN: LOGIN, CRAM-MD5, SCRAM-SHA-1, SCRAM-SHA-256, both with
	// -PLUS, EXTERNAL (the user is the name in the client's certificate), XOAUTH2, OAUTHBEARER.
	Mechanisms []string
	// SASL holds further mechanisms, by their upper-case names; one of a name the server knows stands in its place.
	SASL map[string]Mechanism
	// APOP puts a timestamp into the greeting, and takes APOP (RFC 1939 §7).
	APOP bool
	// DeleteOnDrop commits the DELEs of a session that ends without QUIT, as some old servers do.
	DeleteOnDrop bool
	// Faults says what goes wrong, and where. SetFaults replaces them while the server runs.
	Faults []Fault
	// Log, when set, is told of every command ("C: RETR 1"), of the first line of every reply before faults touch it
	// ("S: +OK 120 octets"), and of faults that act ("S: (fin at octet 12)"). Sessions count from 1. It is called
	// from the goroutines of the sessions and sees passwords.
	Log func(session int, line string)

	mu       sync.Mutex
	faults   *faultSet // made from Faults at the first use
	sessions int
	closed   bool
	open     map[interface{ Close() error }]struct{} // listeners and connections
	running  sync.WaitGroup
}

// DefaultCaps returns what the server announces by default, without STLS.
func DefaultCaps() []string {
	return []string{"CAPA", "TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "USER", "SASL PLAIN"}
}

// ErrClosed is returned by Serve, Start and ServeConn once Close was called.
var ErrClosed = errors.New("pop3test: server closed")

// Start listens on a free port of 127.0.0.1 and serves it in the background until Close. It returns the address.
func (s *Server) Start() (addr string, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	if !s.track(ln) {
		ln.Close()
		return "", ErrClosed
	}
	go func() {
		defer s.untrack(ln)
		s.accept(ln)
	}()
	return ln.Addr().String(), nil
}

// Serve answers every connection ln accepts, each in a goroutine of its own, until Close is called (it then returns
// ErrClosed) or ln fails. It closes ln.
func (s *Server) Serve(ln net.Listener) error {
	if !s.track(ln) {
		ln.Close()
		return ErrClosed
	}
	defer s.untrack(ln)
	return s.accept(ln)
}

func (s *Server) accept(ln net.Listener) error {
	slots := make(chan struct{}, maxSessions)
	for {
		conn, err := ln.Accept()
		if err != nil {
			if s.isClosed() {
				return ErrClosed
			}
			return err
		}
		slots <- struct{}{}
		number, ok := s.admit(conn)
		if !ok {
			conn.Close()
			return ErrClosed
		}
		go func() {
			defer func() { <-slots }()
			s.serve(conn, number)
		}()
	}
}

// ServeConn serves one connection and returns when the session has ended and conn is closed. It returns ErrClosed
// when the server was closed before.
func (s *Server) ServeConn(conn net.Conn) error {
	number, ok := s.admit(conn)
	if !ok {
		conn.Close()
		return ErrClosed
	}
	s.serve(conn, number)
	return nil
}

// Pipe returns the client's end of a net.Pipe whose other end is served in the background.
func (s *Server) Pipe() net.Conn {
	client, server := net.Pipe()
	if number, ok := s.admit(server); ok {
		go s.serve(server, number)
	} else {
		server.Close()
	}
	return client
}

// Sessions tells how many connections there were so far.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

// SetFaults replaces the faults, and starts their counts anew.
func (s *Server) SetFaults(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = newFaultSet(slices.Clone(faults))
}

// Close ends all sessions and listeners and waits until their goroutines have ended.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// admit tracks conn and numbers its session; false means the server is closed.
func (s *Server) admit(conn net.Conn) (number int, ok bool) {
	if !s.track(conn) {
		return 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions++
	return s.sessions, true
}

// track notes what Close has to close, and makes Close wait for the matching untrack.
func (s *Server) track(c interface{ Close() error }) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.open == nil {
		s.open = make(map[interface{ Close() error }]struct{})
	}
	s.open[c] = struct{}{}
	s.running.Add(1)
	return true
}

func (s *Server) untrack(c interface{ Close() error }) {
	c.Close()
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	s.running.Done()
}

func (s *Server) serve(conn net.Conn, number int) {
	defer s.untrack(conn)
	newSession(s, conn, number).run()
}

func (s *Server) currentFaults() *faultSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults == nil {
		s.faults = newFaultSet(slices.Clone(s.Faults))
	}
	return s.faults
}
