package fetch

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// status tells of the lab's account.
func (l *lab) status() Status {
	l.t.Helper()
	s, err := StatusOf(l.account, l.options)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func TestStatusFollowsTheRuns(t *testing.T) {
	msgs := mail(6)
	l := newLab(t, msgs[:3], pop3test.Fault{On: "RETR", UID: "u2", Limit: 1, Ignore: true, Text: "-ERR lost\r\n"})
	if s := l.status(); s.Known || s.Running {
		t.Fatalf("before the first run: %+v", s)
	}
	if _, err := os.Stat(l.options.StateDir); err == nil {
		t.Error("looking has made the folder")
	}

	l.want(2, 0, Poison)
	s := l.status()
	if !s.Known || s.Class != Poison || s.Seen != 2 || s.Failed != 1 || s.Mail.Messages != 2 || s.Mail.Bytes == 0 || !s.Success.IsZero() || s.FailingSince.IsZero() {
		t.Errorf("after a run that left one behind: %+v", s)
	}

	l.clock = time.Hour
	l.mailbox.Replace(msgs...)
	l.want(4, 0, None)
	s = l.status()
	if s.Class != None || s.Seen != 6 || s.Failed != 0 || s.Mail.Messages != 4 || !s.FailingSince.IsZero() || !s.Success.Equal(s.At) {
		t.Errorf("healed: %+v", s)
	}

	l.clock = 2 * time.Hour
	before := s
	l.want(0, 0, None)
	s = l.status()
	if d := s.At.Sub(before.At); d < 59*time.Minute || s.Mail != before.Mail || s.Seen != 6 {
		t.Errorf("nothing new, %s later: %+v", d, s)
	}

	l.clock = 3 * time.Hour
	l.account.Delete.Mode = 1 // fetched
	l.want(0, 6, None)
	if s = l.status(); s.Mail.Deleted != 6 || s.Seen != 6 {
		t.Errorf("after deleting: %+v", s)
	}
	l.want(0, 0, None)
	if s = l.status(); s.Mail.Deleted != 6 || s.Seen != 6 {
		t.Errorf("after what was deleted has vanished: %+v", s)
	}
}

// What is no run leaves no trace: a dry one, one that comes too early, one that finds another at work.
func TestStatusOfNoRun(t *testing.T) {
	l := newLab(t, mail(1))
	l.account.MinInterval = 3600e9
	l.want(1, 0, None)
	first := l.status()
	if d := first.NextLogin.Sub(first.At); d < 59*time.Minute || d > 61*time.Minute {
		t.Errorf("next login %s after the run", d)
	}
	l.clock = time.Minute
	l.want(0, 0, Busy)
	l.options.DryRun = true
	l.want(0, 0, None)
	l.options.DryRun = false
	store := l.state()
	l.want(0, 0, Busy)
	s := l.status()
	if !s.Running {
		t.Error("a run is at work, and not told of")
	}
	check(t, store.Close())
	if s.Running = false; s != first {
		t.Errorf("%+v, want\n%+v", s, first)
	}
}

// What cannot be noted is told to those who want to hear it, and fails nothing.
func TestStatusThatCannotBeWritten(t *testing.T) {
	l := newLab(t, mail(1))
	check(t, os.MkdirAll(filepath.Join(l.options.StateDir, "work.status", "x"), 0o700))
	l.want(1, 0, None)
	told := false
	for _, e := range l.events {
		if _, ok := e.(Unnoted); ok {
			told = true
		}
	}
	if !told || l.status().Known {
		t.Errorf("told %v, status %+v", told, l.status())
	}
}

// A status that is there and cannot be read is no account that never ran: a monitor would take that for well.
func TestStatusThatCannotBeRead(t *testing.T) {
	l := newLab(t, mail(1))
	check(t, os.MkdirAll(l.options.StateDir, 0o700))
	check(t, os.Symlink("work.status", filepath.Join(l.options.StateDir, "work.status")))
	if s, err := StatusOf(l.account, l.options); ClassOf(err) != IO || s.Known {
		t.Errorf("%+v: %v", s, err)
	}
}

// A run that failed because its state takes no more calls does not know how many messages failed before.
func TestStatusOfAStateThatFailed(t *testing.T) {
	l := newLab(t, mail(2), pop3test.Fault{On: "RETR", UID: "u2", Limit: 1, Ignore: true, Text: "-ERR lost\r\n"})
	l.want(1, 0, Poison)
	h := newHaul(newEngine(l.options), l.account)
	check(t, h.openState(t.Context()))
	check(t, h.store.Close())
	h.listed, h.known = true, 1
	_ = h.noteRun(t.Context(), onDisk("record what was fetched", syscall.ENOSPC))
	if s := l.status(); s.Class != IO || s.Failed != 1 || s.Seen != 1 {
		t.Errorf("%+v", s)
	}
}

// An account whose state cannot be opened has failed all the same.
func TestStatusOfDamagedState(t *testing.T) {
	l := newLab(t, mail(1))
	l.want(1, 0, None)
	check(t, os.WriteFile(filepath.Join(l.options.StateDir, "work.db"), []byte("spoiled"), 0o600))
	l.want(0, 0, Damaged)
	if s := l.status(); s.Class != Damaged || s.Seen != 1 || s.Success.IsZero() {
		t.Errorf("%+v", s)
	}
}
