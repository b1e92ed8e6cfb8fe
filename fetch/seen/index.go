package seen

import (
	"bytes"
	"hash/maphash"
	"math/bits"
)

// Index finds the place of a name in a listing, in which some messages may have none. The records of a state come nearly always in the
// order of the listing, so it looks behind the place that it found last; only for a name that is not there is a hash table made: of
// places, open addressing, at most half full. Its seed is random, so that no server can choose UIDs that collide. For one goroutine.
type Index struct {
	n     int
	name  func(i int) []byte
	next  int // the place behind the one found last
	twins []Twin

	seed  maphash.Seed
	slots []uint32 // place + 1; 0 is free; nil while there is no table
	mask  uint64
}

// Twin is a place whose name stands in the listing before it.
type Twin struct{ First, Later int32 }

// NewIndex gives the index of n names that name hands out, nil where there is none.
func NewIndex(n int, name func(i int) []byte) *Index {
	x := &Index{n: n, name: name}
	if !x.ascending() {
		x.build()
	}
	return x
}

// ascending says whether the names are in strict order: then there are no twins.
func (x *Index) ascending() bool {
	if x.n == 0 {
		return true
	}
	before := x.name(0)
	for i := 1; i < x.n; i++ {
		name := x.name(i)
		if bytes.Compare(before, name) >= 0 {
			return false
		}
		before = name
	}
	return true
}

// Twins gives the places whose names stand before them, with the first place of each, ascending.
func (x *Index) Twins() []Twin { return x.twins }

// Rename takes note that name hands out other names for the later ones of the twins.
func (x *Index) Rename() {
	twins := x.twins
	x.twins = nil
	for _, t := range twins {
		x.insert(int(t.Later))
	}
}

// build makes the hash table.
func (x *Index) build() {
	named := uint64(0)
	for i := range x.n {
		if x.name(i) != nil {
			named++
		}
	}
	size := uint64(1) << bits.Len64(2*named)
	x.seed, x.slots, x.mask = maphash.MakeSeed(), make([]uint32, size), size-1
	for i := range x.n {
		x.insert(i)
	}
}

func (x *Index) insert(i int) {
	name := x.name(i)
	if name == nil {
		return
	}
	slot, first := x.slot(name)
	if first >= 0 {
		x.twins = append(x.twins, Twin{First: int32(first), Later: int32(i)})
		return
	}
	x.slots[slot] = uint32(i) + 1
}

// Has tells whether a name is in the listing.
func (x *Index) Has(name []byte) bool { return x.find(name) >= 0 }

// rewind has find begin again at the first place.
func (x *Index) rewind() { x.next = 0 }

// find returns the first place of name in the listing, or -1.
func (x *Index) find(name []byte) int {
	if x.next < x.n && len(x.twins) == 0 {
		if next := x.name(x.next); next != nil && bytes.Equal(next, name) {
			x.next++
			return x.next - 1
		}
	}
	if x.slots == nil {
		x.build()
	}
	_, i := x.slot(name)
	if i >= 0 {
		x.next = i + 1
	}
	return i
}

// slot returns where name is, and its place; or the free slot where it would be, and -1.
func (x *Index) slot(name []byte) (slot uint64, place int) {
	for slot = maphash.Bytes(x.seed, name) & x.mask; ; slot = (slot + 1) & x.mask {
		place = int(x.slots[slot]) - 1
		if place < 0 || bytes.Equal(x.name(place), name) {
			return slot, place
		}
	}
}
