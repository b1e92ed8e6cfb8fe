package fetch

import (
	"context"
	"net"
	"sync"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3"
)

// The steps of a session, as errors name them.
const (
	doingToken     = "get the token"
	doingConnect   = "connect"
	doingStartTLS  = "start TLS"
	doingLogin     = "log in"
	doingOpenState = "open the state"
	doingProbe     = "try two commands at once"
	doingList      = "list"
	doingRetrieve  = "fetch"
	doingDelete    = "delete"
)

// session is one connection to an account's server.
type session struct {
	h          *haul
	ctx        context.Context
	password   config.Secret
	client     *pop3.Client
	pipelining bool
	tls        string // version, or ""
	aim        aim
	offered    pop3.Capabilities // before the login
	gaveHeader bool              // it has answered a TOP

	unwatch func() bool
	mu      sync.Mutex
	conn    net.Conn
	walk    *pop3.Retrieval // to be stopped gently when ctx ends
	gentle  bool            // when ctx ends, the session may still end politely
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
