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

// dated makes a message that reached the mailbox so many days before now.
func dated(uid string, days int) pop3test.Message {
	at := time.Now().Add(-time.Duration(days) * 24 * time.Hour)
	return pop3test.Message{UID: uid, Data: fmt.Appendf(nil,
		"Received: from a by b;\r\n\t%s\r\nReceived: from c by a; Mon, 1 Jan 2001 00:00:00 +0000\r\nDate: Mon, 1 Jan 2001 00:00:00 +0000\r\n\r\n%s\r\n",
		at.Format(time.RFC1123Z), uid)}
}

func TestSince(t *testing.T) {
	eachDeletion(t, func(t *testing.T, rule config.Delete, gone func(int) int) {
		msgs := []pop3test.Message{
			dated("young", 1), dated("old", 40), dated("older", 400),
			{UID: "unsent", Data: []byte("Date: Mon, 1 Jan 2001 00:00:00 +0000\r\n\r\nno Received\r\n")},
			{UID: "timeless", Data: []byte("Received: one day\r\nDate: soon\r\n\r\nnobody knows\r\n")},
		}
		l := newLab(t, msgs)
		l.account.Delete, l.account.Since = rule, config.Duration(30*24*time.Hour)
		tops := l.commands("TOP")
		l.want(2, gone(2), None)
		l.holds(texts(t, []pop3test.Message{msgs[0], msgs[4]})...)
		l.untouched()
		if tops() != 5 {
			t.Errorf("%d headers were asked for, want each once", tops())
		}
		// What is known to be old is still known when since reaches further back.
		l.account.Since = config.Duration(60 * 24 * time.Hour)
		l.want(1, gone(1), None)
		if tops() != 5 {
			t.Errorf("%d headers were asked for, want each once", tops())
		}
		l.account.Since = 0
		l.want(2, gone(2), None)
		l.holds(texts(t, msgs)...)
	})
}

// With a bound no more headers are asked for than it takes.
func TestSinceWithinBounds(t *testing.T) {
	var msgs []pop3test.Message
	for i := range 3000 {
		msgs = append(msgs, dated(fmt.Sprint("m", i), 60-i/50)) // the last 1450 are young enough
	}
	for _, row := range []struct {
		name string
		s    config.Selection
		want []pop3test.Message
		most int // headers
	}{
		{"oldest", config.Selection{MaxMessages: 10}, msgs[1550:1560], 2048},
		{"newest", config.Selection{MaxMessages: 10, Order: config.NewestFirst}, msgs[2990:], headersAtOnce},
		{"newest, octets", config.Selection{MaxBytes: 1, Order: config.NewestFirst}, msgs[2999:], headersAtOnce},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, msgs)
			l.account.Selection = row.s
			l.account.Since = config.Duration(29*24*time.Hour + time.Hour)
			tops := l.commands("TOP")
			l.want(len(row.want), 0, None)
			l.holds(texts(t, row.want)...)
			if tops() > row.most {
				t.Errorf("%d headers were asked for, want at most %d", tops(), row.most)
			}
		})
	}
}

// A header that cannot be had is no reason to leave mail; one that ends the session is noted, and blocks no other message.
func TestSinceWithHeadersThatCannotBeHad(t *testing.T) {
	long := "X: " + strings.Repeat("x", 1000) + "\r\n"
	for _, row := range []struct {
		name   string
		fault  pop3test.Fault
		length int // of the header of "b", in long lines
		class  Class
		first  []string
		second []string
		says   string
	}{
		{"one refused", pop3test.Fault{On: "TOP", UID: "b", Ignore: true, Text: "-ERR no\r\n"}, 0, None, []string{"a", "b"}, nil, ""},
		{"all refused", pop3test.Fault{On: "TOP", Ignore: true, Text: "-ERR no\r\n"}, 0, None, []string{"a", "b", "old"}, nil, "cannot be told"},
		{"one refused for the moment", pop3test.Fault{On: "TOP", UID: "b", Ignore: true, Text: "-ERR [SYS/TEMP] no\r\n", Limit: 1}, 0, Poison, []string{"a"}, []string{"b"}, "[SYS/TEMP]"},
		{"all refused for the moment", pop3test.Fault{On: "TOP", Ignore: true, Text: "-ERR [SYS/TEMP] no\r\n", Limit: 3}, 0, Temporary, nil, []string{"a", "b"}, ""},
		{"cut off", pop3test.Fault{On: "TOP", UID: "b", Do: pop3test.FIN, At: 10}, 0, Poison, []string{"a"}, []string{"b"}, "one message at a time"},
		{"cut off ahead", pop3test.Fault{On: "TOP", Batched: true, Do: pop3test.FIN}, 0, None, []string{"a", "b"}, nil, "one message at a time"},
		{"without an end", pop3test.Fault{On: "none"}, 2000, Poison, []string{"a"}, []string{"b"}, "UID \"b\""},
	} {
		t.Run(row.name, func(t *testing.T) {
			msgs := []pop3test.Message{dated("a", 1), dated("b", 1), dated("old", 40)}
			msgs[1].Data = append([]byte(strings.Repeat(long, row.length)), msgs[1].Data...)
			l := newLab(t, msgs, row.fault)
			l.account.Since = config.Duration(30 * 24 * time.Hour)
			l.want(len(row.first), 0, row.class)
			if !strings.Contains(l.said(), row.says) {
				t.Errorf("said %q, want %q in it", l.said(), row.says)
			}
			if slow := "one message at a time"; row.says != slow && strings.Contains(l.said(), slow) {
				t.Errorf("said %q: what is sent ahead is not to blame", l.said())
			}
			l.want(len(row.second), 0, None)
			var want []pop3test.Message
			for _, m := range msgs {
				if slices.Contains(append(row.first, row.second...), m.UID) {
					want = append(want, m)
				}
			}
			l.holds(texts(t, want)...)
		})
	}
}

// The refusal of one header, the only one asked for, says nothing about the server.
func TestSinceWithOneHeaderRefused(t *testing.T) {
	l := newLab(t, []pop3test.Message{dated("a", 40)}, pop3test.Refuse("TOP", "no"))
	l.account.Since = config.Duration(30 * 24 * time.Hour)
	l.want(1, 0, None)
	if said := l.said(); strings.Contains(said, "warning") {
		t.Errorf("said %q", said)
	}
}

// A message that failed for want of its header is asked for it again, and not fetched if it is too old.
func TestSinceOfWhatFailedBefore(t *testing.T) {
	msgs := []pop3test.Message{dated("a", 1), dated("old", 40), dated("young", 1)}
	refusal := pop3test.Refuse("TOP", "[SYS/TEMP] later")
	first, second := refusal, refusal
	first.UID, second.UID = "old", "young"
	l := newLab(t, msgs, first, second)
	l.account.Since = config.Duration(30 * 24 * time.Hour)
	l.want(1, 0, Poison)
	l.want(0, 0, Poison)
	l.clock = time.Hour
	l.server.SetFaults()
	l.want(1, 0, None)
	l.holds(texts(t, []pop3test.Message{msgs[0], msgs[2]})...)
	failed, err := Failures(t.Context(), l.account, l.options)
	if err != nil || len(failed) > 0 {
		t.Errorf("failed are %v (%v)", failed, err)
	}
}

// A server that gives some headers and then no more for now is waited for; each run gets further, and what is too old stays where it is.
func TestSinceWithALimitOfHeaders(t *testing.T) {
	var msgs []pop3test.Message
	for i := range 2000 {
		msgs = append(msgs, dated(fmt.Sprint("m", i), 40-i/60)) // the last 1400 are young enough
	}
	l := newLab(t, msgs)
	l.account.Since = config.Duration(30*24*time.Hour + time.Hour)
	limit := func(from int) {
		var faults []pop3test.Fault
		for i := from; i < len(msgs); i++ {
			faults = append(faults, pop3test.Fault{On: "TOP", Msg: i + 1, Ignore: true, Text: "-ERR [SYS/TEMP] enough\r\n"})
		}
		l.server.SetFaults(faults...)
	}
	for _, from := range []int{300, 700} {
		limit(from)
		l.want(0, 0, Temporary)
	}
	l.server.SetFaults()
	l.want(1400, 0, None)
	l.holds(texts(t, msgs[600:])...)
}

// A list whose headers break the connection goes on with the next one, and shows no message twice.
func TestListWithHeadersGoesOn(t *testing.T) {
	msgs := mail(1200)
	l := newLab(t, msgs, pop3test.Fault{On: "TOP", UID: "u700", Batched: true, Do: pop3test.FIN})
	l.options.DryRun, l.options.Headers = true, true
	l.want(0, 0, None)
	var listed []string
	for _, e := range l.events {
		if c, ok := e.(Chosen); ok {
			listed = append(listed, string(c.UID))
			if c.Header.Subject != strings.TrimPrefix(string(c.UID), "u") {
				t.Errorf("%s has the subject %q", c.UID, c.Header.Subject)
			}
		}
	}
	if !slices.Equal(listed, uids(msgs)) {
		t.Errorf("listed are %d messages: %.300q", len(listed), listed)
	}
}
