package seen

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

var (
	me    = Identity{Server: "pop.example.org", User: "me@example.org"}
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// bed is one state file, and a clock that stands still unless it is moved.
type bed struct {
	*testing.T
	path string
	now  time.Time
	*Store
}

func newBed(t *testing.T) *bed {
	b := &bed{T: t, path: filepath.Join(t.TempDir(), "me.state"), now: start}
	b.open()
	t.Cleanup(func() { b.Store.Close() })
	return b
}

func (b *bed) options() Options { return Options{Now: func() time.Time { return b.now }} }

func (b *bed) open() {
	b.Helper()
	s, err := Open(b.path, me, b.options())
	b.must(err)
	b.Store = s
}

// reopen is what the next run does.
func (b *bed) reopen() {
	b.Helper()
	b.must(b.Store.Close())
	b.open()
}

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func uids(names ...string) (list [][]byte) {
	for _, n := range names {
		list = append(list, []byte(n))
	}
	return list
}

// listing is the index of a listing with these UIDs.
func listing(names ...string) *Index { return indexOf(uids(names...)) }

func indexOf(list [][]byte) *Index { return NewIndex(len(list), func(i int) []byte { return list[i] }) }

// batch makes one intent for each UID, with sizes and keys that follow from it.
func batch(names ...string) *Batch {
	b := &Batch{Box: Box{Path: "/mail/me", Dev: 7, Ino: 4711}, At: start}
	for _, n := range names {
		in := Intent{UID: []byte(n), Key: fmt.Sprintf("17.H%.60x.host", n), ListSize: int64(100 + len(n)), Size: int64(90 + len(n))}
		copy(in.Sum[:], n)
		b.Intents = append(b.Intents, in)
	}
	return b
}

// seen records UIDs as fetched at the present time, in one batch.
func (b *bed) seen(names ...string) {
	b.Helper()
	ba := batch(names...)
	ba.At = b.now
	b.must(b.Begin(ba))
	b.must(b.Finish([]uint64{ba.ID}, nil))
}

func (b *bed) match(names ...string) *Matched {
	b.Helper()
	m, err := b.Match(listing(names...))
	b.must(err)
	return m
}

// known lists those of names that are known.
func (b *bed) known(names ...string) (known []string) {
	b.Helper()
	m := b.match(names...)
	for i, n := range names {
		if m.At(i).Known {
			known = append(known, n)
		}
	}
	return known
}

// records tells the whole state in words: UID, and "gone" for a vanished one.
func (b *bed) records() (all []string) {
	b.Helper()
	b.must(b.Each(func(e Entry) error {
		name := string(e.UID)
		if !e.Vanished.IsZero() {
			name += " gone"
		}
		all = append(all, name)
		return nil
	}))
	return all
}

func (b *bed) want(what string, have, want any) {
	b.Helper()
	if h, w := fmt.Sprint(have), fmt.Sprint(want); h != w {
		b.Errorf("%s: %s, want %s", what, h, w)
	}
}

func damaged(err error) bool {
	_, ok := errors.AsType[*DamagedError](err)
	return ok
}
