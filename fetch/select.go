package fetch

import (
	"fmt"
	"time"

	"haulmail/config"
)

// Action is what is done about one message.
type Action uint8

// The actions.
const (
	Skip   Action = iota // leave it as it is
	Get                  // fetch it, and where what is fetched may go, delete it when it is safe on disk
	Delete               // it was fetched before and may go
)

// String gives the word that a listing shows.
func (a Action) String() string {
	switch a {
	case Get:
		return "get"
	case Delete:
		return "delete"
	}
	return "skip"
}

// Reason is why.
type Reason uint8

// The reasons, each for the action named with it.
const (
	ReasonNew         Reason = iota // get: never fetched
	ReasonSeen                      // skip: fetched before, and never deleted
	ReasonYoung                     // skip: fetched before, and not old enough to be deleted
	ReasonOld                       // delete: fetched long enough ago
	ReasonFetched                   // delete: fetched before, and what is fetched may go
	ReasonReturned                  // skip: due for deletion, but it was gone from the server: perhaps another message of the same size
	ReasonSizeChanged               // skip: fetched before, due for deletion, but no longer the size it had: perhaps another message
	ReasonUnsettled                 // skip: an earlier run was cut off while it delivered this one; the next fetch decides
	ReasonReused                    // get: fetched before under this UID, gone since, and another size now: another message
	ReasonUnlisted                  // skip: LIST has it and UIDL not; the next listing may
	ReasonCrowded                   // skip: without a UID, behind as many such messages as a run can tell apart
	ReasonNoUID                     // get: no UID and no header to know it by; what was fetched before is found out by the content
	ReasonRetry                     // get: it failed before, and its time has come again
	ReasonWaiting                   // skip: it failed before, and its time has not come
	ReasonFailed                    // skip: it failed in this run
	ReasonMarked                    // skip: marked as fetched by hand, and never deleted: it may be nowhere else
	ReasonDoubtful                  // skip: fetched in this run, of another size than the server says; not deleted in this run
	ReasonTooLarge                  // skip: it would be fetched, and is larger than max_size
	ReasonTooOld                    // skip: it would be fetched, and reached the mailbox longer ago than since
	ReasonNextRun                   // skip: it would be fetched, and the run has its max_messages or max_bytes
)

// Decision is what is done about one message, and why.
type Decision struct {
	Action Action
	Reason Reason
}

// message is one message of a listing with what is known about it: all that a decision depends on.
type message struct {
	size      int64     // LIST's, or -1
	unlisted  bool      // UIDL, which works, does not list it
	nameless  bool      // the server gives it no UID and no header: only its content can tell whether it was fetched
	known     bool      // fetched and recorded
	oldSize   int64     // LIST's when it was fetched, or -1; of a known one
	fetched   time.Time // of a known one; zero for one that was only marked as fetched
	returned  bool      // it had gone from the server, of a known one
	unsettled bool      // an open intent names it
	failures  int       // how often it failed since it was last had
	retryAt   time.Time // when it may be asked for again, of one that failed
	reached   time.Time // when it reached the mailbox; zero if that is not known
	left      Reason    // why this run leaves it alone, having met it already; 0 for none
}

// reused tells whether the UID of a message that is gone stands for another one now.
func (m message) reused() bool {
	return m.returned && m.size >= 0 && m.oldSize >= 0 && m.size != m.oldSize
}

// unfetched tells whether a message was never fetched, for all that is known.
func (m message) unfetched() bool { return !m.known || m.reused() }

// policy is what a run decides by, beside what is known of each message.
type policy struct {
	delete config.Delete
	config.Selection
	now time.Time

	messages int   // what the run has fetched so far
	octets   int64 // and how much that was
}

// choose decides about n messages of a listing, of which at gives what is known, and calls fn with each decision, in the order in which
// a run goes through them: what failed before comes after all others. Fetch, list and a dry run all ask it, so that none of them can
// promise what another does not do.
func choose(n int, at func(i int) message, r policy, fn func(i int, m message, d Decision)) {
	share := share{policy: r}
	var retries []int
	for i := range r.sequence(n) {
		m := at(i)
		d := decide(m, r)
		if d.Reason == ReasonRetry {
			retries = append(retries, i)
			continue
		}
		fn(i, m, share.decide(m, d))
	}
	for _, i := range retries {
		m := at(i)
		fn(i, m, share.decide(m, decide(m, r)))
	}
}

// sequence gives the places of a listing in the order of the run.
func (r policy) sequence(n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for k := range n {
			i := k
			if r.Order == config.NewestFirst {
				i = n - 1 - k
			}
			if !yield(i) {
				return
			}
		}
	}
}

// share is what one run fetches of all that it might: the first messages, up to its bounds. One that is larger than max_bytes is
// fetched alone, lest it wait for ever.
type share struct {
	policy
	full bool
}

// decide leaves for the next run what is beyond the share. Messages are shown to it in the order of the run; behind the first that does
// not fit all others wait, however small, so that the order is kept. What goes by its content alone is outside of it: each run has to
// fetch all of that, to find out what is new.
func (s *share) decide(m message, d Decision) Decision {
	if d.Action != Get || m.nameless {
		return d
	}
	size := max(m.size, 0)
	if s.HeadersOnly {
		size = 0
	}
	s.full = s.full || s.MaxMessages > 0 && s.messages >= s.MaxMessages ||
		s.MaxBytes > 0 && s.messages > 0 && s.octets+size > int64(s.MaxBytes)
	if s.full {
		return Decision{Skip, ReasonNextRun}
	}
	s.messages++
	s.octets += min(size, believable)
	return d
}

// decide chooses what is done about one message, the bounds of a run aside.
func decide(m message, r policy) Decision {
	d := judgeKnown(m, r)
	switch {
	case d.Action != Get:
		return d
	case r.MaxSize > 0 && !r.HeadersOnly && m.size > int64(r.MaxSize):
		return Decision{Skip, ReasonTooLarge}
	case r.Since > 0 && !m.reached.IsZero() && m.reached.Before(r.now.Add(-time.Duration(r.Since))):
		return Decision{Skip, ReasonTooOld}
	}
	return d
}

// judgeKnown chooses by what is known from earlier runs, and earlier in this one.
//
// A message of an earlier run is deleted only when its size is still the one it had: servers use UIDs again for other mail.
func judgeKnown(m message, r policy) Decision {
	switch {
	case m.unlisted:
		return Decision{Skip, ReasonUnlisted}
	case m.left != 0:
		return Decision{Skip, m.left}
	case m.unsettled:
		return Decision{Skip, ReasonUnsettled}
	case m.unfetched() && m.failures > 0 && r.now.Before(m.retryAt):
		return Decision{Skip, ReasonWaiting}
	case m.unfetched() && m.failures > 0:
		return Decision{Get, ReasonRetry}
	case m.nameless:
		return Decision{Get, ReasonNoUID}
	case !m.known:
		return Decision{Get, ReasonNew}
	case m.reused():
		return Decision{Get, ReasonReused}
	case r.delete.Mode == config.DeleteNever:
		return Decision{Skip, ReasonSeen}
	case m.fetched.IsZero():
		return Decision{Skip, ReasonMarked}
	case r.delete.Mode == config.DeleteAged && r.now.Before(m.fetched.Add(r.delete.Age)):
		return Decision{Skip, ReasonYoung}
	case m.size < 0 || m.size != m.oldSize:
		return Decision{Skip, ReasonSizeChanged}
	case m.returned:
		return Decision{Skip, ReasonReturned}
	case r.delete.Mode == config.DeleteAged:
		return Decision{Delete, ReasonOld}
	}
	return Decision{Delete, ReasonFetched}
}

// reasonText says a decision's reason to a person.
func reasonText(d Decision, m message, r policy) string {
	switch d.Reason {
	case ReasonNew:
		if r.delete.Mode == config.DeleteFetched {
			return "new, then to be deleted"
		}
		if r.HeadersOnly {
			return "new, its header alone"
		}
		return "new"
	case ReasonSeen:
		return "fetched before"
	case ReasonMarked:
		return "marked as fetched by hand: never deleted"
	case ReasonYoung:
		return "fetched before, stays until " + m.fetched.Add(r.delete.Age).UTC().Format(time.RFC3339)
	case ReasonOld:
		return "fetched " + m.fetched.UTC().Format(time.RFC3339) + ", old enough"
	case ReasonFetched:
		return "fetched before"
	case ReasonReturned:
		return "fetched before, gone from the server and there again: never deleted"
	case ReasonSizeChanged:
		if m.oldSize < 0 {
			return "fetched before, not to be told from others by its size: never deleted"
		}
		return fmt.Sprintf("fetched before with another size (%d octets): not deleted", m.oldSize)
	case ReasonReused:
		return "new, under the UID of a message that is gone"
	case ReasonUnlisted:
		return "the server's UIDL does not list it"
	case ReasonCrowded:
		return "the server gives it no UID, and too many others none either: left until some of them are gone"
	case ReasonNoUID:
		return "the server gives it no UID: its content will tell whether it is new"
	case ReasonUnsettled:
		return "an earlier run was cut off with it: the next fetch decides"
	case ReasonRetry:
		return fmt.Sprintf("failed %d times, tried again", m.failures)
	case ReasonWaiting:
		return fmt.Sprintf("failed %d times, left alone until %s", m.failures, m.retryAt.UTC().Format(time.RFC3339))
	case ReasonFailed:
		return "failed in this run"
	case ReasonDoubtful:
		return "fetched in this run, of another size than the server says"
	case ReasonTooLarge:
		return "larger than max_size (" + r.MaxSize.String() + ")"
	case ReasonTooOld:
		return "older than since (" + r.Since.String() + ")"
	case ReasonNextRun:
		return "left for the next run"
	}
	return ""
}
