package fetch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// asked gives what the last run was told in its session before RETR, DELE and QUIT.
type asked []string

func (a *asked) wire(_ string, sent bool, line string) {
	if sent && slices.Contains([]string{"STAT", "UIDL", "LIST"}, line) {
		*a = append(*a, line)
	}
}

// callMany has so few known messages be many, for one test.
func callMany(t *testing.T, few int) {
	usual := manyKnown
	t.Cleanup(func() { manyKnown = usual })
	manyKnown = few
}

// Of three messages that are known, sizes are asked for only where something depends on them; and what depends on them is
// decided as ever.
func TestSizesWaitUntilTheyMatter(t *testing.T) {
	callMany(t, 3)
	twoDays := config.Delete{Mode: config.DeleteAged, Age: 48 * time.Hour}
	lacksUID := func(n int, line string) string {
		if n == 2 {
			return ""
		}
		return line
	}
	other := func(l *lab) {
		msgs := l.mailbox.Messages()
		msgs[1].Data = []byte("of another size\r\n")
		l.mailbox.Replace(msgs...)
	}
	days := func(n int) func(*lab) {
		return func(l *lab) { l.clock = time.Duration(n) * 24 * time.Hour }
	}
	for _, row := range []struct {
		name               string
		delete             config.Delete
		fault              pop3test.Fault // of the second session
		change             func(*lab)     // after the first run
		list               bool           // LIST is asked
		delivered, deleted int
		class              Class
	}{
		{name: "nothing new"},
		{name: "a new message", change: func(l *lab) { l.mailbox.Add(pop3test.Message{UID: "new", Data: []byte("new\r\n")}) }, list: true, delivered: 1},
		{name: "a message is gone", change: func(l *lab) { l.mailbox.Replace(l.mailbox.Messages()[1:]...) }},
		{name: "too few known", change: func(*lab) { manyKnown = 4 }, list: true},
		{name: "a dry run", change: func(l *lab) { l.options.DryRun = true }, list: true},
		{name: "each message is told of", change: func(l *lab) { l.options.EachSkip = true }, list: true},
		{name: "too young to be deleted", delete: twoDays, change: days(1)},
		{name: "old enough to be deleted", delete: twoDays, change: days(3), list: true, deleted: 3},
		{name: "old enough, one of another size", delete: twoDays, change: func(l *lab) { days(3)(l); other(l) }, list: true, deleted: 2},
		{name: "what is fetched goes", change: func(l *lab) { l.account.Delete.Mode = config.DeleteFetched }, list: true, deleted: 3},
		{name: "STAT counts one more", fault: pop3test.Fault{On: "STAT", Ignore: true, Text: "+OK 4 400\r\n"}, list: true},
		{name: "STAT refused", fault: pop3test.Refuse("STAT", "no"), list: true},
		{name: "UIDL lacks one", fault: pop3test.Fault{On: "UIDL", Line: lacksUID}, list: true, class: Poison},
		{name: "UIDL refused", fault: pop3test.Refuse("UIDL", "no"), list: true, class: Protocol},
		{name: "UIDL has no UID for one", fault: pop3test.Fault{On: "UIDL", Line: func(n int, line string) string {
			if n == 2 {
				return "2"
			}
			return line
		}}, list: true, delivered: 1},
	} {
		for _, pipelining := range []config.Pipelining{config.PipeliningAuto, config.PipeliningOff} {
			t.Run(row.name+"/"+pipelining.String(), func(t *testing.T) {
				manyKnown = 3
				fault := row.fault
				fault.Session = 2
				l := newLab(t, mail(3), fault)
				l.account.Delete, l.account.Pipelining = row.delete, pipelining
				l.want(3, 0, None)
				if row.change != nil {
					row.change(l)
				}
				var said asked
				l.options.Wire = said.wire
				l.want(row.delivered, row.deleted, row.class)
				want := asked{"STAT", "UIDL", "LIST"}
				if !row.list {
					want = want[:2]
				}
				if !slices.Equal(said, want) {
					t.Errorf("asked %q, want %q", said, want)
				}
			})
		}
	}
}

// Under the UID of a message that had gone there is another one: its size tells, so it has to be asked for.
func TestSizesTellThatAUIDIsUsedAgain(t *testing.T) {
	callMany(t, 2)
	l := newLab(t, mail(3))
	l.want(3, 0, None)
	msgs := l.mailbox.Messages()
	l.mailbox.Replace(append(slices.Clone(msgs[1:]), pop3test.Message{UID: "new", Data: []byte("new\r\n")})...)
	l.want(1, 0, None) // and the first is known to have gone
	msgs[0].Data = []byte("another message\r\n")
	l.mailbox.Replace(msgs...)
	l.want(1, 0, None)
}

// What is no longer on the server makes no listing long.
func TestWhatIsGoneDoesNotCount(t *testing.T) {
	callMany(t, 3)
	l := newLab(t, mail(3))
	l.want(3, 0, None)
	l.mailbox.Replace(pop3test.Message{UID: "new", Data: []byte("new\r\n")})
	l.want(1, 0, None)
	var said asked
	l.options.Wire = said.wire
	l.want(0, 0, None)
	if !slices.Contains(said, "LIST") {
		t.Error("of one message the size was not asked for with the rest")
	}
}

// What goes by its header is named once in a run, and failures of it stay noted, by place and size, also where the server has UIDs by now.
func TestSizesOfWhatHasNoUIDDoNotWait(t *testing.T) {
	callMany(t, 3)
	l := newLab(t, mail(4)[:3], pop3test.Refuse("UIDL", "what?"))
	l.want(3, 0, None)
	l.mailbox.Add(mail(4)[3])
	l.server.SetFaults(pop3test.Fault{On: "TOP", UID: "u4", Ignore: true, Text: "-ERR [SYS/TEMP] later\r\n"})
	tops := l.commands("TOP")
	l.want(0, 0, Poison)
	if tops() != 4 {
		t.Errorf("%d headers were asked for, want each once", tops())
	}
	l.server.SetFaults(pop3test.Fault{On: "TOP", UID: "u4", Do: pop3test.FIN})
	l.want(0, 0, Poison)
	l.want(0, 0, Poison)
	l.want(0, 0, None) // it is left alone for a while
}

// What a server sends that nobody asked for, behind the answers to commands that were sent ahead, is found out at LIST. Sent one by one
// they are answered well.
func TestSizesBehindABrokenPipeline(t *testing.T) {
	callMany(t, 3)
	l := newLab(t, mail(4)[:3], pop3test.Fault{On: "UIDL", Batched: true, At: pop3test.End, Text: "+OK and more\r\n"})
	l.account.Pipelining = config.PipeliningOff
	l.want(3, 0, None)
	l.account.Pipelining = config.PipeliningAuto
	l.mailbox.Add(mail(4)[3])
	l.want(1, 0, None)
	l.holds(texts(t, mail(4))...)
}

// The sum may be larger than any message is believed to be, and nothing has no octets.
func TestSumWithoutSizesIsBelieved(t *testing.T) {
	callMany(t, 3)
	l := newLab(t, mail(3))
	l.want(3, 0, None)
	sum := int64(2 * believable)
	l.server.SetFaults(pop3test.Fault{On: "STAT", Ignore: true, Text: fmt.Sprintf("+OK 3 %d\r\n", sum)})
	if r := l.want(0, 0, None); r.Bytes != sum {
		t.Errorf("%d octets, want %d", r.Bytes, sum)
	}
	l.mailbox.Replace()
	if r := l.want(0, 0, None); r.Bytes != 0 {
		t.Errorf("%d octets in no message", r.Bytes)
	}
}

// Nobody reads a size of a message that stays where it is, but the sum is told: STAT's.
func TestSumWithoutSizes(t *testing.T) {
	callMany(t, 3)
	l := newLab(t, mail(3))
	with := l.want(3, 0, None)
	if without := l.want(0, 0, None); without.Bytes != with.Bytes || without.Total != 3 {
		t.Errorf("%d octets in %d messages, want %d in 3", without.Bytes, without.Total, with.Bytes)
	}
}
