package fetch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// A UID is any octets, and two of them are the same only when all octets are: whatever they look like, each message comes once, with one
// that comes later.
func TestOddUIDs(t *testing.T) {
	leavesNothing(t)
	c := newCrowd(t)
	defer c.wait()
	for name, uid := range map[string]func(i int) string{
		"all equal":               func(int) string { return "same" },
		"equal in pairs":          func(i int) string { return fmt.Sprint(i / 2) },
		"equal but for the case":  func(i int) string { return []string{"abc", "Abc", "ABC", "aBC", "abC", "AbC", "aBc"}[i] },
		"500 octets":              func(i int) string { return fmt.Sprintf("%0500d", i) },
		"500 octets, one differs": func(i int) string { return strings.Repeat("u", 499) + fmt.Sprint(i) },
		"8000 octets":             func(i int) string { return fmt.Sprintf("%08000d", i) },
		"blanks inside":           func(i int) string { return fmt.Sprintf("a  %d b", i) },
		"a blank behind":          func(i int) string { return "a" + strings.Repeat(" ", i) },
		"tabs":                    func(i int) string { return "a" + strings.Repeat("\t", i) + "b" },
		"control octets":          func(i int) string { return "\x1b[2J\x01\x7f" + string(rune('\x02'+i)) },
		"NUL":                     func(i int) string { return "a" + strings.Repeat("\x00", i) },
		"8-bit":                   func(i int) string { return "\xff\xfe" + string([]byte{0x80 + byte(i)}) },
		"broken UTF-8":            func(i int) string { return "\xc3\x28" + fmt.Sprint(i) },
		"paths": func(i int) string {
			return []string{"../../x", "..", "/etc/passwd", "new/x", "tmp", "a/../b", "x:2,S"}[i]
		},
		"like other lines":       func(i int) string { return []string{"+OK", "-ERR no", ".", "..", "1", "1 2", "#"}[i] },
		"like a second of a UID": func(i int) string { return []string{"u", "u", "u\x00#2", "u\x00#3", "u", "u#2", "u\x00#2\x00#2"}[i] },
	} {
		for mode, rule := range rules {
			c.run(name+"/"+mode, func(t *testing.T) {
				msgs := mail(7)
				for i := range msgs {
					msgs[i].UID = uid(i)
				}
				l := newLab(t, msgs[:6])
				l.account.Delete = rule
				if rule.Mode == config.DeleteNever {
					l.want(6, 0, None)
					l.want(0, 0, None)
					l.mailbox.Add(msgs[6])
					l.want(1, 0, None)
					l.want(0, 0, None)
					l.onServer(uids(msgs)...)
				} else {
					l.want(6, 6, None)
					l.onServer()
				}
				l.holds(texts(t, msgs[:len(l.contents())])...)
				if n := len(l.contents()); n < 6 {
					t.Errorf("%d messages are delivered", n)
				}
			})
		}
	}
}

// A listing that lacks some of its messages, once, neither loses nor doubles any.
func TestListingsThatLack(t *testing.T) {
	leavesNothing(t)
	half := func(n int, line string) string { return strings.Repeat(line, n%2) }
	empty := func(int, string) string { return "" }
	c := newCrowd(t)
	defer c.wait()
	for _, row := range []struct {
		name   string
		faults []pop3test.Fault
		end    Class // Poison where LIST has messages that UIDL lacks: they are left for another run
	}{
		{"half of UIDL", []pop3test.Fault{{On: "UIDL", Line: half}}, Poison},
		{"half of LIST", []pop3test.Fault{{On: "LIST", Line: half}}, None},
		{"half of both", []pop3test.Fault{{On: "UIDL", Line: half}, {On: "LIST", Line: half}}, None},
		{"all of UIDL", []pop3test.Fault{{On: "UIDL", Line: empty}}, Poison},
		{"all of both", []pop3test.Fault{{On: "UIDL", Line: empty}, {On: "LIST", Line: empty}}, None},
		{"half each of another", []pop3test.Fault{{On: "UIDL", Line: half}, {On: "LIST", Line: func(n int, line string) string { return strings.Repeat(line, 1-n%2) }}}, Poison},
		{"UIDL of another order", []pop3test.Fault{{On: "UIDL", Line: func(n int, _ string) string { return fmt.Sprintf("%d u%d", 7-n, 7-n) }}}, None},
	} {
		for mode, rule := range rules {
			c.run("the first time/"+row.name+"/"+mode, func(t *testing.T) {
				wrong{faults: row.faults, wire: plain, ends: []Class{row.end}}.endure(t, rule)
			})
			c.run("later/"+row.name+"/"+mode, func(t *testing.T) {
				msgs := mail(6)
				l := newLab(t, msgs)
				l.want(6, 0, None)
				l.account.Delete = rule
				l.server.SetFaults(row.faults...)
				if r := l.run(); r.Messages != 0 {
					t.Errorf("%d messages came again", r.Messages)
				}
				l.server.SetFaults()
				if r := l.run(); r.Messages != 0 || r.Err != nil {
					t.Errorf("%d messages came again: %v", r.Messages, r.Err)
				}
				l.holds(texts(t, msgs)...)
				if rule.Mode == config.DeleteFetched {
					l.onServer()
				} else {
					l.onServer(uids(msgs)...)
				}
			})
		}
	}
}

// UIDs that stand for other mail than before: what a run has not fetched it does not delete, whatever its UID.
func TestUIDsOfOtherMail(t *testing.T) {
	leavesNothing(t)
	for mode, rule := range rules {
		t.Run(mode, func(t *testing.T) {
			msgs, other := mail(3), mail(3)
			for i := range other {
				other[i].Data = []byte(strings.ReplaceAll(string(other[i].Data), "mail", "another mail"))
			}
			l := newLab(t, msgs)
			l.account.Delete = rule
			l.want(3, map[string]int{"delete": 3}[mode], None)
			l.mailbox.Replace(other...)
			for range 2 {
				if r := l.run(); r.Err != nil {
					t.Errorf("ended with %v", r.Err)
				}
			}
			l.hasEverywhere(msgs)
			l.hasEverywhere(other)
		})
	}
}

// A message under a UID that stood for another one is not forgotten when a run cannot get it, or may not.
func TestUIDOfOtherMailThatHasToWait(t *testing.T) {
	leavesNothing(t)
	for name, wait := range map[string]func(*lab){
		"beyond max_messages": func(l *lab) { l.account.MaxMessages = 1 },
		"beyond max_size":     func(l *lab) { l.account.MaxSize = 20 },
		"refused": func(l *lab) {
			l.server.SetFaults(pop3test.Fault{On: "RETR", UID: "x", Ignore: true, Text: "-ERR no\r\n"})
		},
		"cut off": func(l *lab) { l.server.SetFaults(pop3test.Fault{On: "RETR", UID: "x", Do: pop3test.FIN}) },
	} {
		for mode, rule := range rules {
			t.Run(name+"/"+mode, func(t *testing.T) {
				before, other := mail(1), mail(3)
				before[0].UID, other[2].UID = "x", "x"
				l := newLab(t, before)
				l.account.Delete = rule
				l.run()
				l.mailbox.Replace(mail(7)[6])
				l.run() // which notes that x is gone
				l.mailbox.Replace(other...)
				wait(l)
				l.run()
				l.server.SetFaults()
				l.account.Selection = config.Selection{}
				l.run()
				if !slices.Contains(l.contents(), texts(t, other[2:])[0]) {
					t.Error("the other message was never fetched")
				}
				l.want(0, 0, None)
			})
		}
	}
}

// What has come back may be another message of the same size: it is not deleted, however old the first one gets.
func TestUIDOfOtherMailOfTheSameSize(t *testing.T) {
	msgs := mail(15)
	same, other := msgs[0], msgs[7]
	other.UID = same.UID
	l := newLab(t, []pop3test.Message{same})
	l.account.Delete = config.Delete{Mode: config.DeleteAged, Age: 14 * 24 * time.Hour}
	l.want(1, 0, None)
	l.mailbox.Replace(msgs[1])
	l.want(1, 0, None)
	l.mailbox.Replace(other)
	l.want(0, 0, None)
	l.clock = 20 * 24 * time.Hour
	l.want(0, 0, None)
	l.onServer(other.UID)
}

// Nothing but the mail itself tells that a server has numbered all of it anew: all of it comes again, and nothing is lost.
func TestUIDsAllRenumbered(t *testing.T) {
	leavesNothing(t)
	for mode, rule := range rules {
		t.Run(mode, func(t *testing.T) {
			msgs := mail(4)
			l := newLab(t, msgs)
			l.want(4, 0, None)
			l.account.Delete = rule
			for i := range msgs {
				msgs[i].UID = fmt.Sprint("new-", i)
			}
			l.mailbox.Replace(msgs...)
			l.want(4, map[string]int{"delete": 4}[mode], None)
			l.want(0, 0, None)
			l.hasEverywhere(msgs)
		})
	}
}
