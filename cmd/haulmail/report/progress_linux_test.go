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

// newTerminal gives a pseudo-terminal, and a function that closes it and gives all that was written to it.
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

// shown gives the lines that a terminal shows in the end, by the few movements that live progress makes use of, and how many columns and
// rows it had in use at most. Going up keeps the column, as a terminal does.
func shown(t *testing.T, written string) (text []string, columns, rows int) {
	t.Helper()
	lines := [][]rune{nil}
	row, col := 0, 0
	for written != "" {
		switch {
		case strings.HasPrefix(written, "\x1b[A"):
			if row == 0 {
				t.Fatal("it goes up beyond what it has drawn")
			}
			row, written = row-1, written[len("\x1b[A"):]
		case strings.HasPrefix(written, "\x1b[2K"):
			lines[row], written = nil, written[len("\x1b[2K"):]
		case strings.HasPrefix(written, "\x1b[K"):
			lines[row], written = lines[row][:min(col, len(lines[row]))], written[len("\x1b[K"):]
		case written[0] == '\n':
			row, col, written = row+1, 0, written[1:]
			if row == len(lines) {
				lines = append(lines, nil)
			}
			rows = max(rows, row+1)
		case written[0] == '\r':
			col, written = 0, written[1:]
		case written[0] == '\x1b':
			t.Fatalf("a movement that this terminal does not know: %q", written[:min(40, len(written))])
		default:
			r, n := utf8.DecodeRuneInString(written)
			for len(lines[row]) <= col {
				lines[row] = append(lines[row], ' ')
			}
			lines[row][col] = r
			col, written = col+1, written[n:]
			columns = max(columns, col)
		}
	}
	for _, line := range lines {
		text = append(text, string(line))
	}
	for len(text) > 0 && text[len(text)-1] == "" {
		text = text[:len(text)-1]
	}
	return text, columns, rows
}

// On no terminal does a bar take more than one row, and bars take up no more rows than there are.
func TestProgressFitsTheTerminal(t *testing.T) {
	for _, size := range []struct{ columns, rows int }{{20, 5}, {40, 12}, {80, 24}, {200, 50}} {
		for _, accounts := range []int{1, 3, 30} {
			t.Run(fmt.Sprintf("%d accounts in %dx%d", accounts, size.columns, size.rows), func(t *testing.T) {
				tty, written := newTerminal(t)
				o := Options{Out: NewOutput(tty), Err: tty, Live: true, Size: func() (int, int) { return size.columns, size.rows }}
				for n := range accounts {
					o.Accounts = append(o.Accounts, Account{Name: fmt.Sprint("account.", n*n*n, "@example.org")})
				}
				r := New(o)
				for n := range 3 {
					for _, a := range o.Accounts {
						r.Event(fetch.Progress{Account: a.Name, Messages: 100 * n, Bytes: 1 << (10 * n), Of: 12345, OfBytes: 1 << 30})
					}
					time.Sleep(refreshEvery)
				}
				r.Finish(nil, 0)
				all := written()
				left, columns, rows := shown(t, all)
				if columns >= size.columns || rows >= size.rows || len(left) > 0 {
					t.Errorf("uses %d columns and %d rows, and leaves %q", columns, rows, left)
				}
				if size.columns >= 40 && (!strings.Contains(all, "/12345") || !strings.Contains(all, "░")) {
					t.Errorf("no bar with a count: %q", all)
				}
			})
		}
	}
}

// A terminal that is made narrower breaks the bars into more rows than they had, and all of them are erased.
func TestBarsAreErasedAfterAResize(t *testing.T) {
	var screen bytes.Buffer
	columns := 80
	c := &console{w: &screen, size: func() (int, int) { return columns, 24 }}
	for _, step := range []struct {
		columns, up int
		bars        string
	}{
		{80, 0, strings.Repeat("█", 79) + "\n" + strings.Repeat("x", 40) + "\n"},
		{40, 2 + 1, "short\n"},
		{40, 1, strings.Repeat("█", 39) + "\n" + strings.Repeat("邮", 19) + "\n"},
		{13, 3 + 3, "short\n"},
		{200, 1, ""},
		{200, 0, ""},
	} {
		columns = step.columns
		screen.Reset()
		if _, err := c.ReadFrom(strings.NewReader(step.bars)); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(0); err != nil {
			t.Fatal(err)
		}
		got, bars := strings.Count(screen.String(), "\x1b[A"), strings.Count(step.bars, "\n")
		erased := strings.Count(screen.String(), "\x1b[2K")
		if got != step.up || erased != max(step.up-bars, 0) || strings.Count(screen.String(), "\x1b[K\n") != bars {
			t.Errorf("at %d columns it goes up %d rows, want %d, and erases %d: %q", columns, got, step.up, erased, &screen)
		}
	}
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
	lines, _, _ := shown(t, written())
	if got := strings.Join(lines, "\n"); got != "haulmail: stopping" {
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
	lines, _, _ := shown(t, all)
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the terminal shows\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if !strings.Contains(all, "work   ██") && !strings.Contains(all, "work    ██") {
		t.Errorf("no bar was ever drawn: %q", all)
	}
}

// However often there is something to tell, a terminal (a slow line, perhaps) gets no more than ten frames a second.
func TestProgressIsDrawnTenTimesASecond(t *testing.T) {
	tty, written := newTerminal(t)
	r := New(Options{Out: NewOutput(tty), Err: tty, Live: true, Accounts: []Account{{Name: "work"}}})
	began := time.Now()
	for n := 0; time.Since(began) < 10*refreshEvery; n++ {
		r.Event(fetch.Progress{Account: "work", Messages: n, Bytes: int64(n), Of: 1 << 30, OfBytes: 1 << 40})
	}
	most := int(time.Since(began)/refreshEvery) + 1
	r.Finish(nil, 0)
	most += 3 // that take the bar away
	if frames := strings.Count(written(), "\x1b[K"); frames < 2 || frames > most {
		t.Errorf("%d frames, want 2 to %d", frames, most)
	}
}

// A run that stops in the middle, and a terminal that goes away, end as well.
func TestProgressEndsWithABarStanding(t *testing.T) {
	tty, written := newTerminal(t)
	r := New(Options{Out: NewOutput(tty), Err: tty, Live: true})
	r.Event(fetch.Progress{Account: "work", Messages: 1, Bytes: 10, Of: 2, OfBytes: 20})
	r.Finish(nil, 130)
	if lines, _, _ := shown(t, written()); len(lines) != 0 {
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
