package fetch

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3"
	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/seen"
)

// Whatever a message does to its session, the ones behind it come in the same run, and are deleted; it stays on the server and is tried
// again, after longer and longer times, until it comes.
func TestPoisonMessageBlocksNoOther(t *testing.T) {
	dot := mail(8)
	dot[3].Data = []byte(".\r\nbegins with a dot that this server does not stuff\r\n")
	at := func(f pop3test.Fault) []pop3test.Fault {
		f.On, f.UID = "RETR", "u4"
		return []pop3test.Fault{f}
	}
	leavesNothing(t)
	c := newCrowd(t)
	defer c.wait()
	for _, row := range []poisonRow{
		{"refused", mail(8), at(pop3test.Fault{Ignore: true, Text: "-ERR [SYS/PERM] damaged\r\n"}), "damaged"},
		{"cut before the answer", mail(8), at(pop3test.Fault{Do: pop3test.FIN}), "closed the connection"},
		{"cut in the body", mail(8), at(pop3test.Fault{At: 20, Do: pop3test.RST}), "RETR 4"},
		{"stall before the answer", mail(8), at(pop3test.Fault{Do: pop3test.Stall}), "no answer to RETR 4"},
		{"stall in the body", mail(8), at(pop3test.Fault{At: -4, Do: pop3test.Stall}), "RETR 4"},
		{"a first dot not stuffed", dot, at(pop3test.Fault{Mangle: pop3test.Unstuffed}), "RETR"},
		{"two stumps", mail(8), slices.Concat(at(pop3test.Fault{Nth: 1, Stump: 9}), at(pop3test.Fault{Nth: 2, Stump: 12})), "the server sent"},
	} {
		for _, mode := range []config.Pipelining{config.PipeliningAuto, config.PipeliningOff} {
			for name, rule := range rules {
				c.run(row.name+"/"+name+"/pipelining "+mode.String(), func(t *testing.T) { row.blocksNoOther(t, mode, rule) })
			}
		}
	}
}

// poisonRow is a message u4 that cannot be had while its faults last.
type poisonRow struct {
	name   string
	msgs   []pop3test.Message
	faults []pop3test.Fault
	reason string
}

func (row poisonRow) blocksNoOther(t *testing.T, mode config.Pipelining, rule config.Delete) {
	l := newLab(t, row.msgs, row.faults...)
	if row.faults[0].Do == pop3test.Stall {
		l.account.Timeout = config.Duration(time.Second)
	}
	l.account.Pipelining, l.account.Delete = mode, rule
	gone, before, after := 0, uids(row.msgs), uids(row.msgs)
	if rule.Mode == config.DeleteFetched {
		gone, before, after = 1, []string{"u4"}, nil
	}
	l.want(7, 7*gone, Poison)
	l.onServer(before...)
	l.holds(slices.Delete(texts(t, row.msgs), 3, 4)...)
	f := l.failure("u4")
	if f.Count != 1 || !strings.Contains(f.Reason, row.reason) {
		t.Errorf("noted %d failures for %q, want 1 for %q", f.Count, f.Reason, row.reason)
	}
	l.endsItsDelays()
	l.server.SetFaults()
	l.account.Timeout = config.Duration(10 * time.Second)
	l.clock += 24 * time.Hour
	l.want(1, gone, None)
	l.holds(texts(t, row.msgs)...)
	l.onServer(after...)
}

// So many messages that end their session are more than a run has sessions: the good ones come all the same, in a few runs, and are deleted
// once those that failed have to wait.
func TestManyPoisonMessages(t *testing.T) {
	leavesNothing(t)
	msgs := mail(40)
	var faults []pop3test.Fault
	var good []pop3test.Message
	var bad []string
	for i, m := range msgs {
		if i%3 == 2 && len(bad) < 12 {
			bad = append(bad, m.UID)
			faults = append(faults, pop3test.Fault{On: "RETR", UID: m.UID, Do: pop3test.FIN})
		} else {
			good = append(good, m)
		}
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, msgs, faults...)
			l.account.Delete = rule
			for delivered, runs := 0, 0; delivered < len(good); runs++ {
				if runs == 4 {
					t.Fatalf("%d of %d messages came in %d runs", delivered, len(good), runs)
				}
				delivered += l.run().Messages
			}
			l.holds(texts(t, good)...)
			if name == "keep" {
				l.onServer(uids(msgs)...)
				return
			}
			for range 4 {
				l.run()
			}
			l.onServer(bad...)
		})
	}
}

// endsItsDelays fails the message again and again, and checks that it is left alone in between.
func (l *lab) endsItsDelays() {
	l.t.Helper()
	for k, delay := range []time.Duration{0, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 24 * time.Hour} {
		if delay > 0 {
			l.clock += delay - 30*time.Second
			l.want(0, 0, None)
			l.clock += 31 * time.Second
		}
		l.want(0, 0, Poison)
		if f := l.failure("u4"); f.Count != k+2 {
			l.t.Fatalf("noted %d failures, want %d", f.Count, k+2)
		}
	}
}

// failure gives what the state has noted of a message.
func (l *lab) failure(uid string) seen.Failure {
	l.t.Helper()
	store := l.state()
	defer store.Close()
	failures, err := store.Failures()
	check(l.t, err)
	for _, f := range failures {
		if string(f.UID) == uid {
			return f
		}
	}
	return seen.Failure{}
}

// New mail comes before what failed, so that a message which ends the session ends nothing else.
func TestNewMailComesBeforeRetries(t *testing.T) {
	l := newLab(t, mail(3), pop3test.Fault{On: "RETR", UID: "u1", Do: pop3test.FIN})
	l.account.Pipelining = config.PipeliningOff
	l.want(2, 0, Poison)
	l.mailbox.Add(pop3test.Message{UID: "new", Data: []byte("new\r\n")})
	l.want(1, 0, Poison)
	if f := l.failure("u1"); f.Count != 2 {
		t.Errorf("%d failures are noted, want 2", f.Count)
	}
}

// A run that is cut off again and again ends all the same, and gets on by some messages each time.
func TestEveryMessageIsPoison(t *testing.T) {
	l := newLab(t, mail(12), pop3test.Fault{On: "RETR", Do: pop3test.FIN})
	l.account.Pipelining = config.PipeliningOff
	r := l.run()
	if ClassOf(r.Err) != Temporary || l.server.Sessions() != mostSessions {
		t.Fatalf("ended with %v after %d sessions", r.Err, l.server.Sessions())
	}
	l.server.SetFaults()
	l.want(12, 0, None)
	l.holds(texts(t, mail(12))...)
}

// A server that loses one of the commands sent ahead answers with other messages from then on; even where all are of one size, no message
// comes under another's UID.
func TestLostCommandShiftsNothing(t *testing.T) {
	var msgs []pop3test.Message
	for i := 100; i < 300; i++ {
		msgs = append(msgs, pop3test.Message{UID: fmt.Sprint("u", i), Data: fmt.Appendf(nil, "mail %d\r\n", i)})
	}
	for _, mode := range []config.DeleteMode{config.DeleteNever, config.DeleteFetched} {
		l := newLab(t, msgs, pop3test.Fault{On: "RETR", Msg: 70, Batched: true, Limit: 1, Ignore: true})
		l.account.Timeout = config.Duration(500 * time.Millisecond)
		l.account.Delete = config.Delete{Mode: mode}
		r := l.run()
		if r.Err != nil || r.Messages != len(msgs) {
			t.Errorf("delivered %d of %d: %v", r.Messages, len(msgs), r.Err)
		}
		l.holds(texts(t, msgs)...)
	}
}

// What commands sent ahead have spoiled is no message's fault.
func TestPipeliningIsToBlame(t *testing.T) {
	l := newLab(t, mail(6), pop3test.Fault{On: "RETR", Batched: true, Ignore: true, Text: "-ERR what?\r\n"},
		pop3test.Fault{On: "NOOP", Batched: true, Do: pop3test.FIN})
	l.want(6, 0, None)
	if f := l.failure("u2"); f.Count != 0 {
		t.Errorf("%d failures are noted: %s", f.Count, f.Reason)
	}
}

// A mailbox that the server still holds for the session before hides neither what broke that one, nor what is learnt from it.
func TestSecondSessionIsRefused(t *testing.T) {
	inUse := pop3test.Refuse("AUTH", "[IN-USE] locked")
	inUse.Session = 2
	l := newLab(t, mail(8), pop3test.Fault{On: "RETR", UID: "u4", Batched: true, Do: pop3test.Stall}, inUse)
	l.account.Timeout = config.Duration(time.Second)
	r := l.run()
	why := errOf(t, r)
	if why.Class != Temporary || !strings.Contains(why.Error(), "no answer to RETR 4") || !strings.Contains(why.Error(), "[IN-USE] locked") {
		t.Fatalf("class %d: %v", why.Class, why)
	}
	l.want(8-r.Messages, 0, None)
	if slices.ContainsFunc(l.events, func(e Event) bool { in, ok := e.(LoggedIn); return ok && in.Pipelining }) {
		t.Error("the next run sends commands ahead again")
	}
	l.holds(texts(t, mail(8))...)
}

// Another session may get further where a message, or commands sent ahead, ended the one before, and not where the server was too slow
// altogether or the disk failed.
func TestMayGoOn(t *testing.T) {
	slow, slowest := &pop3.TimeoutError{Doing: "RETR 1"}, &pop3.TimeoutError{Doing: "RETR 1", Session: true}
	for _, row := range []struct {
		broken brokenSession
		want   bool
	}{
		{brokenSession{err: io.ErrUnexpectedEOF}, false},
		{brokenSession{err: io.ErrUnexpectedEOF, ahead: true}, true},
		{brokenSession{err: slow, culprit: true}, true},
		{brokenSession{err: slowest, culprit: true}, false},
		{brokenSession{err: slowest, ahead: true}, false},
		{brokenSession{err: &pop3.SinkError{Err: syscall.ENOSPC}, ahead: true}, false},
	} {
		if got := row.broken.mayGoOn(); got != row.want {
			t.Errorf("%+v: %v, want %v", row.broken, got, row.want)
		}
	}
}
