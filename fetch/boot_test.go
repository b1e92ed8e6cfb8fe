package fetch

import (
	"context"
	"os"
	"runtime"
	"testing"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/seen"
	"haulmail/maildir"
)

// runAt does what Run does, in one start of the system.
func (l *lab) runAt(boot string) Result {
	l.events = nil
	e := newEngine(l.options)
	e.boot = boot
	return e.each(context.Background(), []*config.Account{l.account}, (*haul).fetch)[0]
}

// A message that was to be delivered and is nowhere was taken by a reader, unless the system was started anew: then one half of the rename
// may be what is missing.
func TestNowhereAfterAStart(t *testing.T) {
	msg := mail(1)[0]
	for _, row := range []struct {
		name, begun, now string
		say              string
		holds            []string
	}{
		{"same start", "a", "a", "recovered 1 0 0", nil},
		{"another start", "a", "b", "recovered 0 0 1", texts(t, mail(1))},
		{"told only then", "a", "", "recovered 1 0 0", nil},
		{"told only now", "", "b", "recovered 1 0 0", nil},
		{"never told", "", "", "recovered 1 0 0", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, nil)
			l.mailbox.Replace(mail(2)[1])
			if r := l.runAt(row.begun); r.Err != nil || r.Messages != 1 {
				t.Fatalf("first run: %+v", r)
			}
			l.mailbox.Replace(msg)
			cutOff(l, msg, func(store *seen.Store, box *maildir.Box, f *maildir.File) {
				check(t, box.Deliver([]*maildir.File{f}))
			})
			for _, path := range l.files() {
				check(t, os.Remove(path))
			}
			if r := l.runAt(row.now); r.Err != nil || l.said() != row.say {
				t.Errorf("said %q, want %q (%v)", l.said(), row.say, r.Err)
			}
			l.holds(row.holds...)
			if r := l.runAt(row.now); r.Err != nil || r.Messages != 0 {
				t.Errorf("another run delivered %d (%v)", r.Messages, r.Err)
			}
		})
	}
}

// The note costs a run with nothing new no write.
func TestAStartIsNotedOnlyWithMail(t *testing.T) {
	l := newLab(t, []pop3test.Message{mail(1)[0]})
	path := l.options.StateDir + "/work.db"
	read := func() string {
		state, err := os.ReadFile(path)
		check(t, err)
		return string(state)
	}
	l.runAt("a")
	before := read()
	l.runAt("b")
	if read() != before {
		t.Error("a run without new mail wrote into the state")
	}
}

func TestBootID(t *testing.T) {
	id := bootID()
	if id != bootID() {
		t.Errorf("%q, and then another", id)
	}
	if known := runtime.GOOS == "linux" || runtime.GOOS == "darwin"; known && len(id) != 36 {
		t.Errorf("%q is no UUID", id)
	}
}
