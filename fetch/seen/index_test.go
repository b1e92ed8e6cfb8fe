package seen

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the listing and whatever is looked for in whatever order: the first place of a name is found, and twins are told, as a plain
// search would.
func TestIndexFindsFirstPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.IntRange(0, 30).Draw(t, "n")) })
		names := rapid.SliceOf(name).Draw(t, "listing")
		if rapid.Bool().Draw(t, "in order") {
			slices.Sort(names)
			names = slices.Compact(names)
		}
		x := listing(names...)
		var twins []Twin
		for i, n := range names {
			if first := slices.Index(names, n); first < i {
				twins = append(twins, Twin{int32(first), int32(i)})
			}
		}
		if !slices.Equal(x.Twins(), twins) {
			t.Fatalf("twins %v, want %v", x.Twins(), twins)
		}
		for _, n := range append(slices.Clone(names), rapid.SliceOf(name).Draw(t, "sought")...) {
			if i := x.find([]byte(n)); i != slices.Index(names, n) {
				t.Fatalf("%q is found at %d, want %d", n, i, slices.Index(names, n))
			}
			if rapid.IntRange(0, 9).Draw(t, "rewind") == 0 {
				x.rewind()
			}
		}
	})
}

// Twins that get names of their own are found by them; those that do not stay twins.
func TestTwinsAreRenamed(t *testing.T) {
	names := []string{"b", "a", "b", "a", "b"}
	x := NewIndex(len(names), func(i int) []byte { return []byte(names[i]) })
	names[2], names[3] = "b#2", "a#2"
	x.Rename()
	if want := []Twin{{0, 4}}; !slices.Equal(x.Twins(), want) {
		t.Errorf("twins %v, want %v", x.Twins(), want)
	}
	for name, want := range map[string]int{"a": 1, "b": 0, "a#2": 3, "b#2": 2, "b#3": -1} {
		if i := x.find([]byte(name)); i != want {
			t.Errorf("%q is found at %d, want %d", name, i, want)
		}
	}
}

// A state that knows a listing in its order costs no hash table.
func TestIndexInOrderMakesNoTable(t *testing.T) {
	b := newBed(t)
	b.seen("a", "b", "c", "d")
	x := listing("a", "b", "c", "d", "e")
	m, err := b.Match(x)
	b.must(err)
	b.must(b.Finish(nil, m))
	b.want("known", m.Known, 4)
	b.want("slots", len(x.slots), 0)
}

// What is known of a listing is kept small, and comes out again as it was.
func TestFound(t *testing.T) {
	var entries []entry
	for _, size := range []int64{NoSize, 0, 1, returnedBit - firstSize - 1, returnedBit - firstSize, returnedBit, 1 << 32, maxSize} {
		for _, fetched := range []int64{0, 1, start.Unix(), math.MaxUint32} {
			entries = append(entries, entry{size: size, fetched: fetched, gone: stays}, entry{size: size, fetched: fetched, gone: fetched})
		}
	}
	m := &Matched{found: make([]found, len(entries)+1)}
	for i, e := range entries {
		m.set(i, e)
	}
	for i, e := range entries {
		if want := (Record{true, e.size, moment(e.fetched), e.gone != stays}); m.At(i) != want {
			t.Errorf("%v became %v", want, m.At(i))
		}
	}
	if last := m.At(len(entries)); last.Known || m.Known != len(entries) {
		t.Errorf("%v, %d known", last, m.Known)
	}
}
