package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/secret"
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

func TestStumps(t *testing.T) {
	long := pop3test.Message{UID: "long", Data: []byte(strings.Repeat("a line of the message\r\n", 20))}
	for _, row := range []struct {
		name     string
		faults   []pop3test.Fault
		messages int
		class    Class
		whole    bool
	}{
		{"empty once", []pop3test.Fault{{On: "RETR", UID: "long", Limit: 1, Mangle: pop3test.Empty}}, 2, None, true},
		{"a stump once", []pop3test.Fault{{On: "RETR", UID: "long", Limit: 1, Stump: 46}}, 2, None, true},
		{"the same stump twice", []pop3test.Fault{{On: "RETR", UID: "long", Stump: 46}}, 2, None, false},
		{"two stumps", []pop3test.Fault{{On: "RETR", UID: "long", Nth: 1, Stump: 46}, {On: "RETR", UID: "long", Nth: 2, Stump: 69}}, 1, Poison, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, append(mail(1), long), row.faults...)
			l.account.Delete = config.Delete{Mode: config.DeleteFetched}
			l.want(row.messages, map[bool]int{true: 2, false: 1}[row.whole], row.class)
			want := texts(t, mail(1))
			if row.whole {
				want = append(want, texts(t, []pop3test.Message{long})...)
			} else if row.messages == 2 {
				want = append(want, strings.Repeat("a line of the message\n", 2))
			}
			l.holds(want...)
		})
	}
}

// LIST's size is what tells that another message came under a message's number; a server whose sizes are wrong is found out once.
func TestSizesInDoubt(t *testing.T) {
	fetched := config.Delete{Mode: config.DeleteFetched}
	swapped := newLab(t, mail(6), pop3test.Fault{On: "RETR", Msg: 3, Limit: 1, Swap: "u5"})
	swapped.account.Delete = fetched
	swapped.want(6, 6, None)
	swapped.holds(texts(t, mail(6))...)

	inexact := mail(6)
	for i := range inexact {
		inexact[i].ListSize = inexact[i].Size() + 5
	}
	l := newLab(t, inexact)
	l.account.Delete = fetched
	l.want(6, 5, None) // all but the one that the sizes were found out by
	l.holds(texts(t, inexact)...)
	l.mailbox.Add(pop3test.Message{UID: "later", Data: []byte("later\r\n"), ListSize: 9})
	l.want(1, 1, None)
	if n := l.mailbox.Retrieved()["later"]; n != 1 {
		t.Errorf("asked for a message %d times of a server that is known to be inexact", n)
	}
	l.onServer("u1")

	alone := mail(20)
	for i := range alone {
		alone[i].ListSize = alone[i].Size() + 5
	}
	l = newLab(t, alone)
	l.account.Pipelining = config.PipeliningOff
	l.account.Delete = fetched
	l.want(20, 18, None) // all but that one, and the one that was asked for before it was found to be in doubt
	l.onServer("u1", "u2")

	unended := newLab(t, []pop3test.Message{{UID: "a", Data: []byte("no line end"), ListSize: 11}})
	unended.account.Delete = fetched
	unended.want(1, 1, None)
	unended.holds("no line end\n")
}

// More messages than one walk takes are got by the next ones, also when some of them are in doubt or refused.
func TestWalksFollowOneAnother(t *testing.T) {
	defer func(most int) { mostInWalk = most }(mostInWalk)
	mostInWalk = 3
	for _, n := range []int{3, 4, 11} {
		msgs := mail(n)
		newLab(t, msgs).want(n, 0, None)
		msgs[n/2].ListSize = msgs[n/2].Size() + 5
		doubtful := newLab(t, msgs)
		doubtful.want(n, 0, None)
		doubtful.holds(texts(t, msgs)...)
	}
	refused := []pop3test.Fault{pop3test.Refuse("RETR", "gone"), pop3test.Refuse("RETR", "gone")}
	refused[0].Msg, refused[1].Msg = 3, 7
	newLab(t, mail(11), refused...).want(9, 0, Poison)
}

func TestSizesFarOffCostLittle(t *testing.T) {
	msgs := mail(100)
	for i := range msgs {
		msgs[i].ListSize = 3 * msgs[i].Size()
	}
	l := newLab(t, msgs)
	l.account.Delete = config.Delete{Mode: config.DeleteFetched}
	l.want(100, 0, None)
	l.holds(texts(t, msgs)...)
	asked := 0
	for _, n := range l.mailbox.Retrieved() {
		asked += n
	}
	if most := 2*len(msgs) + mostThrownAway*len(msgs); asked > most {
		t.Errorf("asked for %d messages to get %d, want %d at most", asked, len(msgs), most)
	}
}

func TestSizesBeyondBelief(t *testing.T) {
	for _, size := range []int64{3 << 60, math.MaxInt64} {
		msgs := mail(2)
		for i := range msgs {
			msgs[i].ListSize = size
		}
		l := newLab(t, msgs)
		if r := l.want(2, 0, None); r.Bytes < 0 {
			t.Errorf("sizes of %d sum up to %d", size, r.Bytes)
		}
		l.holds(texts(t, msgs)...)
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

// Where the server gives no UIDs, the header tells messages apart, and where it has no TOP either, the content.
func TestMessagesWithoutUIDs(t *testing.T) {
	noUIDL := pop3test.Fault{On: "UIDL", Ignore: true, Text: "-ERR what?\r\n"}
	noTOP := pop3test.Fault{On: "TOP", Ignore: true, Text: "-ERR what?\r\n"}
	for _, row := range []struct {
		name   string
		msgs   []pop3test.Message
		faults []pop3test.Fault
		asked  int // for the first message, in three runs
	}{
		{"no UIDL", mail(5), []pop3test.Fault{noUIDL}, 1},
		{"no UIDL, no TOP", mail(5), []pop3test.Fault{noUIDL, noTOP}, 3},
		{"empty UIDs", []pop3test.Message{{Data: []byte("A: 1\r\n\r\n1\r\n")}, {UID: "x", Data: []byte("A: 2\r\n")}, {Data: []byte("A: 1\r\n\r\n2\r\n")}}, nil, 2},
		{"empty UIDs, no TOP", []pop3test.Message{{Data: []byte("1\r\n")}, {UID: "x", Data: []byte("2\r\n")}, {Data: []byte("3\r\n")}}, []pop3test.Fault{noTOP}, 6},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, row.msgs, row.faults...)
			l.want(len(row.msgs), 0, None)
			l.want(0, 0, None)
			l.want(0, 0, None)
			l.holds(texts(t, row.msgs)...)
			if n := l.mailbox.Retrieved()[row.msgs[0].UID]; n != row.asked {
				t.Errorf("messages with the UID %q were asked for %d times, want %d", row.msgs[0].UID, n, row.asked)
			}
			l.account.Delete = config.Delete{Mode: config.DeleteFetched}
			l.want(0, len(row.msgs), None)
			l.onServer()
		})
	}
}

// Of many messages without UIDs some stay on the server until others are gone, and the run says so.
func TestTooManyMessagesWithoutUIDs(t *testing.T) {
	defer func(most int) { mostNameless = most }(mostNameless)
	mostNameless = 3
	noUIDL, noTOP := pop3test.Refuse("UIDL", "what?"), pop3test.Refuse("TOP", "what?")
	for name, faults := range map[string][]pop3test.Fault{"no UIDL": {noUIDL}, "no UIDL, no TOP": {noUIDL, noTOP}} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, mail(5), faults...)
			r := l.want(3, 0, Poison)
			if !strings.Contains(l.said(), "2 messages stay on the server") || r.Failed != 2 {
				t.Errorf("said %q, %d failed", l.said(), r.Failed)
			}
			l.want(0, 0, Poison)
			l.account.Delete = config.Delete{Mode: config.DeleteFetched}
			l.want(0, 3, Poison)
			l.want(2, 2, None)
			l.holds(texts(t, mail(5))...)
		})
	}
}

// A server that has no TOP is not asked for the header of each message, nor again in another session.
func TestServerWithoutTOP(t *testing.T) {
	msgs := mail(1200)
	l := newLab(t, msgs, pop3test.Refuse("UIDL", "what?"), pop3test.Refuse("TOP", "what?"), pop3test.Fault{On: "RETR", Msg: 700, Batched: true, Do: pop3test.FIN})
	l.server.Caps = []string{"UIDL", "USER", "PIPELINING"}
	tops := l.commands("TOP")
	l.want(1200, 0, None)
	l.holds(texts(t, msgs)...)
	if tops() != headersAtOnce {
		t.Errorf("%d headers were asked for", tops())
	}
}

// A message whose name cannot be told for the moment holds up none that has a UID.
func TestOneMessageWithoutUIDWaits(t *testing.T) {
	msgs := mail(3)
	msgs[1].UID = ""
	l := newLab(t, msgs, pop3test.Refuse("TOP", "[SYS/TEMP] later"))
	l.want(2, 0, Poison)
	l.server.SetFaults()
	l.want(1, 0, None)
	l.holds(texts(t, msgs)...)
}

// What a message goes by stays what it was: it does not come again where headers can be had no more, for the moment or for good, or can be again.
func TestMessagesWithoutUIDsKeepTheirNames(t *testing.T) {
	noUIDL, no, later := pop3test.Refuse("UIDL", "what?"), pop3test.Refuse("TOP", "what?"), pop3test.Refuse("TOP", "[SYS/TEMP] later")
	one, never := later, no
	one.UID, never.UID = "u2", "u3"
	for _, row := range []struct {
		name        string
		first, then []pop3test.Fault
		class       Class
	}{
		{"refused for the moment", nil, []pop3test.Fault{later}, Temporary},
		{"one refused for the moment", nil, []pop3test.Fault{one}, Poison},
		{"no longer there", nil, []pop3test.Fault{no}, Protocol},
		{"there again", []pop3test.Fault{no}, nil, None},
		{"one refused, one for the moment", []pop3test.Fault{never}, []pop3test.Fault{never, one}, Poison},
	} {
		t.Run(row.name, func(t *testing.T) {
			msgs := mail(3)
			l := newLab(t, msgs, append(row.first, noUIDL)...)
			l.want(3, 0, None)
			l.server.SetFaults(append(row.then, noUIDL)...)
			if r := l.run(); ClassOf(r.Err) != row.class {
				t.Errorf("ended with %v, want class %v", r.Err, row.class)
			}
			l.server.SetFaults(append(row.first, noUIDL)...)
			l.want(0, 0, None)
			l.holds(texts(t, msgs)...)
		})
	}
}

// So does the name of a message without a UID among others.
func TestMessageWithoutUIDKeepsItsName(t *testing.T) {
	noTOP := pop3test.Refuse("TOP", "what?")
	for name, faults := range map[string][2][]pop3test.Fault{"no longer there": {nil, {noTOP}}, "there again": {{noTOP}, nil}} {
		t.Run(name, func(t *testing.T) {
			msgs := mail(3)
			msgs[0].UID, msgs[2].UID = "", ""
			l := newLab(t, msgs, faults[0]...)
			l.want(3, 0, None)
			l.server.SetFaults(faults[1]...)
			if r := l.run(); r.Messages > 0 {
				t.Errorf("%d messages came again", r.Messages)
			}
			l.server.SetFaults(faults[0]...)
			l.want(0, 0, None)
			l.holds(texts(t, msgs)...)
		})
	}
}

// Messages with one UID are deleted together: what is left of them would go by the name of another.
func TestEqualUIDsAreDeletedTogether(t *testing.T) {
	msgs := mail(8)
	msgs = []pop3test.Message{msgs[0], msgs[1], msgs[7]} // the first and the last are of one size
	for i := range msgs {
		msgs[i].UID = "same"
	}
	aged := config.Delete{Mode: config.DeleteAged, Age: 14 * 24 * time.Hour}
	t.Run("of different age", func(t *testing.T) {
		l := newLab(t, msgs[:1])
		l.account.Delete = aged
		l.want(1, 0, None)
		l.mailbox.Add(msgs[1:]...)
		l.clock = 10 * 24 * time.Hour
		l.want(2, 0, None)
		l.clock = 20 * 24 * time.Hour
		l.want(0, 0, None)
		l.clock = 30 * 24 * time.Hour
		l.want(0, 3, None)
		l.onServer()
		l.holds(texts(t, msgs)...)
	})
	t.Run("one a run", func(t *testing.T) {
		l := newLab(t, msgs)
		l.account.Delete, l.account.MaxMessages = config.Delete{Mode: config.DeleteFetched}, 1
		l.want(1, 0, None)
		l.want(1, 0, None)
		l.want(1, 3, None)
		l.onServer()
		l.holds(texts(t, msgs)...)
	})
}

func TestUIDsUsedAgain(t *testing.T) {
	l := newLab(t, mail(3))
	l.account.Delete = config.Delete{Mode: config.DeleteFetched}
	l.want(3, 3, None)
	other := pop3test.Message{UID: "u2", Data: []byte("another message under a UID of one that is deleted\r\n")}
	l.mailbox.Replace(other)
	l.want(1, 1, None)
	l.holds(texts(t, append(mail(3), other))...)
	l.onServer()

	same := mail(1) // of the same size: nobody can tell whether it is the old message, so that it stays
	same[0].Data = bytes.ReplaceAll(same[0].Data, []byte("mail"), []byte("Mail"))
	l.mailbox.Replace(same...)
	for range 3 {
		l.want(0, 0, None)
		l.onServer("u1")
	}
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

func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	msgs := mail(50)
	l := newLab(t, msgs, pop3test.Fault{On: "RETR", Msg: 10, Limit: 1, Call: cancel})
	l.account.Pipelining = config.PipeliningOff
	l.account.Delete = config.Delete{Mode: config.DeleteFetched}
	began := time.Now()
	r := l.runWithin(ctx)
	if ClassOf(r.Err) != Interrupted || r.Messages < 9 || r.Messages > 11 || r.Deleted != 0 {
		t.Fatalf("delivered %d, deleted %d: %v", r.Messages, r.Deleted, r.Err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s to stop", took)
	}
	rest := l.run()
	if rest.Err != nil || rest.Messages+r.Messages != 50 {
		t.Fatalf("delivered %d and %d: %v", r.Messages, rest.Messages, rest.Err)
	}
	l.holds(texts(t, msgs)...)
	l.onServer()
}

// Of what a slow server has sent when a run is stopped, most is kept, though commands were sent ahead: a run that is always stopped gets on.
func TestStoppedWhileCommandsAreAhead(t *testing.T) {
	for _, arrived := range []int{1, 3, 40} {
		ctx, cancel := context.WithCancel(context.Background())
		l := newLab(t, mail(60), pop3test.Fault{On: "RETR", Msg: arrived + 1, Limit: 1, Do: pop3test.Stall})
		written := 0
		l.options.Step = func(name string) {
			if name == StepBodyWritten {
				if written++; written == arrived {
					cancel()
				}
			}
		}
		r := l.runWithin(ctx)
		if least := max(1, arrived/2, arrived-15); ClassOf(r.Err) != Interrupted || r.Messages < least {
			t.Errorf("%d of %d messages that had arrived are kept, want %d at least: %v", r.Messages, arrived, least, r.Err)
		}
		l.want(60-r.Messages, 0, None)
		l.holds(texts(t, mail(60))...)
	}
}

func TestStoppedBeforeTheListing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	l := newLab(t, mail(1), pop3test.Fault{On: "PASS", Call: cancel, Do: pop3test.Stall}, pop3test.Fault{On: "AUTH", Call: cancel, Do: pop3test.Stall})
	if r := l.runWithin(ctx); ClassOf(r.Err) != Interrupted || r.Took > 4*time.Second {
		t.Fatalf("ended after %s with %v", r.Took, r.Err)
	}
}

func TestClasses(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault pop3test.Fault
		class Class
		says  string
	}{
		{"greeting refused", pop3test.Fault{On: pop3test.Greeting, Ignore: true, Text: "-ERR go away\r\n"}, Temporary, `"go away"`},
		{"greeting is no POP3", pop3test.Fault{On: pop3test.Greeting, Ignore: true, Text: "220 smtp\r\n"}, Protocol, "220 smtp"},
		{"wrong password", pop3test.Refuse("AUTH", "[AUTH] no"), Login, "[AUTH] no"},
		{"in use", pop3test.Refuse("AUTH", "[IN-USE] busy"), Temporary, "busy"},
		{"login delay", pop3test.Refuse("AUTH", "[LOGIN-DELAY] wait"), Temporary, "wait"},
		{"temporary", pop3test.Refuse("AUTH", "[SYS/TEMP] wait"), Temporary, "wait"},
		{"permanent", pop3test.Refuse("AUTH", "[SYS/PERM] closed"), Unavailable, "closed"},
		{"listing is cut", pop3test.Fault{On: "UIDL", At: 10, Do: pop3test.FIN}, Temporary, "UIDL"},
		{"a number twice", pop3test.Fault{On: "UIDL", Line: func(int, string) string { return "1 x" }}, Protocol, "listed twice"},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, mail(2), row.fault)
			e := errOf(t, l.want(0, 0, row.class))
			if !strings.Contains(e.Error(), row.says) || strings.Contains(e.Error(), "\n") {
				t.Errorf("says %q, want %q in one line", e, row.says)
			}
		})
	}
}

func TestEveryClassHasAWord(t *testing.T) {
	for c := None; c <= Internal; c++ {
		if word := c.String(); word == "" || classNamed(word) != c {
			t.Errorf("class %d has the word %q", c, word)
		}
	}
}

// The connection is cut, and then the state cannot be written: both are told.
func TestTwoFailures(t *testing.T) {
	l := newLab(t, mail(10), pop3test.Fault{On: "RETR", Msg: 6, At: 20, Do: pop3test.FIN})
	l.account.Pipelining = config.PipeliningOff
	l.options.Step = func(name string) {
		if name == StepDelivered {
			check(t, os.Truncate(filepath.Join(l.options.StateDir, "work.db"), 4096))
		}
	}
	e := errOf(t, l.want(5, 0, Damaged))
	if text := e.Error(); !strings.Contains(text, "fetch: the server closed") || !strings.Contains(text, "record what was fetched") {
		t.Errorf("says %q, want both failures", text)
	}

	both := also(doing(doingRetrieve, errors.New("cut")), onDisk("record", errors.New("no space")))
	if class, _ := new(haul).classify(both); class != IO {
		t.Errorf("a connection cut and a full disk are class %d, want %d", class, IO)
	}
}

func TestNoPassword(t *testing.T) {
	l := newLab(t, mail(1))
	l.options.Password = func(ctx context.Context, a *config.Account) (config.Secret, error) {
		return secret.Source{LookupEnv: func(string) (string, bool) { return "", false }}.Password(ctx, a)
	}
	if e := errOf(t, l.want(0, 0, Config)); !strings.Contains(e.Hint, "password_command") || l.server.Sessions() > 0 {
		t.Errorf("hint %q after %d connections", e.Hint, l.server.Sessions())
	}
}

func TestStoppedWhileThePasswordIsAskedFor(t *testing.T) {
	l := newLab(t, mail(1))
	l.account.Password.Command.Shell = "sleep 10"
	ctx, cancel := context.WithCancel(context.Background())
	l.options.Password = func(ctx context.Context, a *config.Account) (config.Secret, error) {
		time.AfterFunc(50*time.Millisecond, cancel)
		return secret.Source{}.Password(ctx, a)
	}
	if r := l.runWithin(ctx); ClassOf(r.Err) != Interrupted {
		t.Errorf("ended with class %d: %v", ClassOf(r.Err), r.Err)
	}
}

func TestAnnouncedMechanismThatFailsFallsBack(t *testing.T) {
	l := newLab(t, mail(1), pop3test.Refuse("AUTH", "mechanism broken"))
	l.want(1, 0, None)

	l = newLab(t, mail(1), pop3test.Refuse("AUTH", "mechanism broken"), pop3test.Refuse("PASS", "[IN-USE] busy"))
	l.want(0, 0, Temporary)
	l = newLab(t, mail(1), pop3test.Refuse("AUTH", "no such user"), pop3test.Refuse("USER", "what?"))
	if e := errOf(t, l.want(0, 0, Login)); !strings.Contains(e.Error(), "no such user") {
		t.Errorf("says %q, want the first refusal, which says more", e)
	}
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
