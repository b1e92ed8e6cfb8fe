package fetch

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/seen"
)

// The two rules of deletion that the keys of selection have to live with.
var deletions = []struct {
	name string
	rule config.Delete
}{
	{"keep", config.Delete{}},
	{"delete", config.Delete{Mode: config.DeleteFetched}},
}

// eachDeletion runs a test with each of them; gone is how many of n fetched messages the server has deleted.
func eachDeletion(t *testing.T, test func(t *testing.T, rule config.Delete, gone func(n int) int)) {
	for _, row := range deletions {
		t.Run(row.name, func(t *testing.T) {
			test(t, row.rule, func(n int) int {
				if row.rule.Mode == config.DeleteNever {
					return 0
				}
				return n
			})
		})
	}
}

// untouched runs once, and checks that the state file was not written to, and nothing said.
func (l *lab) untouched() {
	l.t.Helper()
	path := filepath.Join(l.options.StateDir, "work.db")
	before, err := os.ReadFile(path)
	check(l.t, err)
	l.want(0, 0, None)
	after, err := os.ReadFile(path)
	check(l.t, err)
	if string(before) != string(after) {
		l.t.Error("a run without anything new has written to the state")
	}
	if said := l.said() + l.skipped(); said != "" {
		l.t.Errorf("a run without anything new says %q", said)
	}
}

// skipped gives the messages that the last run told of as left alone, and the reason of each.
func (l *lab) skipped() string {
	var all []string
	for _, e := range l.events {
		if s, ok := e.(Skipped); ok {
			all = append(all, fmt.Sprintf("%s %s", s.UID, s.Reason))
		}
	}
	return strings.Join(all, ", ")
}

// commands counts the commands of a kind that the server gets in the runs from now on.
func (l *lab) commands(verb string) func() int {
	n := 0
	l.options.Wire = func(_ string, sent bool, line string) {
		if sent && strings.HasPrefix(line, verb) {
			n++
		}
	}
	return func() int { return n }
}

func TestMaxSize(t *testing.T) {
	eachDeletion(t, func(t *testing.T, rule config.Delete, gone func(int) int) {
		msgs := mail(4)
		msgs[1].Data = []byte("Subject: 2\r\n\r\n" + strings.Repeat("large\r\n", 100))
		l := newLab(t, msgs)
		l.account.Delete, l.account.MaxSize = rule, 500
		l.want(3, gone(3), None)
		if want := `warning: message 2 (UID "u2", 714 octets) is larger than max_size (500B), and stays on the server`; l.said() != want {
			t.Errorf("said %q, want %q", l.said(), want)
		}
		if told := l.skipped(); told != "u2 too_large" {
			t.Errorf("told of %q as left alone", told)
		}
		l.untouched()

		l.mailbox.Add(pop3test.Message{UID: "u9", Data: []byte("Subject: 9\r\n\r\n" + strings.Repeat("large\r\n", 100))})
		l.want(0, 0, None)
		if said := l.said(); !strings.Contains(said, `"u9"`) || strings.Contains(said, `"u2"`) {
			t.Errorf("said %q, want a word on u9 alone", said)
		}
		l.account.MaxSize = 0
		l.want(2, gone(2), None)
		l.untouched()
	})
}

// Of very many large messages a run tells the first, and how many more there are; and the next run nothing.
func TestManyTooLarge(t *testing.T) {
	l := newLab(t, mail(40))
	l.account.MaxSize = 1
	l.want(0, 0, None)
	said := l.said()
	if strings.Count(said, "\n") != mostTold || !strings.HasSuffix(said, fmt.Sprintf("%d more messages are larger than max_size (1B), and stay on the server", 40-mostTold)) {
		t.Errorf("said %q", said)
	}
	if _, err := os.Stat(l.account.Maildir); !os.IsNotExist(err) {
		t.Errorf("there is a Maildir for nothing (%v)", err)
	}
	l.untouched()
}

// A message that is small in LIST and has no end is cut off where max_size is passed: it is not delivered, and blocks none behind it.
func TestMaxSizeCutsALiar(t *testing.T) {
	eachDeletion(t, func(t *testing.T, rule config.Delete, gone func(int) int) {
		msgs := mail(5)
		msgs[2].Data, msgs[2].Times, msgs[2].ListSize = []byte(strings.Repeat("more\r\n", 1000)), 10_000, 80
		l := newLab(t, msgs)
		l.account.Delete, l.account.MaxSize = rule, 1_000_000
		r := l.want(4, gone(4), Poison)
		if r.Failed != 1 || !strings.Contains(l.said(), "1062500") {
			t.Errorf("%d failed, said %q", r.Failed, l.said())
		}
		l.holds(texts(t, slices.Delete(slices.Clone(msgs), 2, 3))...)
	})
}

func TestMaxMessages(t *testing.T) {
	eachDeletion(t, func(t *testing.T, rule config.Delete, gone func(int) int) {
		msgs := mail(5)
		l := newLab(t, msgs)
		l.account.Delete, l.account.MaxMessages = rule, 2
		if r := l.want(2, gone(2), None); r.Later != 3 {
			t.Errorf("%d are left for the next run", r.Later)
		}
		l.holds(texts(t, msgs[:2])...)
		l.want(2, gone(2), None)
		l.want(1, gone(1), None)
		l.holds(texts(t, msgs)...)
		l.untouched()
	})
}

func TestNewestFirst(t *testing.T) {
	eachDeletion(t, func(t *testing.T, rule config.Delete, gone func(int) int) {
		msgs := mail(5)
		l := newLab(t, msgs)
		l.account.Delete, l.account.MaxMessages, l.account.Order = rule, 2, config.NewestFirst
		l.want(2, gone(2), None)
		l.holds(texts(t, msgs[3:])...)
		more := pop3test.Message{UID: "later", Data: []byte("later\r\n")}
		l.mailbox.Add(more)
		l.want(2, gone(2), None)
		l.holds(texts(t, append(slices.Clone(msgs[2:]), more))...)
		l.want(2, gone(2), None)
		l.holds(texts(t, append(msgs, more))...)
	})
}

// The order changes nothing of what is true of a run: several batches, a window of commands ahead, a message that is poison, a server
// whose answers are in doubt, and a connection that breaks.
func TestNewestFirstThroughTrouble(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault pop3test.Fault
		class Class
		had   int
	}{
		{"none", pop3test.Fault{On: "none"}, None, 1200},
		{"a refused message", pop3test.Fault{On: "RETR", UID: "u700", Ignore: true, Text: "-ERR lost\r\n"}, Poison, 1199},
		{"a message that ends the session", pop3test.Fault{On: "RETR", UID: "u700", Do: pop3test.FIN, At: 20}, Poison, 1199},
		{"a stump", pop3test.Fault{On: "RETR", UID: "u700", Stump: 20, Limit: 1}, None, 1200},
		{"a dropped answer", pop3test.Fault{On: "RETR", UID: "u700", Ignore: true, Limit: 1}, None, 1200},
		{"one by one", pop3test.Fault{Batched: true, On: "RETR", Do: pop3test.FIN}, None, 1200},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			msgs := mail(1200)
			l := newLab(t, msgs, row.fault)
			l.account.Order = config.NewestFirst
			l.account.Timeout = config.Duration(time.Second)
			l.account.Delete = config.Delete{Mode: config.DeleteFetched}
			r := l.run()
			if r.Messages != row.had || ClassOf(r.Err) != row.class {
				t.Fatalf("delivered %d, %v\n%s", r.Messages, r.Err, l.said())
			}
			if row.had < len(msgs) {
				msgs = slices.Delete(msgs, 699, 700)
			}
			l.holds(texts(t, msgs)...)
		})
	}
}

func TestMaxBytes(t *testing.T) {
	eachDeletion(t, func(t *testing.T, rule config.Delete, gone func(int) int) {
		msgs := mail(4)
		msgs[2].Data = []byte("Subject: 3\r\n\r\n" + strings.Repeat("large\r\n", 100))
		l := newLab(t, msgs)
		l.account.Delete, l.account.MaxBytes = rule, 100
		l.want(2, gone(2), None)
		l.want(1, gone(1), None) // alone, for it is larger than a run may fetch
		l.want(1, gone(1), None)
		l.holds(texts(t, msgs)...)
		l.untouched()
	})
}

// What earlier sessions of a run have fetched counts: a run that has to connect again takes no second share.
func TestBoundsHoldOverSessions(t *testing.T) {
	for _, s := range []config.Selection{{MaxMessages: 6}, {MaxBytes: 200}} {
		msgs := mail(20)
		for i := range msgs {
			msgs[i].Data = fmt.Appendf(nil, "%030d\r\n", i)
		}
		l := newLab(t, msgs, pop3test.Fault{On: "RETR", UID: "u3", Do: pop3test.FIN, At: 20})
		l.account.Selection, l.account.Pipelining = s, config.PipeliningOff
		l.want(6, 0, Poison)
		l.holds(texts(t, append(slices.Clone(msgs[:2]), msgs[3:7]...))...)
	}
}

// A message that fails again and again takes no room from the others.
func TestMaxMessagesIsNotBlocked(t *testing.T) {
	msgs := mail(4)
	l := newLab(t, msgs, pop3test.Fault{On: "RETR", UID: "u1", Ignore: true, Text: "-ERR lost\r\n"})
	l.account.MaxMessages = 1
	l.want(0, 0, Poison)
	for range 3 {
		l.want(1, 0, None)
	}
	l.want(0, 0, Poison)
	l.holds(texts(t, msgs[1:])...)
}

// Headers alone are fetched, once, and known as such: their messages are never deleted, whatever is set later.
func TestHeadersOnly(t *testing.T) {
	msgs := mail(1200)
	l := newLab(t, msgs)
	l.account.HeadersOnly, l.account.MaxSize = true, 1
	tops := l.commands("TOP")
	l.want(1200, 0, None)
	if tops() != 1200 {
		t.Errorf("%d headers were asked for: one is doubted for its message's size", tops())
	}
	var want []string
	for i := range msgs {
		want = append(want, fmt.Sprintf("Subject: %d\n\n", i+1))
	}
	l.holds(want...)
	if said := l.said(); said != "" {
		t.Errorf("said %q", said)
	}
	l.untouched()
	l.account.HeadersOnly, l.account.Delete = false, config.Delete{Mode: config.DeleteFetched}
	l.want(0, 0, None)
	l.onServer(uids(msgs)...)
	store := l.state()
	defer store.Close()
	check(t, store.Each(func(e seen.Entry) error {
		if e.ListSize != seen.NoSize {
			t.Errorf("%s is known with the size %d of the whole message", e.UID, e.ListSize)
		}
		return nil
	}))
}

func TestHeadersOnlyWithoutTop(t *testing.T) {
	refused := pop3test.Fault{On: "TOP", Ignore: true, Text: "-ERR unknown command\r\n"}
	l := newLab(t, mail(3), refused)
	l.server.Caps = []string{"UIDL", "USER", "PIPELINING"}
	l.account.HeadersOnly = true
	r := l.want(0, 0, Unavailable)
	if e := errOf(t, r); !strings.Contains(e.Error(), "no TOP") || !strings.Contains(e.Hint, "headers_only = false") {
		t.Errorf("ended with %v, hint %q", e, e.Hint)
	}
	// What may pass is the message's, and so is every refusal of a server that announces TOP.
	l = newLab(t, mail(3), pop3test.Fault{On: "TOP", UID: "u2", Ignore: true, Text: "-ERR [SYS/TEMP] try later\r\n"})
	l.server.Caps = []string{"UIDL", "USER", "RESP-CODES"}
	l.account.HeadersOnly = true
	l.want(2, 0, Poison)
	l = newLab(t, mail(3), pop3test.Fault{On: "TOP", UID: "u2", Ignore: true, Text: "-ERR no such message\r\n"})
	l.account.HeadersOnly = true
	l.want(2, 0, Poison)
}

// A server that does not say whether it has TOP has it once it has answered one: a refusal is the message's then, wherever it stands,
// and holds up no other.
func TestHeaderThatIsRefused(t *testing.T) {
	for _, uid := range []string{"u1", "u2", "u3"} {
		l := newLab(t, mail(3), pop3test.Fault{On: "TOP", UID: uid, Ignore: true, Text: "-ERR cannot read it\r\n"})
		l.server.Caps = []string{"UIDL", "USER", "PIPELINING"}
		l.account.HeadersOnly = true
		l.want(2, 0, Poison)
		l.want(0, 0, Poison)
	}
	l := newLab(t, mail(200), pop3test.Fault{On: "TOP", Ignore: true, Text: "-ERR unknown command\r\n"})
	l.server.Caps = []string{"UIDL", "USER"}
	l.account.HeadersOnly = true
	tops := l.commands("TOP")
	l.want(0, 0, Unavailable)
	if tops() != mostTopless {
		t.Errorf("%d headers were asked for of a server without TOP", tops())
	}
}

// A dry run tells what each message is left for, and notes nothing.
func TestDryRunTellsTheSelection(t *testing.T) {
	msgs := []pop3test.Message{dated("a", 1), dated("b", 2), dated("old", 40), dated("large", 3)}
	msgs[3].Data = append(msgs[3].Data, strings.Repeat("large\r\n", 100)...)
	l := newLab(t, msgs)
	l.options.DryRun, l.options.Headers = true, true
	tops := l.commands("TOP")
	l.account.Selection = config.Selection{
		MaxMessages: 1, MaxSize: 600, Since: config.Duration(30 * 24 * time.Hour), Order: config.NewestFirst,
	}
	l.want(0, 0, None)
	want := "skip large: larger than max_size (600B)\nskip old: older than since (30d)\nget b: new\nskip a: left for the next run"
	if l.said() != want {
		t.Errorf("said\n%s\nwant\n%s", l.said(), want)
	}
	for _, e := range l.events {
		if c, ok := e.(Chosen); ok && string(c.UID) != "a" && time.Since(c.Reached) < 23*time.Hour {
			t.Errorf("%s reached the mailbox at %v", c.UID, c.Reached)
		}
	}
	if tops() != 6 { // to find out which is too old, and what the three say that are not left for the next run
		t.Errorf("%d headers were asked for", tops())
	}
	if _, err := os.Stat(filepath.Join(l.options.StateDir, "work.db")); !os.IsNotExist(err) {
		t.Errorf("a dry run has made a state (%v)", err)
	}
}
