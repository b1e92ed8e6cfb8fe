package fetch

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"haulmail/config"
	"haulmail/fetch/seen"
)

// What follows is for those who look into an account's state, or mend it, between runs. Errors are of type *Error; a state that a run
// holds is of class Busy.

// SeenMessage is a message that was fetched.
type SeenMessage struct {
	UID      []byte // equal ones of a listing have a count behind them, "\x00#2"
	Size     int64  // octets, LIST's; -1 if that is not known
	Fetched  time.Time
	Vanished time.Time // since when the server does not list it; zero for a listed one
}

// FailedMessage is a message that could not be fetched whole.
type FailedMessage struct {
	UID    []byte
	Count  int       // how often it failed in a row
	Last   time.Time // when it failed last
	Next   time.Time // the run that is the first after it tries again
	Reason string    // why it failed last; raw, it may be the server's words
}

// EachSeen calls fn for each message of an account that was fetched, oldest first. The UID is valid only during the call. No run can
// begin before EachSeen returns, so fn must wait for nobody.
func EachSeen(ctx context.Context, a *config.Account, o Options, fn func(SeenMessage)) error {
	return mend(ctx, a, o, seen.Options{ReadOnly: true}, func(h *haul) error {
		return onDisk("read the state", h.store.Each(func(e seen.Entry) error {
			fn(SeenMessage{UID: e.UID, Size: e.ListSize, Fetched: e.Fetched, Vanished: e.Vanished})
			return nil
		}))
	})
}

// Failures gives the messages of an account that could not be fetched, in the order in which they are tried again.
func Failures(ctx context.Context, a *config.Account, o Options) (failed []FailedMessage, err error) {
	err = mend(ctx, a, o, seen.Options{ReadOnly: true}, func(h *haul) error {
		all, err := h.store.Failures()
		for _, f := range all {
			failed = append(failed, FailedMessage{UID: f.UID, Count: f.Count, Last: f.Last, Next: RetryAt(f), Reason: f.Reason})
		}
		return onDisk("read the state", err)
	})
	slices.SortFunc(failed, func(a, b FailedMessage) int { return cmp.Or(a.Next.Compare(b.Next), bytes.Compare(a.UID, b.UID)) })
	return failed, err
}

// Retry has the next run ask for these messages as if they had never failed, and gives the number of those that had.
func Retry(ctx context.Context, a *config.Account, o Options, uids [][]byte) (n int, err error) {
	if len(uids) == 0 {
		return 0, nil // and no state is made where there is none
	}
	named := make(map[string]bool, len(uids))
	for _, uid := range uids {
		named[string(uid)] = true
	}
	err = mend(ctx, a, o, seen.Options{}, func(h *haul) error {
		all, err := h.store.Failures()
		if err != nil {
			return onDisk("read the state", err)
		}
		for _, f := range all {
			if named[string(f.UID)] {
				n++
			}
		}
		return onDisk("clear the failures", h.store.NoteFailures(nil, uids))
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// EachName calls fn for what each message goes by that was fetched, or that an earlier run was cut off with. The name is valid only
// during the call.
func EachName(ctx context.Context, a *config.Account, o Options, fn func(name []byte)) error {
	return mend(ctx, a, o, seen.Options{ReadOnly: true}, func(h *haul) error {
		unsettled, err := h.unsettled()
		if err != nil {
			return err
		}
		for name := range unsettled {
			fn([]byte(name))
		}
		return onDisk("read the state", h.store.Each(func(e seen.Entry) error {
			fn(e.UID)
			return nil
		}))
	})
}

// mend opens an account's state for do.
func mend(ctx context.Context, a *config.Account, o Options, so seen.Options, do func(*haul) error) (err error) {
	h := newHaul(byHand(o), a)
	return h.explain(ctx, h.locally(ctx, so, func() error { return do(h) }))
}

// byHand is the engine of those who will wait a moment for a run that is at its end.
func byHand(o Options) *engine {
	o.Wait = max(o.Wait, lockWait)
	return newEngine(o)
}

// locally opens the account's state for do, which asks no server.
func (h *haul) locally(ctx context.Context, so seen.Options, do func() error) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := h.open(ctx, so); err != nil {
		return err
	}
	defer func() { err = also(err, h.close()) }()
	return do()
}

// change is locally for a change: what an earlier run was cut off with is settled before, or that would undo the change.
func (h *haul) change(ctx context.Context, do func() error) error {
	return h.locally(ctx, seen.Options{ReadOnly: h.DryRun}, func() error {
		if err := h.recover(); err != nil {
			return err
		}
		return do()
	})
}

// visit logs in for do, which is given the listing beside the state. Nothing is fetched or deleted.
func (h *haul) visit(ctx context.Context, do func(*plan) error) (err error) {
	if err := h.openState(ctx); err != nil {
		return err
	}
	defer func() { err = also(err, h.close()) }()
	h.talk = func(s *session) error {
		p, err := h.beside(s, false)
		if err != nil {
			return err
		}
		return also(do(p), s.quit())
	}
	return h.haul(ctx)
}
