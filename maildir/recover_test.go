package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	gomaildir "github.com/emersion/go-maildir"

	"golang.org/x/sys/unix"
)

// reopen closes a box and opens it again, as the next run does.
func reopen(t *testing.T, b *Box, d Disk) *Box {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := Open(b.Path(), "id1", Options{Disk: d})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func keysOf(files []*File) []string {
	var keys []string
	for _, f := range files {
		keys = append(keys, f.Key())
	}
	return keys
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	b := open(t, Options{})
	dir := b.Path()
	in := func(folder string, f *File, flags string) string { return filepath.Join(dir, folder, f.Key()+flags) }
	cases := []struct {
		what string
		do   func(f *File)
		want Place
	}{
		{"in the spool", func(*File) {}, InSpool},
		{"in new", func(f *File) { rename(t, f.path(), in("new", f, "")) }, InNew},
		{"in new, with flags", func(f *File) { rename(t, f.path(), in("new", f, ":2,")) }, InNew},
		{"in cur", func(f *File) { rename(t, f.path(), in("cur", f, ":2,")) }, InCur},
		{"in cur, answered and seen", func(f *File) { rename(t, f.path(), in("cur", f, ":2,RS")) }, InCur},
		{"in cur, without flags", func(f *File) { rename(t, f.path(), in("cur", f, "")) }, InCur},
		{"in cur, with a Dovecot keyword", func(f *File) { rename(t, f.path(), in("cur", f, ":2,Sab")) }, InCur},
		{"in cur, the sizes taken out", func(f *File) { rename(t, f.path(), filepath.Join(dir, "cur", f.base+":2,S")) }, InCur},
		{"in cur, another separator", func(f *File) { rename(t, f.path(), in("cur", f, ";2,S")) }, InCur},
		{"in new and left in the spool", func(f *File) {
			if err := os.Link(f.path(), in("new", f, "")); err != nil {
				t.Fatal(err)
			}
		}, InNew | InSpool},
		{"nowhere", func(f *File) { _ = os.Remove(f.path()) }, Nowhere},
	}
	files := spool(t, b, make([]string, len(cases))...)
	for i, c := range cases {
		c.do(files[i])
	}
	b = reopen(t, b, nil)
	found, err := b.Find(keysOf(files))
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		if found[i].Key != files[i].Key() || found[i].Place != c.want {
			t.Errorf("%s: found %v, want %v", c.what, found[i].Place, c.want)
		}
	}
}

// A rename during readdir can hide a file, and a reader can move it from new/ to
// cur/ behind our back: the folders are read a second time.
func TestFindLooksTwice(t *testing.T) {
	first := open(t, Options{})
	files := spool(t, first, "hidden", "moved")
	if err := errors.Join(first.Sync(files), first.Deliver(files)); err != nil {
		t.Fatal(err)
	}
	hidden, moved := files[0].Key(), files[1].Key()
	lists := 0
	d := &spyDisk{Disk: newKernel()}
	b := reopen(t, first, d)
	d.hook = func(op string, _ int) error {
		if op != "list" {
			return nil
		}
		if lists++; lists == 2 {
			rename(t, filepath.Join(b.Path(), "new", moved), filepath.Join(b.Path(), "cur", moved+":2,S"))
		}
		return nil
	}
	d.seen = func(name string) bool { return name != hidden || lists > 2 }
	found, err := b.Find([]string{hidden, moved})
	if err != nil {
		t.Fatal(err)
	}
	if found[0].Place != InNew || found[1].Place != InNew && found[1].Place != InCur {
		t.Errorf("found %v", found)
	}
	if lists > 2*maxListTries {
		t.Errorf("%d lists", lists)
	}
}

// A mail reader at work: everything is moved to cur/ and gets flags while Find
// looks for it.
func TestFindBesideAReader(t *testing.T) {
	b := open(t, Options{})
	files := spool(t, b, make([]string, 1000)...)
	if err := errors.Join(b.Sync(files), b.Deliver(files)); err != nil {
		t.Fatal(err)
	}
	var reader sync.WaitGroup
	done := make(chan struct{})
	reader.Go(func() {
		defer close(done)
		msgs, err := gomaildir.Dir(b.Path()).Unseen()
		if err != nil {
			t.Error(err)
		}
		for _, m := range msgs {
			if err := m.SetFlags([]gomaildir.Flag{gomaildir.FlagSeen}); err != nil {
				t.Error(err)
			}
		}
	})
	for looks := 0; ; looks++ {
		found, err := b.Find(keysOf(files))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if f.Place == Nowhere {
				t.Errorf("look %d: %s is nowhere", looks, f.Key)
			}
		}
		select {
		case <-done:
			reader.Wait()
			return
		default:
		}
	}
}

func TestCheckAndFinish(t *testing.T) {
	b := open(t, Options{})
	files := spool(t, b, "whole\n", "whole\n", strings.Repeat("long", bufferSize))
	if err := b.Sync(files); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(files[1].path(), 3); err != nil {
		t.Fatal(err)
	}
	d := &spyDisk{Disk: newKernel()}
	b = reopen(t, b, d)
	var good []string
	for _, f := range files {
		size, sum, err := b.Check(f.Key())
		if err != nil {
			t.Fatal(err)
		}
		if size == f.Size() && sum == f.Sum() {
			good = append(good, f.Key())
		}
	}
	if want := []string{files[0].Key(), files[2].Key()}; !slices.Equal(good, want) {
		t.Fatalf("whole are %v, want %v", good, want)
	}
	if _, _, err := b.Check("1.none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Check of what is not there: %v", err)
	}
	if err := b.Finish(good); err != nil {
		t.Fatal(err)
	}
	if n := d.count("sync"); n != len(good)+2 {
		t.Errorf("%d fsync, want one for each file, new/ and the spool", n)
	}
	if err := b.Remove([]string{files[1].Key(), files[1].Key(), "1.none"}); err != nil {
		t.Error(err)
	}
	got := list(t, filepath.Join(b.Path(), "new"))
	slices.Sort(good)
	if !slices.Equal(got, good) {
		t.Errorf("in new: %v, want %v", got, good)
	}
	if left := list(t, b.spoolPath()); len(left) != 0 {
		t.Errorf("left in the spool: %v", left)
	}
	if err := b.SyncFolders(); err != nil {
		t.Error(err)
	}
}

// Recovery reads and never writes through a link that somebody put in the spool.
func TestSpoolLinksAreNotFollowed(t *testing.T) {
	b := open(t, Options{})
	f := spool(t, b, "x")[0]
	secret := filepath.Join(t.TempDir(), "secret")
	if err := errors.Join(os.WriteFile(secret, []byte("x"), 0o600), os.Remove(f.path()), os.Symlink(secret, f.path())); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Check(f.Key()); err == nil {
		t.Error("Check followed a link")
	}
	if err := b.Finish([]string{f.Key()}); err == nil {
		t.Error("Finish followed a link")
	}
	if found, err := b.Find([]string{f.Key()}); err != nil || found[0].Place != Nowhere {
		t.Errorf("Find: %v, %v", found, err)
	}
}

func TestSweep(t *testing.T) {
	b := open(t, Options{})
	spool(t, b, "stale", "stale")
	if err := os.Mkdir(filepath.Join(b.spoolPath(), "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	b = reopen(t, b, nil)
	if err := b.Sweep(); err != nil {
		t.Error(err)
	}
	if got := list(t, b.spoolPath()); !slices.Equal(got, []string{"folder"}) {
		t.Errorf("in the spool: %v", got)
	}
}

// What cannot be swept is told: else a message's copy would lie there for good.
func TestSweepThatFails(t *testing.T) {
	for _, op := range []string{"list", "stat", "remove"} {
		b := open(t, Options{})
		spool(t, b, "stale")
		d := &spyDisk{Disk: newKernel()}
		b = reopen(t, b, d)
		d.hook = failAt(op, d.count(op)+1, unix.EIO)
		if err := b.Sweep(); !errors.Is(err, unix.EIO) {
			t.Errorf("%s fails: %v", op, err)
		}
		if err := b.Sweep(); err != nil || len(list(t, b.spoolPath())) > 0 {
			t.Errorf("after %s failed: %v, in the spool: %v", op, err, list(t, b.spoolPath()))
		}
	}
}

// The spool of another account or machine in the same Maildir is not ours.
func TestSweepLeavesOtherSpools(t *testing.T) {
	b := open(t, Options{})
	other, err := Open(b.Path(), "id2", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	files := spool(t, other, "theirs")
	if err := b.Sweep(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(other.Sync(files), other.Deliver(files)); err != nil {
		t.Error(err)
	}
}

func TestRecoveryWithoutSpool(t *testing.T) {
	b := open(t, Options{})
	if err := errors.Join(b.Sweep(), b.Remove([]string{"1.x"}), b.SyncFolders(), b.Finish(nil)); err != nil {
		t.Error(err)
	}
	var lost *LostError
	if err := b.Finish([]string{"1.x"}); !errors.As(err, &lost) || !slices.Equal(lost.Keys, []string{"1.x"}) {
		t.Errorf("Finish: %v", err)
	}
}

func TestKeys(t *testing.T) {
	b := open(t, Options{})
	files := spool(t, b, "a\n", "bb\n", "ccc\n", "dddd\n")
	if err := errors.Join(b.Sync(files[:3]), b.Deliver(files[:3])); err != nil {
		t.Fatal(err)
	}
	rename(t, filepath.Join(b.Path(), "new", files[1].Key()), filepath.Join(b.Path(), "cur", files[1].Key()+":2,FS"))
	for i := range 10_000 { // more than are read at a time
		if err := os.WriteFile(filepath.Join(b.Path(), "cur", fmt.Sprintf("%d.foreign:2,S", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := map[Hash]Entry{}
	if err := b.Keys(func(e Entry) error { got[e.Hash] = e; return nil }); err != nil {
		t.Fatal(err)
	}
	for i, body := range []string{"a\n", "bb\n", "ccc\n"} {
		e, ok := got[UIDHash("me@host", []byte(body))]
		if !ok || e.Size != int64(len(body)) || e.Virtual != e.Size+1 || !strings.HasPrefix(e.Name, files[i].Key()) {
			t.Errorf("message %d: %+v", i, e)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d keys, want 3: what is in the spool is not delivered", len(got))
	}
	calls, stop := 0, errors.New("stop")
	if err := b.Keys(func(Entry) error { calls++; return stop }); !errors.Is(err, stop) || calls != 1 {
		t.Errorf("stopped after %d: %v", calls, err)
	}
}
