package fetch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/seen"
)

// by does something to the lab's state, and checks the class of its end; it gives what was told of the state.
func (l *lab) by(class Class, do func(context.Context, []*config.Account, Options) []Result) []Event {
	l.t.Helper()
	l.events = nil
	r := do(context.Background(), []*config.Account{l.account}, l.options)[0]
	if ClassOf(r.Err) != class {
		l.t.Fatalf("ended with class %s (%v), want %s", ClassOf(r.Err), r.Err, class)
	}
	var told []Event
	for _, e := range l.events {
		switch e.(type) {
		case Marked, Forgotten, Recognised, Imported, Verified, Recovered:
			told = append(told, e)
		}
	}
	return told
}

// told checks that just this was told.
func (l *lab) told(got []Event, want ...Event) {
	l.t.Helper()
	if !slices.Equal(got, want) {
		l.t.Fatalf("told %+v\nwant %+v", got, want)
	}
}

// add and forget are for by.
func add(names ...string) func(context.Context, []*config.Account, Options) []Result {
	return func(ctx context.Context, accounts []*config.Account, o Options) []Result {
		return Add(ctx, accounts, o, uidList(names))
	}
}

func forget(names ...string) func(context.Context, []*config.Account, Options) []Result {
	return func(ctx context.Context, accounts []*config.Account, o Options) []Result {
		return Forget(ctx, accounts, o, uidList(names))
	}
}

func verify(ask bool) func(context.Context, []*config.Account, Options) []Result {
	return func(ctx context.Context, accounts []*config.Account, o Options) []Result {
		return Verify(ctx, accounts, o, ask)
	}
}

func uidList(names []string) (list [][]byte) {
	for _, n := range names {
		list = append(list, []byte(n))
	}
	return list
}

func TestAddedIsNotFetched(t *testing.T) {
	msgs := mail(4)
	l := newLab(t, msgs)
	l.told(l.by(None, add("u1", "u3", "u1", "other")), Marked{Account: "work", Messages: 3, Known: 1})
	l.told(l.by(None, add("u1")), Marked{Account: "work", Known: 1})
	l.want(2, 0, None)
	l.holds(texts(t, []pop3test.Message{msgs[1], msgs[3]})...)
}

// A message that failed and is marked as fetched is asked for no more.
func TestAddedIsNoFailure(t *testing.T) {
	l := newLab(t, mail(2), pop3test.Fault{On: "RETR", UID: "u2", Ignore: true, Text: "-ERR lost\r\n"})
	l.want(1, 0, Poison)
	l.by(None, add("u2"))
	if left := l.failures(); left != "" {
		t.Errorf("still failing: %s", left)
	}
	l.want(0, 0, None)
}

// All that is listed is marked, with its size, so that other mail under an old UID is told from it. None of it is ever deleted.
func TestAddListed(t *testing.T) {
	msgs := mail(3)
	l := newLab(t, msgs)
	l.told(l.by(None, AddListed), Marked{Account: "work", Messages: 3, Asked: true})
	l.told(l.by(None, AddListed), Marked{Account: "work", Known: 3, Asked: true})
	l.want(0, 0, None)
	l.account.Delete.Mode = config.DeleteFetched
	l.want(0, 0, None)
	l.account.Delete = config.Delete{Mode: config.DeleteAged, Age: time.Hour}
	l.clock = 48 * time.Hour
	l.want(0, 0, None)
	l.onServer("u1", "u2", "u3")

	l.account.Delete = config.Delete{}
	more := pop3test.Message{UID: "u4", Data: []byte("new\r\n")}
	l.mailbox.Replace(msgs[0], msgs[1], more)
	l.want(1, 0, None) // and notes that u3 has vanished
	reused := pop3test.Message{UID: "u3", Data: []byte("other mail\r\n")}
	l.mailbox.Replace(msgs[0], msgs[1], reused, more)
	l.want(1, 0, None)
	l.holds("new\n", "other mail\n")
}

// Other mail under the UID of mail that is gone is on the server now, and marked like the rest.
func TestAddListedWithReusedUID(t *testing.T) {
	msgs := mail(3)
	l := newLab(t, msgs[:2])
	l.want(2, 0, None)
	l.mailbox.Replace(msgs[0], msgs[2])
	l.want(1, 0, None) // and notes that u2 has vanished
	l.mailbox.Replace(msgs[0], pop3test.Message{UID: "u2", Data: []byte("other mail\r\n")}, msgs[2])
	l.told(l.by(None, AddListed), Marked{Account: "work", Messages: 1, Known: 2, Asked: true})
	l.want(0, 0, None)
}

// What the server gives no name to cannot be marked: its content alone would tell it.
func TestAddListedWithoutNames(t *testing.T) {
	msgs := mail(2)
	l := newLab(t, msgs, pop3test.Fault{On: "UIDL", Ignore: true, Text: "-ERR unknown\r\n"}, pop3test.Fault{On: "TOP", Msg: 2, Ignore: true, Text: "-ERR no\r\n"})
	l.told(l.by(None, AddListed), Marked{Account: "work", Messages: 1, Nameless: 1, Asked: true})
	l.want(1, 0, None)
}

func TestForgottenIsFetchedAgain(t *testing.T) {
	msgs := mail(3)
	l := newLab(t, msgs)
	l.want(3, 0, None)
	l.options.DryRun = true
	l.told(l.by(None, forget("u1", "u3", "never")), Forgotten{Account: "work", Messages: 2})
	l.options.DryRun = false
	l.want(0, 0, None)
	l.told(l.by(None, forget("u1", "u3")), Forgotten{Account: "work", Messages: 2})
	l.want(2, 0, None)
	l.holds(append(texts(t, msgs), texts(t, []pop3test.Message{msgs[0], msgs[2]})...)...)

	l.told(l.by(None, ForgetAll), Forgotten{Account: "work", Messages: 3})
	l.want(3, 0, None)
	l.want(0, 0, None)
}

// A state that was lost recognises its mail for months in the Maildir: but not what was forgotten since, and all else once each.
func TestForgottenOfRebuiltState(t *testing.T) {
	msgs := mail(6)
	l := newLab(t, msgs)
	l.want(6, 0, None)
	check(t, os.RemoveAll(l.options.StateDir))
	l.mailbox.Replace(msgs[:3]...)
	l.want(0, 0, None)
	if l.said() != "rebuilt 3 0" {
		t.Fatalf("said %q", l.said())
	}
	l.by(None, forget("u2"))
	l.told(l.by(None, verify(true)), Verified{Account: "work", Messages: 2, Found: 2, Unnamed: 4, Asked: true, Listed: 3, New: 1})
	l.mailbox.Replace(msgs...)
	l.want(1, 0, None)
	if l.said() != "rebuilt 3 1" {
		t.Errorf("said %q", l.said())
	}
	l.want(0, 0, None)
	l.holds(append(texts(t, msgs), texts(t, msgs[1:2])...)...)
}

// Of a state that is lost altogether, all can be wanted again.
func TestForgetAllOfLostState(t *testing.T) {
	msgs := mail(3)
	l := newLab(t, msgs)
	l.want(3, 0, None)
	check(t, os.RemoveAll(l.options.StateDir))
	l.told(l.by(None, ForgetAll), Forgotten{Account: "work"})
	l.want(3, 0, None)
}

// What is marked in a state that was lost must not keep the rest from being recognised.
func TestAddedToLostState(t *testing.T) {
	msgs := mail(3)
	l := newLab(t, msgs)
	l.want(3, 0, None)
	check(t, os.RemoveAll(l.options.StateDir))
	l.by(None, add("u1"))
	l.want(0, 0, None)
	l.holds(texts(t, msgs)...)
}

// cutOff leaves an intent for u1 as a run does that ends between the spool and new/, but for the file: a reader has taken it.
func (l *lab) cutOff() {
	l.t.Helper()
	check(l.t, os.MkdirAll(filepath.Join(l.account.Maildir, "new"), 0o700))
	for _, folder := range []string{"cur", "tmp"} {
		check(l.t, os.MkdirAll(filepath.Join(l.account.Maildir, folder), 0o700))
	}
	h := newHaul(newEngine(l.options), l.account)
	check(l.t, h.openState(context.Background()))
	check(l.t, h.openMaildir())
	dev, ino := h.box.Identity()
	b := &seen.Batch{
		Box:     seen.Box{Path: l.account.Maildir, Dev: dev, Ino: ino},
		Intents: []seen.Intent{{UID: []byte("u1"), Key: "1.M1Q1R1Hx.here", ListSize: int64(len(mail(1)[0].Data)), Size: 1}},
	}
	check(l.t, errors.Join(h.store.Begin(b), h.close()))
}

// What an earlier run was cut off with is settled first: or the next run would settle it, and undo the change.
func TestChangesSettleFirst(t *testing.T) {
	l := newLab(t, mail(1))
	l.cutOff()
	l.options.DryRun = true
	l.told(l.by(None, add("u1")), Marked{Account: "work", Known: 1})
	l.told(l.by(None, verify(false)), Verified{Account: "work", Pending: 1})
	l.told(l.by(None, forget("u1")), Forgotten{Account: "work", Messages: 1})
	l.options.DryRun = false
	names := ""
	check(t, EachName(context.Background(), l.account, l.options, func(name []byte) { names += string(name) }))
	if names != "u1" {
		t.Errorf("names %q", names)
	}
	l.told(l.by(None, forget("u1")), Recovered{Account: "work", Delivered: 1}, Forgotten{Account: "work", Messages: 1})
	l.want(1, 0, None)

	l = newLab(t, mail(1))
	l.cutOff()
	l.told(l.by(None, add("u1")), Recovered{Account: "work", Delivered: 1}, Marked{Account: "work", Known: 1})
	l.want(0, 0, None)
}

// Who changes a state waits for no run for long, and does nothing when asked to stop.
func TestChangesUnderTheLock(t *testing.T) {
	l := newLab(t, mail(1))
	store := l.state()
	for _, do := range []func(context.Context, []*config.Account, Options) []Result{forget("u1"), Rebuild, verify(false)} {
		l.by(Busy, do)
	}
	check(t, store.Close())
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if r := ForgetAll(stopped, []*config.Account{l.account}, l.options)[0]; ClassOf(r.Err) != Interrupted {
		t.Errorf("stopped: %v", r.Err)
	}
	l.want(1, 0, None)
}
