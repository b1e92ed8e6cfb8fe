package fetch

import (
	"math"
	"strings"
	"testing"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

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
