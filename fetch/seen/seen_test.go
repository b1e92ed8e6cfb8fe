package seen

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestNewStateIsFreshUntilABatchBegins(t *testing.T) {
	b := newBed(t)
	b.want("fresh", b.Fresh(), true)
	b.must(b.Finish(nil, b.match("a")))
	b.reopen()
	b.want("fresh after a run with nothing to record", b.Fresh(), true)
	b.must(b.Begin(batch("a")))
	b.want("fresh with a batch under way", b.Fresh(), false)
	b.reopen()
	b.want("fresh for the next run", b.Fresh(), false)
}

func TestSpoolIsMadeOnceWithTheState(t *testing.T) {
	b, other := newBed(t), newBed(t)
	spool := b.Spool()
	if !regexp.MustCompile(`^[a-z2-7]{16}$`).MatchString(spool) {
		t.Errorf("spool %q", spool)
	}
	b.reopen()
	b.want("spool for the next run", b.Spool(), spool)
	if other.Spool() == spool {
		t.Error("two states have the same spool")
	}
}

func TestCreatesPrivately(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "haulmail", "me.state")
	s, err := Open(path, me, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, want := range map[string]fs.FileMode{
		path:                             0o600,
		filepath.Dir(path):               fs.ModeDir | 0o700,
		filepath.Dir(filepath.Dir(path)): fs.ModeDir | 0o700,
	} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
}

func TestIdentity(t *testing.T) {
	b := newBed(t)
	b.seen("a")
	b.must(b.Close())
	you := Identity{Server: "pop.example.org", User: "you@example.org"}

	_, err := Open(b.path, you, Options{})
	if e, ok := errors.AsType[*IdentityError](err); !ok || e.Have != me || e.Want != you || e.Path != b.path {
		t.Fatalf("another identity: %v", err)
	}
	s, err := Open(b.path, you, Options{ReadOnly: true, Adopt: true})
	b.must(err)
	b.must(s.Close())
	b.open() // adopting while reading has stored nothing
	b.must(b.Close())

	s, err = Open(b.path, you, Options{Adopt: true})
	b.must(err)
	b.must(s.Close())
	s, err = Open(b.path, you, Options{})
	b.must(err)
	b.Store = s
	b.want("known after adopting", b.known("a"), []string{"a"})
}

// A run that came to nothing has made a state already: for a server or a user that was misspelt, perhaps.
func TestIdentityOfBlankState(t *testing.T) {
	you := Identity{Server: "pop.example.org", User: "you@example.org"}
	for _, c := range []struct {
		name  string
		use   func(*bed)
		blank bool
	}{
		{"never used", func(*bed) {}, true},
		{"a note", func(b *bed) { b.must(b.SetNote("last-login", []byte("now"))) }, true},
		{"a failure", func(b *bed) { b.must(b.NoteFailures([]Failure{{UID: []byte("a"), Count: 1, Last: start}}, nil)) }, false},
		{"all forgotten", func(b *bed) { _, err := b.ForgetAll(); b.must(err) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			c.use(b)
			b.must(b.Close())
			for _, opt := range []Options{{ReadOnly: true}, {}, {}} {
				s, err := Open(b.path, you, opt)
				if _, refused := errors.AsType[*IdentityError](err); refused == c.blank || !refused && err != nil {
					t.Fatalf("opened with %+v: %v", opt, err)
				}
				if err == nil {
					b.must(s.Close())
				}
			}
			_, err := Open(b.path, me, Options{})
			if _, refused := errors.AsType[*IdentityError](err); refused {
				t.Errorf("a blank state is no longer anybody's: %v", err)
			}
		})
	}
}

func TestLock(t *testing.T) {
	read := Options{ReadOnly: true}
	for _, c := range []struct {
		name        string
		held, asked Options
		locked      bool
	}{
		{"writer against writer", Options{}, Options{}, true},
		{"reader against writer", Options{}, read, true},
		{"writer against reader", read, Options{}, true},
		{"reader beside reader", read, read, false},
		{"writer waits in vain", Options{}, Options{Wait: 50 * time.Millisecond}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			b.must(b.Close())
			holder, err := Open(b.path, me, c.held)
			b.must(err)
			defer holder.Close()
			begun := time.Now()
			s, err := Open(b.path, me, c.asked)
			if err == nil {
				s.Close()
			}
			if errors.Is(err, ErrLocked) != c.locked || err != nil && !c.locked {
				t.Errorf("error %v, want locked %v", err, c.locked)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestWaitsForTheLock(t *testing.T) {
	b := newBed(t)
	time.AfterFunc(100*time.Millisecond, func() { b.Store.Close() })
	s, err := Open(b.path, me, Options{Wait: 10 * time.Second})
	b.must(err)
	b.must(s.Close())
}

func TestStopEndsTheWaiting(t *testing.T) {
	b := newBed(t)
	stop := make(chan struct{})
	time.AfterFunc(50*time.Millisecond, func() { close(stop) })
	begun := time.Now()
	_, err := Open(b.path, me, Options{Wait: time.Minute, Stop: stop})
	if took := time.Since(begun); !errors.Is(err, ErrLocked) || took > 10*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	b.must(b.Close())
}

// Who waits for the lock of a file that is removed meanwhile must not go on with a file that has no name.
func TestRemovedWhileWaiting(t *testing.T) {
	b := newBed(t)
	time.AfterFunc(100*time.Millisecond, func() {
		os.Remove(b.path)
		b.Store.Close()
	})
	s, err := Open(b.path, me, Options{Wait: 10 * time.Second})
	b.must(err)
	b.must(s.Begin(batch("a")))
	b.must(s.Close())
	s, err = Open(b.path, me, Options{ReadOnly: true})
	b.must(err)
	defer s.Close()
	pending, err := s.Pending()
	b.must(err)
	b.want("pending in the file at the path", len(pending), 1)
}

func TestReadOnly(t *testing.T) {
	t.Run("missing file", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state")
		s, err := Open(filepath.Join(dir, "me.state"), me, Options{ReadOnly: true})
		b := &bed{T: t, Store: s}
		b.must(err)
		pending, err := s.Pending()
		b.must(err)
		b.want("state", []any{s.Fresh(), s.Spool(), pending, b.known("a"), b.records()}, []any{true, "", []*Batch(nil), []string(nil), []string(nil)})
		if err := s.Begin(batch("a")); err == nil {
			t.Error("a write was accepted")
		}
		b.must(s.Finish(nil, b.match("a")))
		b.must(s.Close())
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the folder was created: %v", err)
		}
	})
	t.Run("with records", func(t *testing.T) {
		b := newBed(t)
		b.seen("a", "b")
		b.must(b.Close())
		b.must(os.Chmod(b.path, 0o400))
		s, err := Open(b.path, me, Options{ReadOnly: true})
		b.must(err)
		b.Store = s
		b.want("known", b.known("a", "b", "c"), []string{"a", "b"})
		for what, err := range map[string]error{
			"Begin":   s.Begin(batch("c")),
			"Finish":  s.Finish(nil, b.match()),
			"AddSeen": s.AddSeen([]Entry{{UID: []byte("c")}}),
			"SetNote": s.SetNote("n", []byte("v")),
		} {
			if !errors.Is(err, errReadOnly) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// Whoever races to create the state, one file comes of it, and each finds it whole: opened or locked.
func TestRaceToCreate(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "s", "me.state")
		var wg sync.WaitGroup
		spools := make(chan string, 8)
		for range cap(spools) {
			wg.Go(func() {
				s, err := Open(path, me, Options{Wait: 10 * time.Second})
				if err != nil {
					t.Error(err)
					return
				}
				spools <- s.Spool()
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		close(spools)
		first := <-spools
		for s := range spools {
			if s != first {
				t.Fatal("two of the racers opened different states")
			}
		}
		wantOnly(t, path)
	}
}

// wantOnly checks that there is nothing beside the state in its folder.
func wantOnly(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(path) {
		t.Errorf("in the folder: %v, %v", entries, err)
	}
}

func TestRemovesWhatADeadRunLeft(t *testing.T) {
	t.Run("an unfinished state", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "me.state")
		stale, fresh := path+newMark+"old", path+newMark+"young"
		for _, name := range []string{stale, fresh} {
			if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		long := time.Now().Add(-2 * staleAfter)
		if err := os.Chtimes(stale, long, long); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path, me, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the old one is still there: %v", err)
		}
		if _, err := os.Stat(fresh); err != nil {
			t.Errorf("the young one may be somebody's work: %v", err)
		}
	})
	t.Run("a second name", func(t *testing.T) {
		b := newBed(t)
		b.must(os.Link(b.path, b.path+newMark+"x"))
		b.reopen()
		wantOnly(t, b.path)
	})
}

func TestFileSystemErrorsAreToldAsTheyAre(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(file, "me.state"), filepath.Join(file, "sub", "me.state")} {
		_, err := Open(path, me, Options{})
		if _, ok := errors.AsType[*fs.PathError](err); !ok || damaged(err) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A name that cannot be looked at may be that of a state, which a rename would replace.
func TestNamesOnlyWhereNothingIs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := renameNew(file, filepath.Join(file, "me.state"))
	if failed, ok := errors.AsType[*fs.PathError](err); !ok || failed.Op != "lstat" {
		t.Errorf("%v, want the error of looking", err)
	}
}

// Behind a link that leads nowhere is a state on a disk that is not there, not none.
func TestLinkThatLeadsNowhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "me.state")
	if err := os.Symlink(path+".elsewhere", path); err != nil {
		t.Fatal(err)
	}
	for _, opt := range []Options{{}, {ReadOnly: true}} {
		s, err := Open(path, me, opt)
		if failed, ok := errors.AsType[*fs.PathError](err); !ok || failed.Path != path {
			t.Errorf("read only %v: %v, want the error of opening", opt.ReadOnly, err)
		}
		if s != nil {
			s.Close()
		}
	}
	wantOnly(t, path)
}

func TestClosedStoreRefuses(t *testing.T) {
	b := newBed(t)
	b.must(b.Close())
	b.must(b.Close())
	if _, err := b.Match(listing("a")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Match: %v", err)
	}
	if err := b.Begin(batch("a")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Begin: %v", err)
	}
}

func TestNotes(t *testing.T) {
	b := newBed(t)
	note := func() string {
		v, err := b.Note("serial")
		b.must(err)
		if v == nil {
			return "none"
		}
		return string(v)
	}
	b.want("at first", note(), "none")
	for _, value := range []string{"until 2026-04-01", "", strings.Repeat("x", MaxNote-len("serial"))} {
		b.must(b.SetNote("serial", []byte(value)))
		b.reopen()
		b.want("stored", note(), value)
	}
	b.must(b.SetNote("serial", nil))
	b.reopen()
	b.want("removed", note(), "none")
	if err := b.SetNote("serial", make([]byte, MaxNote)); err == nil {
		t.Error("a long note was accepted")
	}
	b.want("fresh, for notes aren't messages", b.Fresh(), true)
}
