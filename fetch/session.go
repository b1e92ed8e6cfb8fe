package fetch

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"time"

	"haulmail/config"
	"haulmail/fetch/dial"
	"haulmail/fetch/pop3"
)

// The steps of a session, as errors name them.
const (
	doingToken    = "get the token"
	doingConnect  = "connect"
	doingStartTLS = "start TLS"
	doingLogin    = "log in"
	doingProbe    = "try two commands at once"
	doingList     = "list"
	doingRetrieve = "fetch"
	doingDelete   = "delete"
)

// quitWithin is how long a run that was asked to stop may take to read what is already under way and to say QUIT.
const quitWithin = 4500 * time.Millisecond

// session is one connection to an account's server.
type session struct {
	h          *haul
	ctx        context.Context
	password   config.Secret
	client     *pop3.Client
	pipelining bool
	tls        string // version, or ""

	unwatch func() bool
	mu      sync.Mutex
	conn    net.Conn
	walk    *pop3.Retrieval // to be stopped gently when ctx ends
	gentle  bool            // when ctx ends, the session may still end politely
}

// connect resolves, connects, and brings TLS up; nothing secret is sent before it returns.
func (h *haul) connect(ctx context.Context, password config.Secret) (*session, error) {
	s := &session{h: h, ctx: ctx, password: password}
	dialer := dial.Dialer{Resolver: h.Resolver, Timeout: time.Duration(h.a.Timeout), Trace: s.trace}
	conn, err := dialer.Connect(ctx, h.a.Server.Host, h.a.Server.Port)
	if err != nil {
		return nil, doing(doingConnect, err)
	}
	s.conn = conn
	s.unwatch = context.AfterFunc(ctx, s.stop)
	if err := s.open(conn); err != nil {
		s.close()
		return nil, err
	}
	h.Step(StepConnected)
	return s, nil
}

// open takes a fresh connection to where a login may be sent: the greeting is read, and TLS stands unless the account does without.
func (s *session) open(conn net.Conn) (err error) {
	if s.h.a.TLS == config.TLSImplicit {
		if conn, err = s.handshake(conn); err != nil {
			return doing(doingConnect, err)
		}
	}
	wire := func(sent bool, line string) { s.h.Wire(s.h.a.Name, sent, line) }
	if s.h.Wire == nil {
		wire = nil
	}
	s.client = pop3.New(conn, pop3.Options{Timeout: time.Duration(s.h.a.Timeout), Wire: wire, Secrets: s.secrets()})
	if err := s.client.Greeting(); err != nil {
		return doing(doingConnect, err)
	}
	if s.h.a.TLS == config.TLSStart {
		return doing(doingStartTLS, s.client.StartTLS(s.handshake))
	}
	return nil
}

// handshake brings TLS up on conn, with the certificate verified for the account's server.
func (s *session) handshake(conn net.Conn) (net.Conn, error) {
	cfg, err := dial.TLSConfig(dial.TLSOptions{ServerName: s.h.a.Server.Host, CAFile: s.h.a.TLSCAFile, ClientCert: s.h.a.TLSClientCert, ClientKey: s.h.a.TLSClientKey, Now: s.h.Now})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, time.Duration(s.h.a.Timeout))
	defer cancel()
	secure, err := dial.Handshake(ctx, conn, cfg)
	if err != nil {
		return nil, err
	}
	s.tls = tls.VersionName(secure.ConnectionState().Version)
	s.mu.Lock()
	s.conn = secure
	s.mu.Unlock()
	return secure, nil
}

// trace tells what the dialer does.
func (s *session) trace(e dial.Event) {
	name := s.h.a.Name
	switch e.Kind {
	case dial.Resolved:
		s.h.tell(Resolved{Account: name, Host: e.Host, Addrs: slices.Clone(e.Addrs), Err: e.Err, Took: e.Took})
	case dial.Tried:
		s.h.tell(Tried{Account: name, Addr: e.Addr, Err: e.Err})
	case dial.Connected:
		s.h.tell(Connected{Account: name, Addr: e.Addr, Took: e.Took})
	}
}

// brokenAhead marks the end of a session in commands that were sent ahead; nil stays nil. Sent one by one they would end no otherwise.
func (s *session) brokenAhead(err error) error {
	if err == nil || !s.pipelining {
		return err
	}
	return &brokenSession{err: err, ahead: true}
}

// quit ends a session in which nothing hangs on the server's answer.
func (s *session) quit() error {
	if err := s.client.Quit(); err != nil && s.h.Wire != nil {
		s.h.Wire(s.h.a.Name, false, "(no answer to QUIT: "+err.Error()+")")
	}
	s.h.Step(StepQuitSent)
	return nil
}

// stop is called when the run is asked to stop. Before anything is being received the connection is closed; later no more is asked
// for, and there is a moment for what is under way.
func (s *session) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gentle {
		_ = s.conn.Close()
		return
	}
	if s.walk != nil {
		s.walk.Stop()
	}
	conn := s.conn
	time.AfterFunc(quitWithin, func() { _ = conn.Close() })
}

// beGentle says that from now on a stop lets walk come to its end and the session to its QUIT.
func (s *session) beGentle(walk *pop3.Retrieval) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.walk, s.gentle = walk, true
	if s.ctx.Err() != nil && walk != nil {
		walk.Stop()
	}
}

// close closes the connection; what it says then is of no use to anyone.
func (s *session) close() {
	s.unwatch()
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.conn.Close()
}
