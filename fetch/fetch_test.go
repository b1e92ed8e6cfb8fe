package fetch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

func TestEachMessageOnce(t *testing.T) {
	msgs := mail(1200) // more than two batches
	l := newLab(t, msgs)
	l.want(1200, 0, None)
	l.holds(texts(t, msgs)...)
	l.want(0, 0, None)
	more := pop3test.Message{UID: "later", Data: []byte("later\r\n")}
	l.mailbox.Add(more)
	l.want(1, 0, None)
	l.holds(texts(t, append(msgs, more))...)
	l.onServer(uids(append(msgs, more))...)
}

func TestNothingNewMakesNoMaildir(t *testing.T) {
	l := newLab(t, nil)
	l.want(0, 0, None)
	if _, err := os.Stat(l.account.Maildir); !os.IsNotExist(err) {
		t.Fatalf("an empty maildrop made a Maildir (%v)", err)
	}
}

func TestOneByOneWithoutPipelining(t *testing.T) {
	msgs := mail(20)
	for _, row := range []struct {
		name  string
		setup func(*lab)
	}{
		{"not announced", func(l *lab) { l.server.Caps = []string{"UIDL", "USER"} }},
		{"switched off", func(l *lab) { l.account.Pipelining = config.PipeliningOff }},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, msgs, pop3test.Fault{Batched: true, On: "RETR", Do: pop3test.FIN})
			row.setup(l)
			l.want(20, 0, None)
			l.holds(texts(t, msgs)...)
		})
	}
}

func TestDeleteFetched(t *testing.T) {
	msgs := mail(3)
	l := newLab(t, msgs)
	l.account.Delete = config.Delete{Mode: config.DeleteFetched}
	l.want(3, 3, None)
	l.holds(texts(t, msgs)...)
	l.onServer()
}

func TestDeleteWhatEarlierRunsFetched(t *testing.T) {
	msgs := mail(3)
	l := newLab(t, msgs)
	l.want(3, 0, None)
	l.account.Delete = config.Delete{Mode: config.DeleteFetched}
	msgs[1].Data = []byte("another message with a UID used again\r\n")
	l.mailbox.Replace(msgs...)
	l.want(0, 2, None)
	l.onServer("u2") // its size is no longer the stored one
}

func TestNothingIsDeletedWhileTheMaildirIsMissing(t *testing.T) {
	msgs := mail(3)
	l := newLab(t, msgs)
	l.want(3, 0, None)
	away := l.account.Maildir + "-unmounted"
	check(t, os.Rename(l.account.Maildir, away))
	l.account.Delete = config.Delete{Mode: config.DeleteFetched}
	l.want(0, 0, Temporary)
	l.onServer(uids(msgs)...)
	check(t, os.Rename(away, l.account.Maildir))
	l.want(0, 3, None)
}

func TestDeleteAged(t *testing.T) {
	msgs := mail(2)
	l := newLab(t, msgs)
	l.account.Delete = config.Delete{Mode: config.DeleteAged, Age: 14 * 24 * time.Hour}
	l.want(2, 0, None)
	l.clock = 13 * 24 * time.Hour
	l.want(0, 0, None)
	l.clock = 14*24*time.Hour + time.Minute
	l.want(0, 2, None)
	l.onServer()
	l.holds(texts(t, msgs)...)
}

// A lost connection loses the DELEs, an unanswered QUIT leaves them unknown; neither loses or doubles mail.
func TestDeletesThatMayNotHaveHappened(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault pop3test.Fault
		class Class
		says  string
	}{
		{"cut after DELE", pop3test.Fault{On: "DELE", Nth: 2, Limit: 2, Do: pop3test.FIN}, Temporary, "one message at a time"},
		{"cut at QUIT, not deleted", pop3test.Fault{On: "QUIT", Ignore: true, Limit: 1, Do: pop3test.FIN}, None, "not known"},
		{"cut at QUIT, deleted", pop3test.Fault{On: "QUIT", Limit: 1, Do: pop3test.FIN}, None, "not known"},
		{"QUIT refused", pop3test.Fault{On: "QUIT", Ignore: true, Limit: 1, Text: "-ERR some messages not removed\r\n"}, None, "not known"},
	} {
		t.Run(row.name, func(t *testing.T) {
			msgs := mail(3)
			l := newLab(t, msgs, row.fault)
			l.account.Delete = config.Delete{Mode: config.DeleteFetched}
			l.want(3, 0, row.class)
			if !strings.Contains(l.said(), row.says) {
				t.Errorf("said %q, want %q in it", l.said(), row.says)
			}
			if r := l.run(); r.Err != nil || r.Messages != 0 {
				t.Fatalf("the second run delivered %d: %v", r.Messages, r.Err)
			}
			l.onServer()
			l.holds(texts(t, msgs)...)
		})
	}
}

func TestRefusedMessageBlocksNoOther(t *testing.T) {
	msgs := mail(5)
	l := newLab(t, msgs, pop3test.Fault{On: "RETR", Msg: 3, Limit: 1, Ignore: true, Text: "-ERR [SYS/TEMP] try later\r\n"})
	l.want(4, 0, Poison)
	if !strings.Contains(l.said(), `message 3 (UID "u3")`) {
		t.Errorf("said %q", l.said())
	}
	l.want(1, 0, None)
	l.holds(texts(t, msgs)...)
}

func TestFailuresOfTwoSessionsAreCountedOnce(t *testing.T) {
	l := newLab(t, mail(11),
		pop3test.Fault{On: "UIDL", Line: func(n int, line string) string { return map[bool]string{true: "", false: line}[n == 11] }},
		pop3test.Fault{On: "RETR", Msg: 2, Limit: 1, Ignore: true, Text: "-ERR [SYS/TEMP] try later\r\n"},
		pop3test.Fault{On: "RETR", Msg: 4, Ignore: true, Text: "-ERR never\r\n"},
		pop3test.Fault{On: "RETR", Msg: 6, Limit: 1, At: 20, Do: pop3test.FIN})
	if r := l.want(9, 0, Poison); r.Failed != 2 {
		t.Errorf("%d failed, want 2: message 4, and the one that UIDL does not list", r.Failed)
	}
}

func TestEndlessMessagesBlockNoOther(t *testing.T) {
	endless := func(number int) pop3test.Fault {
		return pop3test.Fault{On: "RETR", Msg: number, At: 30, Do: pop3test.Flood, Text: strings.Repeat("on and on\r\n", 1000)}
	}
	for _, mode := range []config.Pipelining{config.PipeliningAuto, config.PipeliningOff} {
		for name, rule := range rules {
			t.Run(name+"/pipelining "+mode.String(), func(t *testing.T) {
				msgs := mail(6)
				l := newLab(t, msgs, endless(2), endless(4))
				l.account.Pipelining, l.account.Delete = mode, rule
				if r := l.want(4, map[string]int{"delete": 4}[name], Poison); r.Failed != 2 {
					t.Errorf("%d failed, want 2", r.Failed)
				}
				good, bad := []pop3test.Message{msgs[0], msgs[2], msgs[4], msgs[5]}, []string{"u2", "u4"}
				l.holds(texts(t, good)...)
				for _, uid := range bad {
					if f := l.failure(uid); f.Count != 1 || !strings.Contains(f.Reason, "did not end after") {
						t.Errorf("of %s are noted %d failures for %q", uid, f.Count, f.Reason)
					}
				}
				if name == "keep" {
					bad = uids(msgs)
				}
				l.onServer(bad...)
			})
		}
	}
}

// What breaks a pipelined session is followed by one that asks for one message at a time; nothing doubtful is stored.
func TestBrokenPipelining(t *testing.T) {
	for _, row := range []struct {
		name     string
		faults   []pop3test.Fault
		sessions int // of this run and the next
	}{
		{"batches are dropped", []pop3test.Fault{{On: "RETR", Batched: true, Do: pop3test.Stall}}, 3},
		{"batches are hung up on", []pop3test.Fault{{On: "RETR", Batched: true, Do: pop3test.RST}}, 3},
		{"listings in one write are dropped", []pop3test.Fault{{On: "UIDL", Batched: true, Ignore: true, Do: pop3test.Stall}}, 3},
		{"listings in one write are hung up on", []pop3test.Fault{{On: "LIST", Batched: true, Do: pop3test.FIN}}, 4},
		{"DELEs in one write are dropped", []pop3test.Fault{{On: "DELE", Batched: true, Ignore: true, Do: pop3test.Stall}}, 3},
		{"junk behind a message, once", []pop3test.Fault{{On: "RETR", Msg: 4, Limit: 1, At: pop3test.End, Text: "and more of it\r\n"}}, 3},
		{"no line end before a dot, once", []pop3test.Fault{{On: "RETR", Msg: 4, Limit: 1, Mangle: pop3test.GluedDot}}, 3},
		{"cut in a message, once", []pop3test.Fault{{On: "RETR", Msg: 4, Limit: 1, At: 20, Do: pop3test.FIN}}, 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			msgs := mail(10)
			l := newLab(t, msgs, row.faults...)
			if row.faults[0].Do == pop3test.Stall {
				l.account.Timeout = config.Duration(1500 * time.Millisecond)
			}
			l.account.Delete = config.Delete{Mode: config.DeleteFetched}
			r := l.want(10, 10, None)
			l.holds(texts(t, msgs)...)
			l.onServer()
			if r = l.run(); r.Err != nil || l.server.Sessions() != row.sessions {
				t.Errorf("%d sessions in two runs (%v), want %d", l.server.Sessions(), r.Err, row.sessions)
			}
		})
	}
}

// A disk that is slower than the server's time-out is no fault of the server's.
func TestSlowDisk(t *testing.T) {
	msgs := mail(2*batchMessages + 300) // more than may wait for the disk
	for i := range msgs {
		msgs[i].Times = 3000 // more than a buffer holds, so that each body is waited for
	}
	l := newLab(t, msgs)
	l.account.Timeout = config.Duration(1500 * time.Millisecond)
	l.options.Step = func(name string) {
		if name == StepBatchSynced {
			time.Sleep(2 * time.Second)
		}
	}
	l.want(len(msgs), 0, None)
	if l.said() != "" {
		t.Errorf("said %q", l.said())
	}
}

func TestOddListings(t *testing.T) {
	same := []pop3test.Message{{UID: "same", Data: []byte("one\r\n")}, {UID: "other", Data: []byte("two\r\n")}, {UID: "same", Data: []byte("three\r\n")}}
	l := newLab(t, same)
	l.want(3, 0, None)
	l.want(0, 0, None)
	l.holds("one\n", "two\n", "three\n")

	strange := []pop3test.Message{
		{UID: "../../x", Data: []byte("1\r\n")},
		{UID: "x 1", Data: []byte("2\r\n")},
		{UID: "x 2", Data: []byte("3\r\n")},
		{UID: "\xff\x00\x1b[2J", Data: []byte("4\r\n")},
		{UID: strings.Repeat("long", 200), Data: []byte("5\r\n")},
	}
	l = newLab(t, strange)
	l.want(5, 0, None)
	l.want(0, 0, None)
	l.holds(texts(t, strange)...)

	half := newLab(t, mail(4))
	half.want(4, 0, None)
	half.server.SetFaults(pop3test.Fault{On: "UIDL", Line: func(n int, line string) string {
		if n%2 == 0 {
			return ""
		}
		return line
	}})
	half.run() // the others have no UID in this listing
	half.server.SetFaults()
	half.want(0, 0, None)
	half.holds(texts(t, mail(4))...)
}

func TestDryRunChangesNothing(t *testing.T) {
	l := newLab(t, mail(2))
	l.options.DryRun = true
	l.account.Delete = config.Delete{Mode: config.DeleteFetched}
	r := l.want(0, 0, None)
	if r.Get != 2 || l.said() != "get u1: new, then to be deleted\nget u2: new, then to be deleted" {
		t.Errorf("to get %d, said:\n%s", r.Get, l.said())
	}
	if entries, _ := os.ReadDir(filepath.Dir(l.account.Maildir)); len(entries) != 0 {
		t.Errorf("a dry run made %v", entries)
	}
	l.options.DryRun = false
	l.account.Delete = config.Delete{}
	l.want(2, 0, None)
	l.options.DryRun = true
	l.account.Delete = config.Delete{Mode: config.DeleteFetched}
	if r := l.want(0, 0, None); r.Delete != 2 || l.said() != "delete u1: fetched before\ndelete u2: fetched before" {
		t.Errorf("to delete %d, said:\n%s", r.Delete, l.said())
	}
}

// A dry run changes nothing in a Maildir that a real one would mend, though it looks into it.
func TestDryRunMendsNothing(t *testing.T) {
	l := newLab(t, mail(3))
	l.want(3, 0, None)
	check(t, os.RemoveAll(l.options.StateDir))
	check(t, os.Remove(filepath.Join(l.account.Maildir, "tmp")))
	check(t, os.Remove(filepath.Join(l.account.Maildir, "cur")))
	l.options.DryRun = true
	if r := l.want(0, 0, None); r.Get != 0 {
		t.Errorf("would fetch %d again", r.Get)
	}
	entries, err := os.ReadDir(l.account.Maildir)
	check(t, err)
	if len(entries) != 1 {
		t.Errorf("made %v", entries)
	}
}

func TestChangedIdentity(t *testing.T) {
	l := newLab(t, mail(2))
	l.want(2, 0, None)
	l.server.Users["renamed"] = l.server.Users["me"]
	l.account.Username = "renamed"
	if e := errOf(t, l.want(0, 0, Config)); !strings.Contains(e.Hint, "--adopt") {
		t.Errorf("hint %q names no way out", e.Hint)
	}
	l.options.Adopt = true
	l.want(0, 0, None)
	l.options.Adopt = false
	l.want(0, 0, None)
}

func TestBusy(t *testing.T) {
	l := newLab(t, mail(2))
	l.want(2, 0, None)
	store := l.state()
	l.want(0, 0, Busy)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	l.want(0, 0, None)
}

func TestMissingMaildirIsNotMadeAfresh(t *testing.T) {
	l := newLab(t, mail(1))
	l.want(1, 0, None)
	if err := os.RemoveAll(l.account.Maildir); err != nil {
		t.Fatal(err)
	}
	l.mailbox.Add(pop3test.Message{UID: "new", Data: []byte("new\r\n")})
	l.want(0, 0, Temporary)
	if _, err := os.Stat(l.account.Maildir); !os.IsNotExist(err) {
		t.Error("the Maildir was made afresh")
	}
	check(t, os.MkdirAll(filepath.Join(l.account.Maildir+"-own", "cur"), 0o700)) // mail is delivered to a Maildir that others made, too
	l.account.Maildir += "-own"
	l.want(1, 0, None)
	check(t, os.RemoveAll(l.options.StateDir))
	l.mailbox.Replace(l.mailbox.Messages()[1])
	l.want(0, 0, None) // rebuilds the state, which has to note the Maildir too
	check(t, os.RemoveAll(l.account.Maildir))
	l.mailbox.Add(pop3test.Message{UID: "newer", Data: []byte("newer\r\n")})
	l.want(0, 0, Temporary)
	l.options.DryRun = true
	l.want(0, 0, Temporary)
	l.options.DryRun = false
	l.account.Maildir += "-elsewhere"
	l.want(1, 0, None)
	l.holds("newer\n")
}

// A cleaner takes a file out of the spool in the moment before its delivery: the others are safe, and told of.
func TestSpoolCleanedDuringDelivery(t *testing.T) {
	l := newLab(t, mail(10))
	var cleaner sync.Once
	l.options.Step = func(name string) {
		if name == StepIntentsWritten {
			cleaner.Do(func() {
				found, err := filepath.Glob(filepath.Join(l.account.Maildir, "tmp", ".haulmail-*", "*"))
				check(t, err)
				check(t, os.Remove(found[0]))
			})
		}
	}
	l.want(9, 0, IO)
	told := 0
	for _, e := range l.events {
		if _, ok := e.(Delivered); ok {
			told++
		}
	}
	if told != 9 {
		t.Errorf("told of %d messages, 9 are safe", told)
	}
	l.want(1, 0, None)
	l.holds(texts(t, mail(10))...)
}

func TestAccountsTogether(t *testing.T) {
	const accounts = 12
	l := newLab(t, mail(5))
	var open, most atomic.Int32
	l.server.Faults = []pop3test.Fault{
		{On: "STAT", Call: func() {
			now := open.Add(1)
			for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
			}
			time.Sleep(30 * time.Millisecond)
		}},
		{On: "QUIT", Call: func() { open.Add(-1) }},
	}
	l.server.SetFaults(l.server.Faults...)
	var all []*config.Account
	for i := range accounts {
		name := fmt.Sprintf("a%d", i)
		l.server.Users[name] = pop3test.User{Password: "s3cret", Mailbox: pop3test.NewMailbox(mail(5)...)}
		a := *l.account
		a.Name, a.Username, a.Maildir = name, name, filepath.Join(l.account.Maildir, name)
		if i == 3 {
			a.Username = "nobody"
		}
		all = append(all, &a)
	}
	l.options.Jobs, l.options.PerServer = 8, 3
	results := Run(context.Background(), all, l.options)
	for i, r := range results {
		if i == 3 && ClassOf(r.Err) != Login {
			t.Errorf("account 3 ended with %v, want a refused login", r.Err)
		}
		if i != 3 && (r.Err != nil || r.Messages != 5) {
			t.Errorf("account %d delivered %d: %v", i, r.Messages, r.Err)
		}
	}
	if Worst(results, Patience{}) != Login {
		t.Errorf("the worst is class %d", Worst(results, Patience{}))
	}
	if most.Load() > 3 {
		t.Errorf("%d accounts at one server at once, 3 are allowed", most.Load())
	}
}
