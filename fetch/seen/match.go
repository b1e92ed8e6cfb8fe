package seen

import (
	"math"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Record is what the state knows about a UID.
type Record struct {
	Known    bool      // fetched and recorded
	ListSize int64     // bytes, as LIST said when it was fetched; NoSize if unknown or in doubt
	Fetched  time.Time // to the second; zero for one that was only marked as fetched
	Returned bool      // it had vanished from the listing, or was deleted, and is listed again
}

// Matched is a listing beside the state. It holds on to the listing's index, whose names must not change until Finish.
type Matched struct {
	listed *Index
	found  []found       // for each name of the listing
	large  map[int]int64 // the sizes that found has no room for
	others map[int]bool  // see Other

	now int64

	Known int // names of the listing that are known
	// What Finish would write.
	Vanished int // seen records that are no longer listed, since now
	Returned int // that had vanished and are listed again, but for those of Other
	Expired  int // that vanished KeepVanished ago or earlier, and are to be forgotten
	Lapsed   int // failures of UIDs that aren't listed, KeepVanished old or older, and to be forgotten
	// Records counts all records, also of what isn't listed, and each of several with the same UID.
	Records int
}

// found is the stored half of a Record, as small as it can be: a listing may have a million names.
type found struct {
	fetched uint32 // Unix seconds, to the year 2106
	size    uint32 // returnedBit, and one of those below
}

const (
	unknown     = iota // the zero value
	withoutSize        // NoSize
	largeSize          // it stands in Matched.large
	firstSize          // a size of 0; the others follow
	returnedBit = 1 << 31
)

// returned is 1 for a name that had vanished.
func (f found) returned() int { return int(f.size / returnedBit) }

// At returns what is known about the i-th name of the listing.
func (m *Matched) At(i int) Record {
	f := m.found[i]
	r := Record{ListSize: NoSize, Fetched: moment(int64(f.fetched)), Known: true, Returned: f.size&returnedBit != 0}
	switch size := f.size &^ returnedBit; size {
	case unknown:
		return Record{ListSize: NoSize}
	case withoutSize:
	case largeSize:
		r.ListSize = m.large[i]
	default:
		r.ListSize = int64(size) - firstSize
	}
	return r
}

// set stores what is known about the i-th name.
func (m *Matched) set(i int, e entry) {
	f := found{fetched: uint32(min(max(e.fetched, 0), math.MaxUint32))}
	switch {
	case e.size == NoSize:
		f.size = withoutSize
	case e.size >= returnedBit-firstSize:
		f.size = largeSize
		if m.large == nil {
			m.large = make(map[int]int64)
		}
		m.large[i] = e.size
	default:
		f.size = uint32(e.size) + firstSize
	}
	if e.gone != stays {
		f.size |= returnedBit
	}
	if m.found[i].size == unknown {
		m.Known++
	}
	m.Returned += f.returned() - m.found[i].returned()
	m.found[i] = f
}

// Other says that the i-th name, which has returned, is or may be another message's: as long as that is not recorded itself, the name's
// record stays that of a message which is gone.
func (m *Matched) Other(i int) {
	if m.others == nil {
		m.others = make(map[int]bool)
	}
	if !m.others[i] {
		m.others[i] = true
		m.Returned--
	}
}

// Changes says whether Finish has to write anything about the listing.
func (m *Matched) Changes() bool { return m.Vanished+m.Returned+m.Expired+m.Lapsed > 0 }

// Match looks up a listing, in any order. Equal names get equal answers. UIDs of open intents are not known: resolve those before.
func (s *Store) Match(listed *Index) (*Matched, error) {
	m := &Matched{listed: listed, found: make([]found, listed.n), now: seconds(s.now())}
	err := s.view("match the listing", func(tx *bolt.Tx) error {
		listed.rewind()
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
	for _, t := range listed.twins {
		m.copyTwin(t)
	}
	return m, nil
}

// copyTwin has the later one of twins be as known as the first.
func (m *Matched) copyTwin(t Twin) {
	m.found[t.Later] = m.found[t.First]
	if m.found[t.First].size == unknown {
		return
	}
	m.Known++
	if size, ok := m.large[int(t.First)]; ok {
		m.large[int(t.Later)] = size
	}
}

// see takes note of one seen record. Of several with the same UID the last one counts.
func (m *Matched) see(e entry) {
	m.Records++
	i := m.listed.find(e.uid)
	switch {
	case i >= 0:
		m.set(i, e)
	case e.gone == stays:
		m.Vanished++
	case m.expired(e):
		m.Expired++
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
	i := m.listed.find(e.uid)
	switch {
	case i >= 0 && m.others[i]:
	case i >= 0:
		e.gone = stays
	case e.gone == stays:
		e.gone = m.now
	case m.expired(*e):
		return false
	}
	return true
}
