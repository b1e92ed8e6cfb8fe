package fetch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3"
	"haulmail/fetch/seen"
)

// A message that cannot be had whole, a poison message, must not hold up the ones behind it. So it is noted in the state with its
// reason, asked for after all others from then on, and after longer and longer times. Which message ends a connection is found out
// by asking for one at a time; the run then connects again and goes on behind it.

// retryAfter is how long a message is left alone after so many failures in a row. The first may have been the network's fault.
func retryAfter(failures int) time.Duration {
	delays := []time.Duration{0, 0, 10 * time.Minute, time.Hour, 6 * time.Hour}
	if failures < len(delays) {
		return delays[failures]
	}
	return 24 * time.Hour
}

// RetryAt is when a message that failed may be asked for again.
func RetryAt(f seen.Failure) time.Time { return f.Last.Add(retryAfter(f.Count)) }

// brokenSession is a session that ended in the middle of its listing, its RETRs or its DELEs.
type brokenSession struct {
	err     error
	ahead   bool // commands had been sent ahead, which some servers announce and cannot do
	culprit bool // a message ended it that is known, and left out from now on
}

func (e *brokenSession) Error() string { return e.err.Error() }
func (e *brokenSession) Unwrap() error { return e.err }

// sessions is one session, or several where one breaks and another may get on: commands are sent ahead until that breaks one, and a message
// that breaks one is left out of the next. A disk that failed beside it is no better in another.
func (h *haul) sessions(ctx context.Context, password config.Secret, pipelining bool) error {
	var ahead, cause error // what ended the session in which commands were sent ahead, and the last one
	for n := 1; ; n++ {
		err := h.patientSession(ctx, password, pipelining)
		broken, ok := errors.AsType[*brokenSession](err)
		if ok && broken.ahead {
			h.forgive()
		}
		if noted := h.recordFailures(); noted != nil {
			return also(err, noted)
		}
		switch {
		case err == nil && (ahead == nil || h.result.Failed > 0):
			return nil
		case err == nil:
			return h.rememberOneByOne(ahead)
		case cause != nil && refusedEntry(err):
			// The server still holds the mailbox for the session that broke, or has had enough of it.
			return also(also(cause, err), h.rememberOneByOne(ahead))
		case !ok || !broken.mayGoOn() || isLocal(err) || n == mostSessions || ctx.Err() != nil:
			return err
		case h.Now().Before(h.nextLogin):
			return also(err, h.postpone(broken))
		}
		if broken.ahead {
			h.warn("%v; going on with one message at a time", err)
			pipelining, ahead = false, err
		}
		cause = err
	}
}

// mayGoOn tells whether another session may get further. A server that was too slow altogether has had its time.
func (e *brokenSession) mayGoOn() bool {
	late, ok := errors.AsType[*pop3.TimeoutError](e.err)
	return (e.ahead || e.culprit) && !isType[*pop3.SinkError](e.err) && !(ok && late.Session)
}

// refusedEntry tells whether a session ended before its listing.
func refusedEntry(err error) bool {
	switch stepOf(err) {
	case doingConnect, doingStartTLS, doingLogin:
		return true
	}
	return false
}

// failed notes a message that could not be had. The ones behind it go on.
func (h *haul) failed(p *plan, i int, why error) {
	f := h.missed(p, i, why)
	if len(h.failures) >= seen.MaxFailures { // the state keeps no more: it is asked for again
		h.tellFailure(f)
		return
	}
	h.left[string(p.key(i))] = ReasonFailed
	if !h.DryRun {
		h.failures = append(h.failures, f)
	}
}

// missed warns of a message that could not be had, and counts it.
func (h *haul) missed(p *plan, i int, why error) failure {
	if h.result.Failed++; h.result.Failed <= mostTold {
		h.warn("message %d (UID %q): %v", p.list.Number(i), p.list.UID(i), why)
	}
	f := failure{p: p, i: i, why: why.Error()}
	if h.result.Failed > mostTold {
		f.why = strings.Clone(f.why[:min(len(f.why), mostWhy)])
	}
	return f
}

// unwritten notes a message that the disk did not take, which the run's error tells of. It may be the message: larger than what is free, or
// than a file may be. So the next run asks for it after all others; and for as long as it takes, since it is not the server that is to be
// spared.
func (h *haul) unwritten(p *plan, i int, why error) {
	h.failures = append(h.failures, failure{p: p, i: i, why: why.Error(), ours: true})
}

// failure is a message that could not be had, to be told of and noted once it is sure that the session was not to blame. There may be
// many: what is told and noted is made when it is.
type failure struct {
	p    *plan
	i    int // in the plan's listing
	why  string
	ours bool // our own disk's failure: it does not count towards longer delays
}

func (h *haul) tellFailure(f failure) {
	h.tell(Skipped{Account: h.a.Name, UID: f.p.list.UID(f.i), Size: f.p.list.Size(f.i), Reason: ReasonFailed, Text: f.why})
}

// forgive forgets the failures of a session in which commands were sent ahead and which broke: that may be what they came from.
func (h *haul) forgive() {
	for _, f := range h.failures {
		delete(h.left, string(f.p.key(f.i)))
	}
	h.failures = nil
}

// recordFailures tells of what has failed since the last call, and writes it down.
func (h *haul) recordFailures() error {
	now, all, cleared := h.Now(), h.failures, h.cleared
	h.failures, h.cleared = nil, nil
	if len(cleared) > 0 {
		if err := h.store.NoteFailures(nil, cleared); err != nil {
			return onDisk("clear the failures", err)
		}
	}
	for _, f := range all {
		h.tellFailure(f)
	}
	for some := range slices.Chunk(all, notedAtOnce) {
		notes := make([]seen.Failure, len(some))
		for k, f := range some {
			key := f.p.key(f.i)
			count := f.p.failures[string(key)].Count
			if count == 0 || !f.ours {
				count++
			}
			notes[k] = seen.Failure{UID: key, Count: count, Last: now, Reason: f.why}
		}
		if err := h.store.NoteFailures(notes, nil); err != nil {
			return onDisk("record what failed", err)
		}
	}
	return nil
}
