package fetch

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/header"
	"haulmail/fetch/pop3/pop3test"
)

// A run that is asked for them tells the facts of each message, and its digest is that of the file.
func TestFacts(t *testing.T) {
	long := "Subject: long\r\nX: " + strings.Repeat("x", header.MaxBytes) + "\r\nFrom: far behind\r\n\r\n" + strings.Repeat("body\r\n", 50_000)
	msgs := []pop3test.Message{
		{UID: "u1", Data: []byte("Message-ID: <1@example.org>\r\nFrom: =?gbk?B?suLK1A==?= <a@example.org>\r\nSubject: one\r\nDate: Mon, 23 Nov 2026 10:00:00 +0100\r\n\r\n.dot\r\n")},
		{UID: "u2", Data: []byte(long)},
		{UID: "u3", Data: []byte("no header at all")},
	}
	want := map[string]header.Facts{
		"u1": {MessageID: "1@example.org", From: "测试 <a@example.org>", Subject: "one", Date: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)},
		"u2": {Subject: "long"},
		"u3": {},
	}
	l := newLab(t, msgs)
	l.options.Facts = true
	l.want(3, 0, None)
	told := 0
	for _, e := range l.events {
		d, ok := e.(Delivered)
		if !ok {
			continue
		}
		told++
		content, err := os.ReadFile(d.Path())
		check(t, err)
		if sum := fmt.Sprintf("sha256:%x", sha256.Sum256(content)); d.Facts.Hash != sum {
			t.Errorf("%s: digest %s, want %s", d.UID, d.Facts.Hash, sum)
		}
		got := d.Facts.Facts
		got.Date = got.Date.UTC()
		if got != want[string(d.UID)] {
			t.Errorf("%s: %+v, want %+v", d.UID, got, want[string(d.UID)])
		}
	}
	if told != 3 {
		t.Errorf("%d messages told of", told)
	}
}

func TestNoFactsUnlessAsked(t *testing.T) {
	l := newLab(t, mail(1))
	l.want(1, 0, None)
	for _, e := range l.events {
		if d, ok := e.(Delivered); ok && d.Facts != nil {
			t.Errorf("told %+v", d.Facts)
		}
	}
}

// fates gives what a run told of messages that were deleted, skipped or delivered, in the order of the events.
func (l *lab) fates() string {
	var all []string
	for _, e := range l.events {
		switch e := e.(type) {
		case Delivered:
			all = append(all, "message "+string(e.UID))
		case Skipped:
			all = append(all, fmt.Sprintf("skip %s %s", e.UID, e.Reason))
		case Removed:
			all = append(all, "delete "+string(e.UID))
		}
	}
	return strings.Join(all, ", ")
}

// What becomes of each message is told once, and that it is deleted only when the server has confirmed it.
func TestFatesOfMessages(t *testing.T) {
	refused := pop3test.Fault{On: "RETR", UID: "u2", Ignore: true, Text: "-ERR damaged\r\n"}
	for _, row := range []struct {
		name     string
		faults   []pop3test.Fault
		class    Class
		first    string
		messages int
	}{
		{"all well", nil, None, "message u1, message u2, message u3, delete u1, delete u2, delete u3", 3},
		{"one refused", []pop3test.Fault{refused}, Poison, "skip u2 failed, message u1, message u3, delete u1, delete u3", 2},
		{
			"one DELE refused",
			[]pop3test.Fault{{On: "DELE", UID: "u2", Ignore: true, Text: "-ERR not this one\r\n"}},
			None, "message u1, message u2, message u3, delete u1, delete u3", 3,
		},
		{
			"no answer to QUIT",
			[]pop3test.Fault{{On: "QUIT", Ignore: true, Do: pop3test.FIN}},
			None, "message u1, message u2, message u3", 3,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, mail(3), row.faults...)
			l.account.Delete = config.Delete{Mode: config.DeleteFetched}
			l.want(row.messages, strings.Count(row.first, "delete"), row.class)
			if got := sortFailed(l.fates()); got != row.first {
				t.Errorf("told %s\nwant %s", got, row.first)
			}
		})
	}
}

// sortFailed puts a failure first: when it is told depends on the batches.
func sortFailed(fates string) string {
	const failed = "skip u2 failed"
	if !strings.Contains(fates, failed) {
		return fates
	}
	rest := strings.ReplaceAll(strings.ReplaceAll(fates, ", "+failed, ""), failed+", ", "")
	return failed + ", " + rest
}

// What is left because the account wants it so is told of on demand only; what is left for another reason always.
func TestSkipsThatAreTold(t *testing.T) {
	l := newLab(t, mail(3), pop3test.Fault{On: "RETR", UID: "u2", Ignore: true, Text: "-ERR damaged\r\n"})
	l.want(2, 0, Poison)
	l.want(0, 0, Poison)
	l.want(0, 0, None) // u2 is left alone for a while
	if got, want := l.fates(), "skip u2 waiting"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	l.options.EachSkip = true
	l.want(0, 0, None)
	if got, want := l.fates(), "skip u1 seen, skip u2 waiting, skip u3 seen"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	l.options.DryRun = true
	l.want(0, 0, None)
	if got := l.fates(); got != "" {
		t.Errorf("a dry run told %s", got)
	}
}

func TestEveryReasonHasAWord(t *testing.T) {
	words := map[string]bool{}
	for r := ReasonNew; r <= ReasonNextRun; r++ {
		if word := r.String(); word == "" || words[word] {
			t.Errorf("reason %d has the word %q", r, word)
		}
		words[r.String()] = true
	}
}
