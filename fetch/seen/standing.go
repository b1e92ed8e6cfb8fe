package seen

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Standing is the mailbox as the state has it: what a server lists if nothing has happened since it was last asked. It is found without
// a listing, while that is waited for, and costs no memory for a message.
type Standing struct {
	Messages int       // that were listed whenever they could be
	Gone     int       // that were not
	Oldest   time.Time // when the first of the Messages was fetched; zero if all are only marked as fetched
	row      row
}

// Standing reads the state through.
func (s *Store) Standing() (*Standing, error) {
	st := &Standing{row: newRow(maphash.MakeSeed())}
	err := s.view("read records", func(tx *bolt.Tx) error { return allRecords(tx, st.add) })
	if err != nil {
		return nil, err
	}
	return st, nil
}

func (st *Standing) add(e entry) {
	if e.gone != stays {
		st.Gone++
		return
	}
	st.Messages++
	st.row.add(e.uid)
	if fetched := moment(e.fetched); !fetched.IsZero() && (st.Oldest.IsZero() || fetched.Before(st.Oldest)) {
		st.Oldest = fetched
	}
}

// Is tells whether a listing of n messages, which name hands out, is the one that the state has: with the same UIDs in the same order,
// each greater than the one before, so that none of them can stand for two messages. A listing that is taken for it by chance, one in
// 2^64, will not be so by the next run. One in another order is not found to be the same.
func (st *Standing) Is(n int, name func(i int) []byte) bool {
	if n != st.Messages {
		return false
	}
	listed := newRow(st.row.hash.Seed())
	var before []byte
	for i := range n {
		uid := name(i)
		if bytes.Compare(before, uid) >= 0 {
			return false
		}
		listed.add(uid)
		before = uid
	}
	return listed.hash.Sum64() == st.row.hash.Sum64()
}

// row is a digest of UIDs in their order.
type row struct{ hash *maphash.Hash }

func newRow(seed maphash.Seed) row {
	r := row{new(maphash.Hash)}
	r.hash.SetSeed(seed)
	return r
}

// add puts a UID behind its length, so that no two rows run into one another.
func (r row) add(uid []byte) {
	var length [4]byte
	binary.LittleEndian.PutUint32(length[:], uint32(len(uid)))
	_, _ = r.hash.Write(length[:]) // never fails
	_, _ = r.hash.Write(uid)
}
