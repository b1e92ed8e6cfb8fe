package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"haulmail/fetch"
)

// newTerminal gives a pseudo-terminal of 80 columns, and a function that closes it and gives all that was written to it.
func newTerminal(t *testing.T) (*os.File, func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	read := make(chan struct{})
	go func() {
		_, _ = all.ReadFrom(master) // ends with EIO when the last writer has closed
		close(read)
	}()
	return tty, func() string {
		tty.Close()
		<-read
		master.Close()
		return all.String()
	}
}

// shown gives the lines that a terminal shows in the end, by the few movements that live progress makes use of. Going up keeps
// the column, as a terminal does.
func shown(t *testing.T, written string) []string {
	t.Helper()
	lines := [][]rune{nil}
	row, col := 0, 0
	for written != "" {
		switch {
		case strings.HasPrefix(written, "\x1b["):
			up, rest, ok := strings.Cut(written[2:], "A")
			n, err := strconv.Atoi(up)
			if !ok || err != nil || !strings.HasPrefix(rest, "\x1b[J") || n > row {
				t.Fatalf("a movement that this terminal does not know, in row %d: %q", row, written[:min(40, len(written))])
			}
			row -= n
			lines = lines[:row+1]
			lines[row] = lines[row][:min(col, len(lines[row]))]
			written = rest[len("\x1b[J"):]
		case written[0] == '\n':
			row, col, written = row+1, 0, written[1:]
			lines = append(lines, nil)
		case written[0] == '\r':
			col, written = 0, written[1:]
		default:
			r, n := utf8.DecodeRuneInString(written)
			if col == len(lines[row]) {
				lines[row] = append(lines[row], r)
			}
			lines[row][col] = r
			col, written = col+1, written[n:]
		}
	}
	var text []string
	for _, line := range lines[:row] {
		text = append(text, string(line))
	}
	return append(text, strings.Fields(string(lines[row]))...)
}

// A terminal shows a ^C where the cursor stands, and the line that follows covers all of it.
func TestProgressHidesAnEchoedKey(t *testing.T) {
	tty, written := newTerminal(t)
	r := New(Options{Out: NewOutput(tty), Err: tty, Live: true, Accounts: []Account{{Name: "work"}}})
	r.Event(fetch.Progress{Account: "work", Messages: 1, Bytes: 10, Of: 2, OfBytes: 20})
	time.Sleep(2 * refreshEvery) // the drawing ends
	if _, err := tty.WriteString("^C"); err != nil {
		t.Fatal(err)
	}
	r.Note("stopping")
	r.Finish(nil, 130)
	if got := strings.Join(shown(t, written()), "\n"); got != "haulmail: stopping" {
		t.Errorf("the terminal shows\n%s", got)
	}
}

// Bars come and go, and in the end the terminal shows every line that was printed, in order, and nothing of the bars.
func TestProgressIsErasedAndLosesNoLine(t *testing.T) {
	tty, written := newTerminal(t)
	r := New(Options{
		Out: NewOutput(tty), Err: tty, OutTTY: true, Live: true, Home: "/home/me",
		Accounts: []Account{{Name: "work"}, {Name: "home"}, {Name: "third"}},
	})
	progress := func(account string, n int) {
		r.Event(fetch.Progress{Account: account, Messages: n, Bytes: int64(n) << 20, Of: 12, OfBytes: 12 << 20})
	}
	want := []string{}
	for n := range 12 {
		progress("work", n)
		progress("home", n)
		r.Event(fetch.Warning{Account: "work", Text: fmt.Sprint("number ", n)})
		want = append(want, fmt.Sprint("haulmail: work: warning: number ", n))
		time.Sleep(refreshEvery / 8)
	}
	r.Event(fetch.Done{Result: fetch.Result{Account: "work", Maildir: "/home/me/Mail/work", Messages: 12, Received: 12 << 20}})
	progress("home", 12)
	r.Event(fetch.Done{Result: fetch.Result{Account: "home", Err: &fetch.Error{Account: "home", Doing: "deliver", Class: fetch.IO, Err: errors.New("disk full")}}})
	r.Event(fetch.Done{Result: fetch.Result{Account: "third"}})
	r.Finish(nil, 0)
	want = append(want,
		"work    12 messages, 12 MiB → ~/Mail/work   in 0.0 s",
		"haulmail: home: deliver: disk full",
		"third   nothing new")

	all := written()
	if got := strings.Join(shown(t, all), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the terminal shows\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if !strings.Contains(all, "work   ██") && !strings.Contains(all, "work    ██") {
		t.Errorf("no bar was ever drawn: %q", all)
	}
}

// A run that stops in the middle, and a terminal that goes away, end as well.
func TestProgressEndsWithABarStanding(t *testing.T) {
	tty, written := newTerminal(t)
	r := New(Options{Out: NewOutput(tty), Err: tty, Live: true})
	r.Event(fetch.Progress{Account: "work", Messages: 1, Bytes: 10, Of: 2, OfBytes: 20})
	r.Finish(nil, 130)
	if lines := shown(t, written()); len(lines) != 0 {
		t.Errorf("left on the terminal: %q", lines)
	}
}

func TestProgressSurvivesALostTerminal(t *testing.T) {
	tty, written := newTerminal(t)
	r := New(Options{Out: NewOutput(tty), Err: tty, Live: true})
	written() // closes it
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 5 {
			r.Event(fetch.Progress{Account: "work", Messages: n, Bytes: 10, Of: 9, OfBytes: 90})
			r.Event(fetch.Progress{Account: fmt.Sprint("other", n), Messages: n, Bytes: 10, Of: 9, OfBytes: 90})
			r.Event(fetch.Warning{Account: "work", Text: "x"})
			time.Sleep(refreshEvery)
		}
		r.Event(fetch.Done{Result: fetch.Result{Account: "work"}})
		r.Finish(nil, 0)
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the run hangs")
	}
}
