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

// What follows is for those who look into an account's state, or mend it, between runs. No server is asked. Errors are of type *Error;
// a state that a run holds is of class Busy.

// lockWait is how long they wait at least for a run that holds the state: it is at its end, or a person had better hear of it.
const lockWait = 2 * time.Second

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

// mend opens an account's state for do.
func mend(ctx context.Context, a *config.Account, o Options, so seen.Options, do func(*haul) error) (err error) {
	o.Wait = max(o.Wait, lockWait)
	h := newHaul(newEngine(o), a)
	defer func() { err = h.explain(ctx, err) }()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := h.open(ctx, so); err != nil {
		return err
	}
	defer func() { err = also(err, h.close()) }()
	return do(h)
}
