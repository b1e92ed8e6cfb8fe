package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// cat prints one message, and gives what was written of it.
func (l *lab) cat(m Wanted) (string, error) {
	l.t.Helper()
	if m.Shown == nil {
		m.Shown = func(uid []byte) string { return fmt.Sprintf("%q", uid) }
	}
	var got bytes.Buffer
	err := Cat(context.Background(), l.account, l.options, m, &got)
	return got.String(), err
}

func TestCat(t *testing.T) {
	msgs := append(mail(3), pop3test.Message{UID: "2", Data: []byte("Subject: its UID is a number\r\n\r\n..\r\n")})
	msgs = append(msgs, pop3test.Message{UID: "\xff#1", Data: []byte("odd\r\n")})
	for _, row := range []struct {
		word    string
		headers bool
		want    int // index
	}{
		{"u1", false, 0},
		{"1", false, 0},
		{"u3", false, 2},
		{"2", false, 3}, // a UID comes before a number
		{"#2", false, 1},
		{"#4", false, 3},
		{"5", false, 4},
		{`"\xff#1"`, false, 4},
		{"\xff#1", false, 4},
		{"2", true, 3},
	} {
		for _, caps := range [][]string{nil, {"UIDL", "USER", "TOP"}} {
			l := newLab(t, msgs)
			l.account.Delete = config.Delete{Mode: config.DeleteFetched}
			l.server.Caps = caps
			want := texts(t, msgs)[row.want]
			if row.headers {
				header, _, _ := strings.Cut(want, "\n\n")
				want = header + "\n\n"
			}
			if got, err := l.cat(Wanted{Word: row.word, Headers: row.headers}); got != want || err != nil {
				t.Errorf("%s: %q, %v; want %q", row.word, got, err, want)
			}
			l.onServer(uids(msgs)...)
			for _, path := range []string{l.options.StateDir, l.account.Maildir} {
				if _, err := os.Stat(path); !os.IsNotExist(err) {
					t.Errorf("%s: made %s (%v)", row.word, path, err)
				}
			}
		}
	}
}

// Half a message is never taken for a whole one, in whatever way it is cut.
func TestCatTellsOfHalfAMessage(t *testing.T) {
	for _, row := range []struct {
		name    string
		fault   pop3test.Fault
		headers bool
		class   Class
		says    string
	}{
		{"cut", pop3test.Fault{On: "RETR", At: 30, Do: pop3test.FIN}, false, Temporary, "cut off after "},
		{"cut before the final dot", pop3test.Fault{On: "RETR", At: -3, Do: pop3test.FIN}, false, Temporary, " of 35 octets"},
		{"cut header", pop3test.Fault{On: "TOP", At: 12, Do: pop3test.FIN}, true, Temporary, "cut off after "},
		{"reset before it", pop3test.Fault{On: "RETR", Do: pop3test.RST}, false, Temporary, "RETR 2"},
		{"stall", pop3test.Fault{On: "RETR", At: 30, Do: pop3test.Stall}, false, Temporary, "cut off after "},
		{"stump", pop3test.Fault{On: "RETR", Stump: 4}, false, Poison, "the server sent 6 octets of a message that is to have 35"},
		{"an end that was none", pop3test.Fault{On: "RETR", At: pop3test.End, Text: "more of it\r\n"}, false, Protocol, "cut off after 35 of 35"},
		{"refused", pop3test.Refuse("RETR", "no"), false, Protocol, "the server refused RETR 2"},
		{"no TOP", pop3test.Refuse("TOP", "what?"), true, Protocol, "the server refused TOP 2 0"},
		{"listing cut", pop3test.Fault{On: "UIDL", At: -3, Do: pop3test.FIN}, false, Temporary, "UIDL"},
		{"in use", pop3test.Refuse("PASS", "[IN-USE] locked"), false, Temporary, "locked"},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, []pop3test.Message{mail(1)[0], {UID: "u2", Data: []byte("Subject: 2\r\n\r\nwhat it has to say.\r\n")}}, row.fault)
			l.server.Caps = []string{"UIDL", "USER", "TOP"}
			l.account.Timeout = config.Duration(300 * time.Millisecond)
			got, err := l.cat(Wanted{Word: "u2", Headers: row.headers})
			if ClassOf(err) != row.class || !strings.Contains(err.Error(), row.says) {
				t.Errorf("class %d, %v (%q); want class %d, %q", ClassOf(err), err, got, row.class, row.says)
			}
		})
	}
}

func TestCatOfNoMessage(t *testing.T) {
	l := newLab(t, mail(2))
	for _, word := range []string{"u9", "0", "3", "#u1", "#", "", "-1", "01x"} {
		_, err := l.cat(Wanted{Word: word})
		if e, ok := errors.AsType[*Error](err); !ok || e.Class != Poison || !strings.Contains(e.Hint, "haulmail list") {
			t.Errorf("%q: %v", word, err)
		}
	}
}

// failingWriter fails after so many octets.
type failingWriter struct{ room int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.room -= len(p); w.room < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// A reader that has gone ends it at once, however much is still to come.
func TestCatStopsWithItsReader(t *testing.T) {
	l := newLab(t, []pop3test.Message{{UID: "big", Data: bytes.Repeat([]byte("a line of much mail\r\n"), 1<<10), Times: 1 << 16}})
	err := Cat(context.Background(), l.account, l.options, Wanted{Word: "big", Shown: func([]byte) string { return "" }}, &failingWriter{room: 1 << 20})
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}
