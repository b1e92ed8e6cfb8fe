package seen

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"
)

// Failure is a message that could not be fetched whole.
type Failure struct {
	UID    []byte
	Count  int       // how often it failed, 1 or more
	Last   time.Time // when it failed last, to the second
	Reason string    // why it failed last: raw, may be the server's words, and not UTF-8
}

// uidMark stands before the UID in a key: bbolt takes no empty key, and servers have sent empty UIDs.
const uidMark = 'u'

func uidKey(uid []byte) []byte { return append([]byte{uidMark}, uid...) }

// Failures returns all failures, in no promised order.
func (s *Store) Failures() (all []Failure, err error) {
	err = s.view("read failures", func(tx *bolt.Tx) error {
		return eachFailure(tx, func(f Failure) {
			f.UID = bytes.Clone(f.UID)
			all = append(all, f)
		})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// NoteFailures removes the failures of the UIDs in cleared and stores those in failed, each in place of the one its UID has, in
// one transaction, or in none if that changes nothing. A UID in both is stored. Reasons are cut to MaxReason bytes. Of more than
// MaxFailures the oldest are dropped.
func (s *Store) NoteFailures(failed []Failure, cleared [][]byte) error {
	for i := range failed {
		if err := failed[i].check(); err != nil {
			return fmt.Errorf("note failures: %w", err)
		}
	}
	changes := len(failed) > 0
	err := s.view("read failures", func(tx *bolt.Tx) error {
		changes = wouldChange(tx.Bucket(bucketFailed), failed, cleared)
		return nil
	})
	if err != nil || !changes {
		return err
	}
	return s.update("note failures", func(tx *bolt.Tx) error {
		if err := clearFailures(tx, len(cleared), func(i int) []byte { return cleared[i] }); err != nil {
			return err
		}
		return putFailures(tx, failed)
	})
}

// putFailures stores failures, and drops the oldest of too many.
func putFailures(tx *bolt.Tx, failed []Failure) error {
	if len(failed) == 0 {
		return nil
	}
	b, err := tx.CreateBucketIfNotExists(bucketFailed) // states of earlier versions have none
	if err != nil {
		return err
	}
	for i := range failed {
		key := uidKey(failed[i].UID)
		if err := b.Put(key, seal(key, failed[i].encode())); err != nil {
			return err
		}
	}
	return dropOldest(b)
}

func (f *Failure) check() error {
	if err := checkUID(f.UID); err != nil {
		return err
	}
	if f.Count < 1 || f.Count > math.MaxInt32 {
		return fmt.Errorf("a message that failed %d times", f.Count)
	}
	return nil
}

// wouldChange says whether there is anything to write. b is nil while nothing ever failed.
func wouldChange(b *bolt.Bucket, failed []Failure, cleared [][]byte) bool {
	if b == nil {
		return len(failed) > 0
	}
	for _, uid := range cleared {
		if b.Get(uidKey(uid)) != nil {
			return true
		}
	}
	for i := range failed {
		key := uidKey(failed[i].UID)
		if !bytes.Equal(b.Get(key), seal(key, failed[i].encode())) {
			return true
		}
	}
	return false
}

// clearFailures removes the failures of n UIDs.
func clearFailures(tx *bolt.Tx, n int, uid func(i int) []byte) error {
	return clearUIDs(tx.Bucket(bucketFailed), n, uid)
}

// clearLapsed removes the failures that lapsed.
func clearLapsed(tx *bolt.Tx, lapsed func(Failure) bool) error {
	var uids [][]byte
	err := eachFailure(tx, func(f Failure) {
		if lapsed(f) {
			uids = append(uids, bytes.Clone(f.UID))
		}
	})
	if err != nil {
		return err
	}
	return clearFailures(tx, len(uids), func(i int) []byte { return uids[i] })
}

// dropOldest keeps the bucket within MaxFailures. A damaged record is an error.
func dropOldest(b *bolt.Bucket) error {
	type dated struct {
		key  []byte
		last int64
	}
	kept := 0
	check := func(key, sealed []byte) error {
		kept++
		_, err := readFailure(key, sealed)
		return err
	}
	if err := b.ForEach(check); err != nil || kept <= MaxFailures {
		return err
	}
	all := make([]dated, 0, kept)
	gather := func(key, sealed []byte) error {
		f, err := readFailure(key, sealed)
		all = append(all, dated{key, f.Last.Unix()})
		return err
	}
	if err := b.ForEach(gather); err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b dated) int { return cmp.Compare(a.last, b.last) })
	for _, old := range all[:len(all)-MaxFailures] {
		if err := b.Delete(old.key); err != nil {
			return err
		}
	}
	return nil
}

// eachFailure calls fn for each failure. The UID is valid only during the call.
func eachFailure(tx *bolt.Tx, fn func(Failure)) error {
	b := tx.Bucket(bucketFailed)
	if b == nil {
		return nil
	}
	return b.ForEach(func(key, sealed []byte) error {
		f, err := readFailure(key, sealed)
		if err == nil {
			fn(f)
		}
		return err
	})
}

// readFailure reads one record; the UID aliases key.
func readFailure(key, sealed []byte) (Failure, error) {
	value, err := unseal(key, sealed)
	if err != nil {
		return Failure{}, err
	}
	if len(key) == 0 || key[0] != uidMark {
		return Failure{}, damagef("failure of %.64q", key)
	}
	return decodeFailure(key[1:], value)
}

func (f *Failure) encode() []byte {
	v := binary.AppendUvarint(nil, uint64(f.Count))
	v = binary.AppendUvarint(v, uint64(max(seconds(f.Last), 0)))
	return appendBytes(v, cut(f.Reason, MaxReason))
}

// decodeFailure is the opposite of encode.
func decodeFailure(uid, value []byte) (Failure, error) {
	r := reader{b: value}
	count := r.uvarint()
	f := Failure{UID: uid, Count: int(count), Last: time.Unix(r.size(), 0), Reason: string(r.bytes(MaxReason))}
	if r.bad || len(r.b) > 0 || count < 1 || count > math.MaxInt32 {
		return Failure{}, damagef("failure of %.64q can't be read", uid)
	}
	return f, nil
}

// cut gives the first bytes of s, at most n, without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for end := n; end > n-utf8.UTFMax; end-- {
		if utf8.RuneStart(s[end]) {
			return s[:end]
		}
	}
	return s[:n]
}
