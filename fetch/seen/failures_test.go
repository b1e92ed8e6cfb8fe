package seen

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// failed makes one failure for each UID, the first at the start, each a minute after the one before.
func failed(names ...string) (all []Failure) {
	for i, n := range names {
		all = append(all, Failure{UID: []byte(n), Count: 1, Last: start.Add(time.Duration(i) * time.Minute), Reason: "cut off"})
	}
	return all
}

// failures tells all failures in words, in the order of their UIDs.
func (b *bed) failures() (all []string) {
	b.Helper()
	list, err := b.Failures()
	b.must(err)
	for _, f := range list {
		all = append(all, fmt.Sprintf("%s %d %d %s", f.UID, f.Count, f.Last.Sub(start)/time.Minute, f.Reason))
	}
	slices.Sort(all)
	return all
}

// commits counts the transactions of a file.
func (b *bed) commits() (n int) {
	b.Helper()
	b.must(b.db.View(func(tx *bolt.Tx) error {
		n = tx.ID()
		return nil
	}))
	return n
}

func TestFailuresAreStoredReplacedAndCleared(t *testing.T) {
	again := []Failure{{UID: []byte("b"), Count: 2, Last: start.Add(time.Hour), Reason: "too slow"}}
	b := newBed(t)
	for _, step := range []struct {
		what    string
		failed  []Failure
		cleared [][]byte
		want    []string
		commits int
	}{
		{"nothing on a file without the bucket", nil, nil, nil, 0},
		{"cleared on a file without the bucket", nil, uids("a"), nil, 0},
		{"first", failed("a", "b", ""), nil, []string{" 1 2 cut off", "a 1 0 cut off", "b 1 1 cut off"}, 1},
		{"the same again", failed("a", "b", ""), nil, []string{" 1 2 cut off", "a 1 0 cut off", "b 1 1 cut off"}, 0},
		{"failed again, and one fetched", again, uids("a"), []string{" 1 2 cut off", "b 2 60 too slow"}, 1},
		{"cleared twice", nil, uids("", "", "a"), []string{"b 2 60 too slow"}, 1},
		{"cleared already", nil, uids("", "a", "never"), []string{"b 2 60 too slow"}, 0},
		{"failed and cleared in one call", again, uids("b"), []string{"b 2 60 too slow"}, 1},
		{"the last one", nil, uids("b"), nil, 1},
		{"anew", failed("c"), nil, []string{"c 1 0 cut off"}, 1},
	} {
		before := b.commits()
		b.must(b.NoteFailures(step.failed, step.cleared))
		b.want(step.what+": transactions", b.commits()-before, step.commits)
		b.want(step.what, b.failures(), step.want)
	}
	b.reopen()
	b.want("the next run", b.failures(), []string{"c 1 0 cut off"})
	b.want("fresh", b.Fresh(), true)
}

func TestFailureIsKeptWithinBounds(t *testing.T) {
	b := newBed(t)
	for _, c := range []struct{ what, reason, want string }{
		{"none", "", ""},
		{"odd bytes", "\xff\x00\x1b[2J", "\xff\x00\x1b[2J"},
		{"just right", strings.Repeat("x", MaxReason), strings.Repeat("x", MaxReason)},
		{"too long", strings.Repeat("x", MaxReason+1), strings.Repeat("x", MaxReason)},
		{"no character is split", strings.Repeat("x", MaxReason-1) + "é!", strings.Repeat("x", MaxReason-1)},
		{"nor a long one", strings.Repeat("x", MaxReason-3) + "𝄞!", strings.Repeat("x", MaxReason-3)},
		{"a character that just fits", strings.Repeat("x", MaxReason-2) + "é!", strings.Repeat("x", MaxReason-2) + "é"},
		{"no characters at all", strings.Repeat("\x80", MaxReason+9), strings.Repeat("\x80", MaxReason)},
	} {
		b.must(b.NoteFailures([]Failure{{UID: []byte("a"), Count: 1, Last: start, Reason: c.reason}}, nil))
		all, err := b.Failures()
		if err != nil || len(all) != 1 || all[0].Reason != c.want {
			t.Errorf("%s: %+v, %v, want %q", c.what, all, err, c.want)
		}
	}
	for what, bad := range map[string]Failure{
		"uid":      {UID: make([]byte, MaxUID+1), Count: 1},
		"no count": {UID: []byte("b")},
		"negative": {UID: []byte("b"), Count: -1},
		"too many": {UID: []byte("b"), Count: math.MaxInt32 + 1},
	} {
		if b.NoteFailures([]Failure{bad}, nil) == nil {
			t.Errorf("%s: stored", what)
		}
	}
	b.must(b.NoteFailures([]Failure{{UID: make([]byte, MaxUID), Count: math.MaxInt32}}, nil)) // no time: 1970
}

func TestOldestFailuresAreDropped(t *testing.T) {
	b := newBed(t)
	b.db.NoSync = true
	const more = 7
	names := make([]string, MaxFailures+more)
	for i := range names {
		names[i] = fmt.Sprintf("%032x", (i*7919)%len(names)) // not in the order of their keys
	}
	all := failed(names...)
	b.must(b.NoteFailures(all[:MaxFailures], nil))
	b.must(b.NoteFailures(all[MaxFailures:], nil))
	kept, err := b.Failures()
	b.must(err)
	b.want("kept", len(kept), MaxFailures)
	b.must(b.Close())
	for _, f := range kept {
		if bytes.Equal(f.UID, all[0].UID) { // if it were a part of the mapped file: a fault
			t.Error("the oldest is kept")
		}
		if f.Last.Before(all[more].Last) {
			t.Errorf("%s is kept, an old one", f.UID)
		}
	}
	b.open() // the file is what checkFile takes for whole
	b.want("kept in the file", len(b.failures()), MaxFailures)
	info, err := os.Stat(b.path)
	b.must(err)
	t.Logf("%d failures take %d bytes", MaxFailures, info.Size())
}

// A message that is fetched after all is no failure any more, whichever way it became known.
func TestSeenMessagesAreNoFailures(t *testing.T) {
	for what, learn := range map[string]func(b *bed, ba *Batch) error{
		"Finish":   func(b *bed, ba *Batch) error { return b.Finish([]uint64{ba.ID}, nil) },
		"Begin":    func(b *bed, ba *Batch) error { return b.Begin(batch("other"), ba.ID) },
		"Resolve":  func(b *bed, ba *Batch) error { return b.Resolve(ba, []bool{true, false}) },
		"AddSeen":  func(b *bed, _ *Batch) error { return b.AddSeen([]Entry{{UID: []byte("a"), Fetched: start}}) },
		"Resolve-": func(b *bed, ba *Batch) error { return b.Resolve(ba, []bool{false, true}) },
	} {
		b := newBed(t)
		b.must(b.NoteFailures(failed("a", "b"), nil))
		ba := batch("a", "x")
		b.must(b.Begin(ba))
		b.want(what+": while it is under way", b.failures(), []string{"a 1 0 cut off", "b 1 1 cut off"})
		b.must(learn(b, ba))
		want := []string{"b 1 1 cut off"}
		if what == "Resolve-" { // the message is not there: it is as unfetched as before
			want = []string{"a 1 0 cut off", "b 1 1 cut off"}
		}
		b.want(what, b.failures(), want)
	}
}

func TestUnlistedFailuresLapse(t *testing.T) {
	b := newBed(t)
	b.seen("known")
	b.must(b.NoteFailures(failed("listed", "unlisted"), nil))
	b.now = start.Add(KeepVanished)
	m := b.match("known", "listed")
	b.want("changes before", m.Changes(), false)
	b.now = start.Add(KeepVanished + 2*time.Minute)
	m = b.match("known", "listed")
	b.want("lapsed", m.Lapsed, 1)
	b.must(b.Finish(nil, m))
	b.want("left", b.failures(), []string{"listed 1 0 cut off"})
	b.want("changes after", b.match("known", "listed").Changes(), false)
}

func TestFailuresOfOthers(t *testing.T) {
	b := newBed(t)
	b.must(b.NoteFailures(failed("a"), nil))
	b.must(b.Close())
	s, err := Open(b.path, me, Options{ReadOnly: true})
	b.must(err)
	if all, err := s.Failures(); err != nil || len(all) != 1 {
		t.Errorf("read-only: %v, %v", all, err)
	}
	if err := s.NoteFailures(failed("a"), uids("b")); err != nil {
		t.Errorf("read-only, nothing to write: %v", err)
	}
	for what, err := range map[string]error{"stored": s.NoteFailures(failed("b"), nil), "cleared": s.NoteFailures(nil, uids("a"))} {
		if !errors.Is(err, errReadOnly) {
			t.Errorf("read-only, %s: %v", what, err)
		}
	}
	b.must(s.Close())
	none, err := Open(b.path+"2", me, Options{ReadOnly: true})
	b.must(err)
	if all, err := none.Failures(); err != nil || len(all) != 0 {
		t.Errorf("no file: %v, %v", all, err)
	}
	if err := errors.Join(none.NoteFailures(nil, uids("a")), none.Close()); err != nil {
		t.Errorf("no file, nothing to clear: %v", err)
	}
	if err := none.NoteFailures(failed("a"), nil); err == nil {
		t.Error("no file: stored")
	}
	b.open()
}

func TestDamagedFailures(t *testing.T) {
	key := uidKey([]byte("a"))
	good := Failure{Count: 1, Last: start, Reason: "cut off"}
	for what, put := range map[string]struct{ key, sealed []byte }{
		"no seal":       {key, []byte{1}},
		"other's seal":  {key, seal([]byte("ub"), good.encode())},
		"not a failure": {[]byte("x"), seal([]byte("x"), good.encode())},
		"too short":     {key, seal(key, []byte{1, 2})},
		"too long":      {key, seal(key, append(good.encode(), 0))},
		"no count":      {key, seal(key, []byte{0, 0, 0})},
		"long reason":   {key, seal(key, appendBytes([]byte{1, 0}, strings.Repeat("x", MaxReason+1)))},
	} {
		b := newBed(t)
		b.must(b.NoteFailures(failed("z"), nil))
		b.must(b.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketFailed).Put(put.key, put.sealed) }))
		if _, err := b.Failures(); !damaged(err) {
			t.Errorf("%s: Failures: %v", what, err)
		}
		if err := b.NoteFailures(failed("y"), nil); !damaged(err) {
			t.Errorf("%s: NoteFailures: %v", what, err)
		}
		if _, err := b.Match(listing("y")); !damaged(err) {
			t.Errorf("%s: Match: %v", what, err)
		}
	}
}

func FuzzFailure(f *testing.F) {
	for _, one := range []Failure{
		{Count: 1, Last: start, Reason: "cut off"},
		{Count: math.MaxInt32, Reason: strings.Repeat("\xff", MaxReason)},
	} {
		f.Add(one.encode())
	}
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 32))
	f.Fuzz(func(t *testing.T, value []byte) {
		one, err := decodeFailure([]byte("a"), value)
		if err != nil {
			return
		}
		if err := one.check(); err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		again, err := decodeFailure([]byte("a"), one.encode())
		if err != nil || !reflect.DeepEqual(one, again) {
			t.Fatalf("read %v, wrote and read %v, %v", one, again, err)
		}
	})
}
