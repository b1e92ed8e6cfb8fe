package fetch

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"

	"haulmail/config"
	"haulmail/fetch/last"
	"haulmail/fetch/seen"
)

// Status is what is known of an account's runs without asking anybody.
type Status struct {
	Account string
	Running bool  // a run, or somebody who mends the state, is at work now
	Known   bool  // there was a run, and how it ended was noted
	Class   Class // of the last run
	last.Run
}

// Why says what the last run was doing when it failed, once, and why it did.
func (s Status) Why() string { return because(s.Step, s.Error) }

// StatusOf tells of an account's runs. It waits for none, asks no server, and changes nothing.
func StatusOf(a *config.Account, o Options) (Status, error) {
	h := newHaul(newEngine(o), a)
	s := Status{Account: a.Name}
	var unread, unheld error
	s.Run, s.Known, unread = last.Read(h.statusPath())
	if s.Known {
		s.Class = classNamed(s.Run.Class)
	}
	s.Running, unheld = seen.Held(h.statePath())
	err := cmp.Or(onDisk("look at the state's lock", unheld), onDisk("read how the last run ended", unread))
	return s, h.explain(context.Background(), err)
}

// statusPath is the file that tells how the account's last run ended.
func (h *haul) statusPath() string { return filepath.Join(h.StateDir, h.a.Name+".status") }

// noteRun writes down how a run ended, and gives err back. A dry run is none, and neither is one that found another at work or came too
// early. What is not written down changes nothing but what status tells.
func (h *haul) noteRun(ctx context.Context, err error) error {
	if h.DryRun || h.classOf(err) == Busy {
		return err
	}
	o := last.Outcome{
		At: h.Now(), Class: last.OK, Messages: h.result.Messages, Bytes: h.result.Received, Deleted: h.result.Deleted,
		Seen: h.known + h.result.Messages, NextLogin: h.nextLogin,
	}
	if h.listed {
		failures, unread := h.store.Failures()
		o.Failed, o.Listed = len(failures), unread == nil // a state that takes no more calls has failed the run
	}
	if err != nil {
		o.Class, o.Step, o.Error = outcomeOf(h.explain(ctx, err))
	}
	if noted := last.Note(h.statusPath(), o); noted != nil {
		h.tell(Unnoted{Account: h.a.Name, Err: noted})
	}
	return err
}

// outcomeOf gives a failure's class, step and text. How often it was met is left out: it is told by since when.
func outcomeOf(err error) (class, step, text string) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return Internal.String(), "", err.Error()
	}
	kind, cause := cmp.Or(e.Class, Internal), e.Err
	if t, ok := errors.AsType[*troubledError](cause); ok {
		cause = t.err
		if kind == Held && t.told.told {
			kind = Temporary // held back no more, only not told of again
		}
	}
	return kind.String(), e.Doing, cause.Error()
}
