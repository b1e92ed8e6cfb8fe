package seen

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"
)

const records = 1200

// grown is a state that has a bit of everything: several pages and blocks, open batches, failures, notes, free pages.
func grown(t testing.TB) []byte {
	path := filepath.Join(t.TempDir(), "me.state")
	fill(t, path, records, 100, opaque)
	s, err := Open(path, me, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 3 {
		b := batch(fmt.Sprint("open ", i), fmt.Sprint("under way ", i))
		if err := errors.Join(s.Begin(b), s.SetNote("serial", []byte("until tomorrow"))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.NoteFailures(failed("no dot", "too slow"), nil); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// content is all that a state tells.
type content struct {
	spool    string
	records  []Entry
	pending  []*Batch
	failures []Failure
	note     string
}

// use does with a state what a run does, writing included, and tells what it found.
func use(t testing.TB, path string, data []byte) (c content, err error) {
	t.Helper()
	overwrite(t, path, data)
	s, err := Open(path, me, Options{})
	if err != nil {
		return c, err
	}
	defer s.Close()
	s.db.NoSync = true
	c.spool = s.Spool()
	if c.pending, err = s.Pending(); err != nil {
		return c, err
	}
	if c.failures, err = s.Failures(); err != nil {
		return c, err
	}
	note, err := s.Note("serial")
	if err != nil {
		return c, err
	}
	c.note = string(note)
	err = s.Each(func(e Entry) error {
		e.UID = slices.Clone(e.UID)
		c.records = append(c.records, e)
		return nil
	})
	if err != nil {
		return c, err
	}
	m, err := s.Match(listing("some", "thing"))
	if err != nil {
		return c, err
	}
	b := batch("new", "mail")
	if err := s.Begin(b); err != nil {
		return c, err
	}
	if err := s.NoteFailures(failed("new"), uids("too slow")); err != nil {
		return c, err
	}
	return c, s.Finish([]uint64{b.ID}, m)
}

// overwrite writes a file without emptying it first, which ext4 would answer with a sync.
func overwrite(t testing.TB, path string, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(data, 0)
	if err := errors.Join(err, f.Truncate(int64(len(data))), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// The damage is found, or has hit nothing: the file never crashes the program and never tells anything else than it did.
func TestDamageIsFound(t *testing.T) {
	data := grown(t)
	path := filepath.Join(t.TempDir(), "me.state")
	whole, err := use(t, path, data)
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.records) != records || len(whole.pending) != 3 || len(whole.failures) != 2 {
		t.Fatalf("the undamaged state has %d records, %d batches, %d failures", len(whole.records), len(whole.pending), len(whole.failures))
	}
	previous := whole // damage to the newest of the head pages reads as the state before the last transaction
	found := 0
	try := func(what string, spoiled []byte, head bool) {
		t.Helper()
		have, err := use(t, path, spoiled)
		switch {
		case damaged(err):
			found++
		case err != nil:
			t.Errorf("%s: %v", what, err)
		case head && have.spool == whole.spool && len(have.records) == len(previous.records):
		case !reflect.DeepEqual(have, whole):
			t.Errorf("%s: not found, and tells something else", what)
		}
	}
	page := os.Getpagesize()
	const flips = 1000
	random := rand.New(rand.NewPCG(1, 2))
	for n := range flips {
		at, flip := random.IntN(len(data)), byte(1+random.IntN(255))
		if n%2 == 0 { // half of them into the heads of pages, where the lengths and page numbers are
			at = at/page*page + random.IntN(64)
		}
		spoiled := slices.Clone(data)
		spoiled[at] ^= flip
		try(fmt.Sprintf("byte %d ^ %#x", at, flip), spoiled, at < 2*page)
	}
	t.Logf("%d of %d altered bytes were found; the others are in nobody's use", found, flips)
	if found < flips/10 {
		t.Error("hardly any damage was found")
	}
	for size := 0; size < len(data); size += 509 {
		try(fmt.Sprintf("cut to %d bytes", size), data[:size], false)
	}
	for n := range len(data) / page { // pages that were never written, or written by others
		for what, with := range map[string][]byte{"zeroed": make([]byte, page), "other": data[page : 2*page]} {
			spoiled := slices.Clone(data)
			copy(spoiled[n*page:], with)
			try(fmt.Sprintf("page %d %s", n, what), spoiled, n < 2)
		}
	}
}

// A page that is neither part of the tree nor free was cut off from one of them, with all that hung on it.
func TestLostPage(t *testing.T) {
	data := grown(t)
	m, ok, err := newestMeta(bytes.NewReader(data), int64(len(data)))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	count := data[int64(m.freelist)*m.pageSize+10:]
	free := native.Uint16(count)
	if free == 0 {
		t.Fatal("no page is free")
	}
	native.PutUint16(count, free-1)
	if _, err := use(t, filepath.Join(t.TempDir(), "me.state"), data); !damaged(err) {
		t.Error(err)
	}
}

func TestNotAStateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "me.state")
	other := filepath.Join(t.TempDir(), "other.db")
	db, err := bolt.Open(other, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"empty":            nil,
		"text":             []byte("uid1\nuid2\n"),
		"zeros":            make([]byte, 64<<10),
		"another database": foreign,
	} {
		_, err := use(t, path, data)
		if e, ok := errors.AsType[*DamagedError](err); !ok || e.Path != path {
			t.Errorf("%s: %v", name, err)
		}
		left, err := os.ReadFile(path)
		if err != nil || string(left) != string(data) {
			t.Errorf("%s: the file was changed, %v", name, err)
		}
	}
}

func TestNewerFormat(t *testing.T) {
	b := newBed(t)
	b.must(b.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketHead).Put(keyHead, seal(keyHead, []byte{format + 1, 1, 2, 3}))
	}))
	b.must(b.Close())
	_, err := Open(b.path, me, Options{})
	if !errors.Is(err, ErrNewer) || !damaged(err) {
		t.Error(err)
	}
}

// A file that shrinks while it is open is a fault in mapped memory: an error as well, and Close doesn't hang.
func TestCutWhileOpen(t *testing.T) {
	data := grown(t)
	path := filepath.Join(t.TempDir(), "me.state")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, me, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(2*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(batch("a")); !damaged(err) {
		t.Errorf("Begin: %v", err)
	}
	if _, err := s.Match(listing("a")); !damaged(err) {
		t.Errorf("Match: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := Open(path, me, Options{}); !damaged(err) {
		t.Errorf("Open after it: %v", err) // not locked
	}
}

// After a commit that failed nobody knows what is on the disk: the Store refuses all else, and the next one reads.
func TestCommitError(t *testing.T) {
	b := newBed(t)
	b.seen("a")
	b.db.MaxSize = 1 // no page can be added, as on a full disk
	big := make([]string, MaxIntents)
	for i := range big {
		big[i] = fmt.Sprint(i)
	}
	err := b.Begin(batch(big...))
	if _, ok := errors.AsType[*CommitError](err); !ok {
		t.Fatalf("Begin: %v", err)
	}
	for what, err := range map[string]error{
		"Begin":  b.Begin(batch("b")),
		"Finish": b.Finish([]uint64{1}, nil),
		"Each":   b.Each(func(Entry) error { return nil }),
	} {
		if _, ok := errors.AsType[*CommitError](err); !ok {
			t.Errorf("%s after it: %v", what, err)
		}
	}
	b.reopen()
	b.want("known", b.known("a", "b", "0"), []string{"a"})
	b.seen("b")
}

// A page that is not there because the disk cannot read it says nothing about the state, which must not be moved away for it.
func TestUnreadablePageIsNoDamage(t *testing.T) {
	b := newBed(t)
	whole := b.file
	defer func() { b.file = whole }()
	folder, err := os.Open(filepath.Dir(b.path))
	b.must(err)
	defer folder.Close()
	b.file = folder // a file that gives an error to whoever reads it
	err = b.view("look", func(*bolt.Tx) error { panic("unexpected fault address") })
	if damaged(err) || !errors.Is(err, syscall.EISDIR) {
		t.Errorf("%v, want the error of reading", err)
	}
	if _, again := b.Pending(); !errors.Is(again, syscall.EISDIR) {
		t.Errorf("the next call: %v, want the same error", again)
	}
}
