package fetch

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/seen"
	"haulmail/maildir"
)

// cutOff leaves an account as a run leaves it that was cut off inside a batch of one message: the message in the spool, durable, and
// its intent in the state. do goes on from there.
func cutOff(l *lab, msg pop3test.Message, do func(store *seen.Store, box *maildir.Box, f *maildir.File)) {
	l.t.Helper()
	identity := seen.Identity{Server: "127.0.0.1", User: "me"}
	store, err := seen.Open(filepath.Join(l.options.StateDir, "work.db"), identity, seen.Options{Now: l.options.Now})
	check(l.t, err)
	box, err := maildir.Open(l.account.Maildir, store.Spool(), maildir.Options{Create: true, Hostname: "here"})
	check(l.t, err)
	f, err := box.Create(maildir.UIDHash("127.0.0.1\x00me", []byte(msg.UID)))
	check(l.t, err)
	_, err = f.Write([]byte(texts(l.t, []pop3test.Message{msg})[0]))
	check(l.t, err)
	check(l.t, f.Close())
	check(l.t, box.Sync([]*maildir.File{f}))
	dev, ino := box.Identity()
	check(l.t, store.Begin(&seen.Batch{
		Box: seen.Box{Path: l.account.Maildir, Dev: dev, Ino: ino}, At: l.options.Now(),
		Intents: []seen.Intent{{UID: []byte(msg.UID), Key: f.Key(), ListSize: msg.Size(), Size: f.Size(), Sum: f.Sum()}},
	}))
	do(store, box, f)
	check(l.t, box.Close())
	check(l.t, store.Close())
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Every row of judge's table, on real files: a message of the server, cut off in its batch, must be in the Maildir once, or nowhere
// if a reader has taken it.
func TestRecovery(t *testing.T) {
	msg := mail(1)[0]
	text := texts(t, mail(1))[0]
	inSpool := func(l *lab, f *maildir.File) string {
		found, err := filepath.Glob(filepath.Join(l.account.Maildir, "tmp", ".haulmail-*", "*"))
		check(l.t, err)
		if len(found) != 1 {
			l.t.Fatalf("the spool holds %v", found)
		}
		return found[0]
	}
	deliver := func(_ *seen.Store, box *maildir.Box, f *maildir.File) { check(t, box.Deliver([]*maildir.File{f})) }
	inNew := func(l *lab, f *maildir.File) string { return filepath.Join(l.account.Maildir, "new", f.Key()) }

	for _, row := range []struct {
		name  string
		left  func(l *lab) func(*seen.Store, *maildir.Box, *maildir.File)
		later time.Duration
		say   string
		holds []string
	}{
		{"delivered to new/", func(l *lab) func(*seen.Store, *maildir.Box, *maildir.File) { return deliver }, 0, "recovered 1 0 0", []string{text}},
		{"moved to cur/ by a reader", func(l *lab) func(*seen.Store, *maildir.Box, *maildir.File) {
			return func(s *seen.Store, b *maildir.Box, f *maildir.File) {
				deliver(s, b, f)
				check(t, os.Rename(inNew(l, f), filepath.Join(l.account.Maildir, "cur", f.Key()+":2,RS")))
			}
		}, 0, "recovered 1 0 0", []string{text}},
		{"delivered, and left in the spool too", func(l *lab) func(*seen.Store, *maildir.Box, *maildir.File) {
			return func(s *seen.Store, b *maildir.Box, f *maildir.File) {
				check(t, os.Link(inSpool(l, f), inNew(l, f)))
			}
		}, 0, "recovered 1 0 0", []string{text}},
		{"whole in the spool", func(l *lab) func(*seen.Store, *maildir.Box, *maildir.File) {
			return func(*seen.Store, *maildir.Box, *maildir.File) {}
		}, 0, "recovered 0 1 0", []string{text}},
		{"cut short in the spool", func(l *lab) func(*seen.Store, *maildir.Box, *maildir.File) {
			return func(_ *seen.Store, _ *maildir.Box, f *maildir.File) { check(t, os.Truncate(inSpool(l, f), 5)) }
		}, 0, "recovered 0 0 1", []string{text}},
		{"zeros in the spool", func(l *lab) func(*seen.Store, *maildir.Box, *maildir.File) {
			return func(_ *seen.Store, _ *maildir.Box, f *maildir.File) {
				check(t, os.WriteFile(inSpool(l, f), make([]byte, f.Size()), 0o600))
			}
		}, 0, "recovered 0 0 1", []string{text}},
		{"deleted by a reader", func(l *lab) func(*seen.Store, *maildir.Box, *maildir.File) {
			return func(s *seen.Store, b *maildir.Box, f *maildir.File) {
				deliver(s, b, f)
				check(t, os.Remove(inNew(l, f)))
			}
		}, 23 * time.Hour, "recovered 1 0 0", nil},
		{"nowhere, a day later", func(l *lab) func(*seen.Store, *maildir.Box, *maildir.File) {
			return func(_ *seen.Store, _ *maildir.Box, f *maildir.File) { check(t, os.Remove(inSpool(l, f))) }
		}, 25 * time.Hour, "recovered 0 0 1", []string{text}},
		{"nowhere, in another folder", func(l *lab) func(*seen.Store, *maildir.Box, *maildir.File) {
			return func(_ *seen.Store, b *maildir.Box, f *maildir.File) {
				check(t, os.Rename(l.account.Maildir, l.account.Maildir+"-old"))
				for _, folder := range []string{"new", "cur", "tmp"} {
					check(t, os.MkdirAll(filepath.Join(l.account.Maildir, folder), 0o700))
				}
			}
		}, 0, "recovered 0 0 1", []string{text}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, []pop3test.Message{msg})
			cutOff(l, msg, row.left(l))
			l.clock = row.later
			r := l.run()
			if r.Err != nil || l.said() != row.say {
				t.Errorf("said %q, want %q (%v)", l.said(), row.say, r.Err)
			}
			l.holds(row.holds...)
			l.want(0, 0, None)
		})
	}
}

func TestRecoveryWithoutTheMaildirGivesNoVerdict(t *testing.T) {
	msg := mail(1)[0]
	l := newLab(t, []pop3test.Message{msg})
	cutOff(l, msg, func(*seen.Store, *maildir.Box, *maildir.File) {})
	away := l.account.Maildir + "-unmounted"
	check(t, os.Rename(l.account.Maildir, away))
	l.want(0, 0, Temporary)
	check(t, os.Mkdir(l.account.Maildir, 0o700)) // the empty folder that a disk is mounted on
	l.want(0, 0, Temporary)
	check(t, os.Remove(l.account.Maildir))
	check(t, os.Rename(away, l.account.Maildir))
	l.want(1, 0, None)
	l.holds(texts(t, mail(1))...)
}

func TestRecoveryFollowsAMovedMaildir(t *testing.T) {
	msg := mail(1)[0]
	l := newLab(t, []pop3test.Message{msg})
	cutOff(l, msg, func(*seen.Store, *maildir.Box, *maildir.File) {})
	old := l.account.Maildir
	l.account.Maildir += "-moved"
	check(t, os.Rename(old, l.account.Maildir))
	l.want(1, 0, None)
	if l.said() != "recovered 0 1 0" {
		t.Errorf("said %q", l.said())
	}
	l.holds(texts(t, mail(1))...)
}

func TestRecoveryFollowsACopiedMaildir(t *testing.T) {
	msg := mail(1)[0]
	l := newLab(t, []pop3test.Message{msg})
	cutOff(l, msg, func(_ *seen.Store, box *maildir.Box, f *maildir.File) { check(t, box.Deliver([]*maildir.File{f})) })
	old := l.account.Maildir
	l.account.Maildir += "-copied"
	check(t, os.CopyFS(l.account.Maildir, os.DirFS(old)))
	check(t, os.RemoveAll(old))
	l.want(0, 0, None)
	if l.said() != "recovered 1 0 0" {
		t.Errorf("said %q", l.said())
	}
	l.holds(texts(t, mail(1))...)
}

// Mail that was on its way into the Maildir that the account had before leaves nothing behind there.
func TestRecoveryClearsTheSpoolOfAnotherMaildir(t *testing.T) {
	msg := mail(1)[0]
	l := newLab(t, []pop3test.Message{msg})
	old := l.account.Maildir
	spooled := func() []string {
		found, err := filepath.Glob(filepath.Join(old, "tmp", ".haulmail-*", "*"))
		check(t, err)
		return found
	}
	cutOff(l, msg, func(*seen.Store, *maildir.Box, *maildir.File) { check(t, os.Truncate(spooled()[0], 5)) })
	l.account.Maildir += "-new"
	l.want(1, 0, None)
	l.holds(texts(t, mail(1))...)
	if left := spooled(); len(left) > 0 {
		t.Errorf("left in the old spool: %v", left)
	}
}

func TestSpoolOfACutOffRunIsSwept(t *testing.T) {
	l := newLab(t, mail(1))
	l.want(1, 0, None)
	store, err := seen.Open(filepath.Join(l.options.StateDir, "work.db"), seen.Identity{Server: "127.0.0.1", User: "me"}, seen.Options{})
	check(t, err)
	spool := filepath.Join(l.account.Maildir, "tmp", ".haulmail-"+store.Spool())
	check(t, store.Close())
	check(t, os.Mkdir(spool, 0o700))
	for i := range 3 {
		check(t, os.WriteFile(filepath.Join(spool, fmt.Sprintf("half-written.%d", i)), []byte("ha"), 0o600))
	}
	l.want(0, 0, None) // checks that the spool is gone
}
