package seen

import bolt "go.etcd.io/bbolt"

// Forget removes the records of these UIDs in one transaction, so that the messages are fetched again, and returns how many
// records that were. Until then they are Wanted.
func (s *Store) Forget(uids [][]byte) (n int, err error) {
	if len(uids) == 0 {
		return 0, nil
	}
	err = s.update("forget", func(tx *bolt.Tx) (err error) {
		if n, err = forget(tx, len(uids), func(i int) []byte { return uids[i] }); err != nil {
			return err
		}
		b, err := tx.CreateBucketIfNotExists(bucketWanted)
		for _, uid := range uids {
			if err == nil {
				err = b.Put(uidKey(uid), seal(uidKey(uid), nil))
			}
		}
		return err
	})
	return n, err
}

// ForgetAll removes all records and stores notes, in one transaction, and returns how many records that were. The state isn't Fresh
// afterwards: that it knows nothing is meant.
func (s *Store) ForgetAll(notes ...Note) (n int, err error) {
	err = s.update("forget all", func(tx *bolt.Tx) error {
		if err := allRecords(tx, func(entry) { n++ }); err != nil {
			return err
		}
		if err := tx.DeleteBucket(bucketSeen); err != nil {
			return err
		}
		if _, err := tx.CreateBucket(bucketSeen); err != nil {
			return err
		}
		if _, err := nextBatch(tx); err != nil {
			return err
		}
		return putNotes(tx, notes)
	})
	return n, err
}

// Wanted returns the UIDs that were forgotten and not fetched since: what is found of them in a Maildir is no reason not to fetch them.
func (s *Store) Wanted() (uids map[string]bool, err error) {
	err = s.view("read what is wanted", func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketWanted)
		if b == nil {
			return nil
		}
		uids = make(map[string]bool)
		return b.ForEach(func(key, sealed []byte) error {
			if _, err := unseal(key, sealed); err != nil {
				return err
			}
			if len(key) == 0 || key[0] != uidMark {
				return damagef("wanted %.64q", key)
			}
			uids[string(key[1:])] = true
			return nil
		})
	})
	return uids, err
}

// clearWanted has n UIDs wanted no more.
func clearWanted(tx *bolt.Tx, n int, uid func(i int) []byte) error {
	return clearUIDs(tx.Bucket(bucketWanted), n, uid)
}

// clearUIDs removes n UIDs from a bucket, which may be nil.
func clearUIDs(b *bolt.Bucket, n int, uid func(i int) []byte) error {
	if b == nil {
		return nil
	}
	if first, _ := b.Cursor().First(); first == nil {
		return nil
	}
	for i := range n {
		if err := b.Delete(uidKey(uid(i))); err != nil {
			return err
		}
	}
	return nil
}

func forget(tx *bolt.Tx, n int, uid func(i int) []byte) (forgotten int, err error) {
	x := NewIndex(n, uid)
	err = rewrite(tx, func(e *entry) bool {
		if x.find(e.uid) < 0 {
			return true
		}
		forgotten++
		return false
	})
	return forgotten, err
}
