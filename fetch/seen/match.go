package seen

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Record is what the state knows about a UID.
type Record struct {
	Known    bool      // fetched and recorded
	ListSize int64     // bytes, as LIST said when it was fetched; NoSize if unknown or in doubt
	Fetched  time.Time // to the second
	Returned bool      // it had vanished from the listing, or was deleted, and is listed again
}

// Matched is a listing beside the state. It holds on to the listing's UIDs, which must not change until Finish.
type Matched struct {
	listed index
	found  []found // for each UID of the listing
	now    int64

	// What Finish would write.
	Vanished int // seen records that are no longer listed, since now
	Returned int // that had vanished and are listed again
	Expired  int // that vanished KeepVanished ago or earlier, and are to be forgotten
	Lapsed   int // failures of UIDs that aren't listed, KeepVanished old or older, and to be forgotten
	// Missing counts all seen records that aren't listed, those that vanished in earlier runs included.
	Missing int
}

// found is the stored half of a Record. A million of them is 16 MB; Records would be 48. Of one that has returned, fetched is stored
// as its complement, which is negative.
type found struct{ size, fetched int64 }

const unknown = NoSize - 1

// Len is the number of UIDs in the listing.
func (m *Matched) Len() int { return len(m.found) }

// At returns what is known about the i-th UID of the listing.
func (m *Matched) At(i int) Record {
	f := m.found[i]
	if f.size == unknown {
		return Record{ListSize: NoSize}
	}
	return Record{Known: true, ListSize: f.size, Fetched: time.Unix(max(f.fetched, ^f.fetched), 0), Returned: f.fetched < 0}
}

// Changes says whether Finish has to write anything about the listing.
func (m *Matched) Changes() bool { return m.Vanished+m.Returned+m.Expired+m.Lapsed > 0 }

// Match looks up a listing, in any order. Equal UIDs get equal answers. UIDs of open intents are not known: resolve those
// before.
func (s *Store) Match(uids [][]byte) (*Matched, error) {
	return s.MatchFunc(len(uids), func(i int) []byte { return uids[i] })
}

// MatchFunc is Match for n UIDs that uid hands out, for a listing that isn't a [][]byte.
func (s *Store) MatchFunc(n int, uid func(i int) []byte) (*Matched, error) {
	m := &Matched{found: make([]found, n), now: seconds(s.now())}
	for i := range m.found {
		m.found[i].size = unknown
	}
	twins := m.listed.build(n, uid)
	err := s.view("match the listing", func(tx *bolt.Tx) error {
		if err := allRecords(tx, m.see); err != nil {
			return err
		}
		return eachFailure(tx, func(f Failure) {
			if m.lapsed(f) {
				m.Lapsed++
			}
		})
	})
	if err != nil {
		return nil, err
	}
	for _, t := range twins {
		m.found[t.later] = m.found[t.first]
	}
	return m, nil
}

// see takes note of one seen record. Of several with the same UID the last one counts.
func (m *Matched) see(e entry) {
	i := m.listed.find(e.uid)
	if i >= 0 {
		m.found[i] = found{size: e.size, fetched: e.fetched}
		if e.gone != stays {
			m.found[i].fetched = ^e.fetched
		}
	}
	switch {
	case i >= 0 && e.gone != stays:
		m.Returned++
	case i >= 0:
	case e.gone == stays:
		m.Missing++
		m.Vanished++
	case m.expired(e):
		m.Missing++
		m.Expired++
	default:
		m.Missing++
	}
}

func (m *Matched) expired(e entry) bool { return m.longAgo(e.gone) }

// lapsed says whether a failure is of no more use: a message that is listed is tried again, and fails again, within days.
func (m *Matched) lapsed(f Failure) bool {
	return m.longAgo(f.Last.Unix()) && m.listed.find(f.UID) < 0
}

func (m *Matched) longAgo(second int64) bool {
	return m.now-second > int64(KeepVanished/time.Second)
}

// sweep marks, unmarks or drops one seen record. Records that were made since Match are of listed UIDs, and left alone.
func (m *Matched) sweep(e *entry) (keep bool) {
	switch {
	case m.listed.find(e.uid) >= 0:
		e.gone = stays
	case e.gone == stays:
		e.gone = m.now
	case m.expired(*e):
		return false
	}
	return true
}

// index finds the place of a UID in a listing: a hash table of places, open addressing, at most half full. The seed is random,
// so that no server can choose UIDs that collide.
type index struct {
	uid   func(i int) []byte
	seed  maphash.Seed
	slots []uint32 // place + 1; 0 is free
	mask  uint64
}

// twin is a UID that was listed before.
type twin struct{ first, later int32 }

// build fills the index with n UIDs and returns those that occur more than once.
func (x *index) build(n int, uid func(i int) []byte) (twins []twin) {
	size := uint64(1) << bits.Len64(2*uint64(n))
	*x = index{uid: uid, seed: maphash.MakeSeed(), slots: make([]uint32, size), mask: size - 1}
	for i := range n {
		slot, first := x.slot(uid(i))
		if first >= 0 {
			twins = append(twins, twin{first: int32(first), later: int32(i)})
			continue
		}
		x.slots[slot] = uint32(i) + 1
	}
	return twins
}

// find returns the first place of uid in the listing, or -1.
func (x *index) find(uid []byte) int {
	_, i := x.slot(uid)
	return i
}

// slot returns where uid is, and its place; or the free slot where it would be, and -1.
func (x *index) slot(uid []byte) (slot uint64, place int) {
	for slot = maphash.Bytes(x.seed, uid) & x.mask; ; slot = (slot + 1) & x.mask {
		place = int(x.slots[slot]) - 1
		if place < 0 || bytes.Equal(x.uid(place), uid) {
			return slot, place
		}
	}
}
