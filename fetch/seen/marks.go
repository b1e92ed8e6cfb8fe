package seen

import (
	"fmt"
	"math"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Mark is what is remembered of a message that was left on the server and is not seen.
type Mark int

// The marks. Each is a time.
const (
	Told  Mark = iota // when it was told that the message is too large
	Dated             // how old the message is: when it reached the mailbox
)

func (m Mark) bucket() []byte {
	if m == Told {
		return bucketTold
	}
	return bucketDated
}

// Marks are the marks of one kind beside a listing, in 4 bytes for each message. The zero value has none, and takes none.
type Marks struct{ seconds []uint32 } // 0 is no mark

// At returns the time of the i-th name's mark, to the second; the zero time where it has none.
func (m Marks) At(i int) time.Time {
	if m.seconds == nil || m.seconds[i] == 0 {
		return time.Time{}
	}
	return time.Unix(int64(m.seconds[i]), 0)
}

// Set gives the i-th name a mark, in memory alone. A time before 1970 is kept as its beginning.
func (m Marks) Set(i int, t time.Time) { m.seconds[i] = uint32(markSeconds(t)) }

// markSeconds makes the time of a mark storable.
func markSeconds(t time.Time) int64 { return min(max(seconds(t), 1), math.MaxUint32) }

// Marks looks up the marks of one kind in a listing that was matched. size gives LIST's size of the i-th message: a mark of a message of
// another size is not this one's, for the UID is used again.
func (s *Store) Marks(kind Mark, of *Matched, size func(i int) int64) (m Marks, err error) {
	listed := of.listed
	m.seconds = make([]uint32, listed.n)
	err = s.view("read marks", func(tx *bolt.Tx) error {
		b := tx.Bucket(kind.bucket())
		if b == nil {
			return nil
		}
		listed.rewind()
		return b.ForEach(func(key, sealed []byte) error {
			return eachRecord(key, sealed, func(e entry) {
				if i := listed.find(e.uid); i >= 0 && e.size == boundSize(size(i)) {
					m.Set(i, time.Unix(e.fetched, 0))
				}
			})
		})
	})
	return m, err
}

// Marked is a message with the time of its mark. A time before 1970 is kept as its beginning.
type Marked struct {
	UID      []byte
	ListSize int64 // bytes, as LIST says
	Time     time.Time
}

// AddMarks marks messages of a listing, in one transaction, or in none for no messages. Marks of UIDs that the server has not listed for
// KeepVanished are forgotten with it, and so are older marks of those that are marked, so that no more are kept than there were messages;
// the same holds for of as for Finish.
func (s *Store) AddMarks(kind Mark, marked []Marked, of *Matched) error {
	if len(marked) == 0 {
		return nil
	}
	entries := make([]entry, len(marked))
	for i, m := range marked {
		if err := checkUID(m.UID); err != nil {
			return fmt.Errorf("add marks: %w", err)
		}
		entries[i] = entry{uid: m.UID, size: boundSize(m.ListSize), fetched: markSeconds(m.Time), gone: stays}
	}
	again := NewIndex(len(entries), func(i int) []byte { return entries[i].uid })
	return s.update("add marks", func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(kind.bucket())
		if err != nil {
			return err
		}
		b.FillPercent = 1 // as in bucket
		of.listed.rewind()
		if err := rewriteBlocks(b, b.ForEach, func(e *entry) bool { return !again.Has(e.uid) && of.sweep(e) }); err != nil {
			return err
		}
		return appendRecords(b, entries)
	})
}
