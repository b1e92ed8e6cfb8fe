package seen

import (
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// marks tells the marks of one kind in a listing of messages of 100 octets: hours after the start, or "-".
func (b *bed) marks(kind Mark, names ...string) (all []string) {
	b.Helper()
	matched, err := b.Match(listing(names...))
	b.must(err)
	m, err := b.Marks(kind, matched, func(int) int64 { return 100 })
	b.must(err)
	for i := range names {
		at := "-"
		if t := m.At(i); !t.IsZero() {
			at = t.Sub(start).String()
		}
		all = append(all, at)
	}
	return all
}

// mark marks messages of 100 octets, beside a listing of them and others.
func (b *bed) mark(kind Mark, at time.Time, listed []string, names ...string) {
	b.Helper()
	matched, err := b.Match(listing(listed...))
	b.must(err)
	var marked []Marked
	for _, n := range names {
		marked = append(marked, Marked{UID: []byte(n), ListSize: 100, Time: at})
	}
	b.must(b.AddMarks(kind, marked, matched))
}

func TestMarksAreKept(t *testing.T) {
	b := newBed(t)
	all := []string{"a", "b", "c"}
	if got := b.marks(Told, all...); !slices.Equal(got, []string{"-", "-", "-"}) {
		t.Errorf("a new state has marks: %v", got)
	}
	b.mark(Told, start.Add(time.Hour), all, "c")
	b.mark(Told, start.Add(2*time.Hour), all, "a")
	b.mark(Dated, start.Add(-time.Hour), all, "b")
	b.reopen()
	if got := b.marks(Told, "c", "b", "a", "d"); !slices.Equal(got, []string{"1h0m0s", "-", "2h0m0s", "-"}) {
		t.Errorf("told: %v", got)
	}
	if got := b.marks(Dated, all...); !slices.Equal(got, []string{"-", "-1h0m0s", "-"}) {
		t.Errorf("dated: %v", got)
	}
	if !b.Fresh() {
		t.Error("a mark counts as a message")
	}
}

// A UID that is used again for a message of another size is not marked.
func TestMarkOfAnotherMessage(t *testing.T) {
	b := newBed(t)
	matched, err := b.Match(listing("a"))
	b.must(err)
	b.must(b.AddMarks(Told, []Marked{{UID: []byte("a"), ListSize: 99, Time: start}}, matched))
	if got := b.marks(Told, "a"); got[0] != "-" {
		t.Errorf("marked at %v", got)
	}
	b.mark(Told, start, []string{"a"}, "a")
	if got := b.marks(Told, "a"); got[0] != "0s" {
		t.Errorf("marked at %v", got)
	}
}

// A message that is marked again, since it has another size each time, has one mark.
func TestMarksAreReplaced(t *testing.T) {
	b := newBed(t)
	matched, err := b.Match(listing("a", "b"))
	b.must(err)
	for size := range int64(5) {
		b.must(b.AddMarks(Dated, []Marked{{UID: []byte("b"), ListSize: size, Time: start}}, matched))
	}
	b.must(b.view("count", func(tx *bolt.Tx) error {
		n := 0
		err := tx.Bucket(bucketDated).ForEach(func(key, sealed []byte) error {
			return eachRecord(key, sealed, func(entry) { n++ })
		})
		b.want("marks", n, 1)
		return err
	}))
}

// Marks of what the server no longer lists are forgotten when marks are added, KeepVanished later.
func TestMarksAreForgotten(t *testing.T) {
	b := newBed(t)
	b.mark(Told, start, []string{"a", "b"}, "a", "b")
	b.mark(Told, start, []string{"b", "c"}, "c") // a is no longer listed
	b.now = start.Add(KeepVanished)
	b.mark(Told, start, []string{"b", "d"}, "d") // c neither
	if got := b.marks(Told, "a", "b", "c", "d"); !slices.Equal(got, []string{"0s", "0s", "0s", "0s"}) {
		t.Errorf("forgotten too early: %v", got)
	}
	b.now = b.now.Add(time.Hour)
	b.mark(Told, start, []string{"b", "d", "e"}, "e")
	if got := b.marks(Told, "a", "b", "c", "d", "e"); !slices.Equal(got, []string{"-", "0s", "0s", "0s", "0s"}) {
		t.Errorf("kept too long: %v", got)
	}
}

func TestNoMarksWriteNothing(t *testing.T) {
	b := newBed(t)
	before := b.commits()
	b.mark(Told, start, []string{"a"})
	b.marks(Dated, "a")
	if b.commits() != before {
		t.Error("nothing was marked, and something written")
	}
}

// Many marks in several transactions fill several blocks.
func TestManyMarks(t *testing.T) {
	b := newBed(t)
	var all []string
	for i := range 3000 {
		all = append(all, string(rune('a'+i%26))+time.Duration(i).String())
	}
	for chunk := range slices.Chunk(all, 700) {
		b.mark(Dated, start, all, chunk...)
	}
	b.reopen()
	for i, at := range b.marks(Dated, all...) {
		if at != "0s" {
			t.Fatalf("mark %d is %s", i, at)
		}
	}
}
