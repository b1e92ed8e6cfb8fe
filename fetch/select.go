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
	ReasonNoUID                     // get: no UID and no header to know it by; what was fetched before is found out by the content
	ReasonRetry                     // get: it failed before, and its time has come again
	ReasonWaiting                   // skip: it failed before, and its time has not come
	ReasonFailed                    // skip: it failed in this run
	ReasonDoubtful                  // skip: fetched in this run, much shorter than the server says; not deleted in this run
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
	fetched   time.Time // of a known one
	returned  bool      // it had gone from the server, of a known one
	unsettled bool      // an open intent names it
	failures  int       // how often it failed since it was last had
	retryAt   time.Time // when it may be asked for again, of one that failed
	left      Reason    // why this run leaves it alone, having met it already; 0 for none
}

// decide chooses what is done about one message. Fetch, list and a dry run all ask it, so that none of them can promise what another
// does not do.
//
// A message of an earlier run is deleted only when its size is still the one it had: servers use UIDs again for other mail.
func decide(m message, rule config.Delete, now time.Time) Decision {
	switch {
	case m.unlisted:
		return Decision{Skip, ReasonUnlisted}
	case m.nameless:
		return Decision{Get, ReasonNoUID}
	case m.unsettled:
		return Decision{Skip, ReasonUnsettled}
	case m.left != 0:
		return Decision{Skip, m.left}
	case !m.known && m.failures > 0 && now.Before(m.retryAt):
		return Decision{Skip, ReasonWaiting}
	case !m.known && m.failures > 0:
		return Decision{Get, ReasonRetry}
	case !m.known:
		return Decision{Get, ReasonNew}
	case m.returned && m.size >= 0 && m.oldSize >= 0 && m.size != m.oldSize:
		return Decision{Get, ReasonReused}
	case rule.Mode == config.DeleteNever:
		return Decision{Skip, ReasonSeen}
	case rule.Mode == config.DeleteAged && now.Before(m.fetched.Add(rule.Age)):
		return Decision{Skip, ReasonYoung}
	case m.size < 0 || m.size != m.oldSize:
		return Decision{Skip, ReasonSizeChanged}
	case m.returned:
		return Decision{Skip, ReasonReturned}
	case rule.Mode == config.DeleteAged:
		return Decision{Delete, ReasonOld}
	}
	return Decision{Delete, ReasonFetched}
}

// reasonText says a decision's reason to a person.
func reasonText(d Decision, m message, rule config.Delete) string {
	switch d.Reason {
	case ReasonNew:
		if rule.Mode == config.DeleteFetched {
			return "new, then to be deleted"
		}
		return "new"
	case ReasonSeen:
		return "fetched before"
	case ReasonYoung:
		return "fetched before, stays until " + m.fetched.Add(rule.Age).UTC().Format(time.RFC3339)
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
		return "much shorter than the server says"
	}
	return ""
}
