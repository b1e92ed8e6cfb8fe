package fetch

import (
	"cmp"
	"context"

	"haulmail/config"
	"haulmail/fetch/pop3"
)

// Sending commands ahead is what makes a run fast, and what some servers announce and cannot do, or can and do not announce. What a run
// learns about its server is noted in the state for a while.

// mayPipeline tells whether commands may be sent ahead, if the server announces that it takes them.
func (h *haul) mayPipeline() (bool, error) {
	if h.a.Pipelining == config.PipeliningOff {
		return false, nil
	}
	return h.noteIsOver(noteOneByOne)
}

// pipelines tells whether a server takes commands ahead that does not announce it, where the account asks for that to be found out. A
// server that fails the probe has ended the session by it; the next one, and the next runs, send one command at a time.
func (s *session) pipelines() (bool, error) {
	h := s.h
	if h.a.Pipelining != config.PipeliningProbe || h.store == nil {
		return false, nil
	}
	unknown, err := h.noteIsOver(notePipelines)
	if err != nil || !unknown {
		return err == nil, err
	}
	if err := s.client.Probe(); s.ctx.Err() != nil {
		return false, doing(doingProbe, cmp.Or(err, context.Cause(s.ctx)))
	} else if err != nil {
		b := &brokenSession{err: err, ahead: true}
		return false, also(doing(doingProbe, b), h.noteFor(noteOneByOne, oneByOneFor))
	}
	return true, h.noteFor(notePipelines, pipelinesFor)
}

// rememberOneByOne has the next runs ask for one message at a time, for a while, when why is a stall or lost sync. A connection that
// ended may have done so for any reason.
func (h *haul) rememberOneByOne(why error) error {
	if !isType[*pop3.TimeoutError](why) && !isType[*pop3.ProtocolError](why) {
		return nil
	}
	return h.noteFor(noteOneByOne, oneByOneFor)
}
