package seen

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

var keyHead = []byte("head")

// view runs fn on a snapshot of the state. A state that isn't there yet (see Options.ReadOnly) is empty: fn isn't called.
func (s *Store) view(doing string, fn func(*bolt.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return fmt.Errorf("%s: %w", doing, s.refuse)
	}
	if s.db == nil {
		return nil
	}
	if err := s.guard(func() error { return s.look(fn) }); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// look runs fn on a snapshot and keeps nothing of it in memory.
func (s *Store) look(fn func(*bolt.Tx) error) error {
	return s.db.View(func(tx *bolt.Tx) error {
		defer release(tx)
		return fn(tx)
	})
}

// update runs fn in one transaction and makes it durable. fn puts the head by putHead only.
func (s *Store) update(doing string, fn func(*bolt.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return fmt.Errorf("%s: %w", doing, s.refuse)
	}
	if s.db == nil || s.db.IsReadOnly() {
		return fmt.Errorf("%s: %w", doing, errReadOnly)
	}
	if err := s.guard(func() error { return s.transact(fn) }); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (s *Store) transact(fn func(*bolt.Tx) error) error {
	tx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	h, err := getHead(tx)
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		s.refuse = &CommitError{Path: s.path, Err: err}
		return s.refuse
	}
	s.head = h
	return s.look(func(*bolt.Tx) error { return nil })
}

// bucket returns a bucket of those that were made with the file.
func bucket(tx *bolt.Tx, name []byte) (*bolt.Bucket, error) {
	b := tx.Bucket(name)
	if b == nil {
		return nil, damagef("no %s in it", name)
	}
	b.FillPercent = 1 // keys grow, so a page that was filled is never inserted into
	return b, nil
}

func getHead(tx *bolt.Tx) (head, error) {
	b, err := bucket(tx, bucketHead)
	if err != nil {
		return head{}, err
	}
	value, err := unseal(keyHead, b.Get(keyHead))
	if err != nil {
		return head{}, err
	}
	return decodeHead(value)
}

func putHead(tx *bolt.Tx, h head) error {
	b, err := bucket(tx, bucketHead)
	if err != nil {
		return err
	}
	return b.Put(keyHead, seal(keyHead, h.encode()))
}

// nextBatch counts one batch more and returns its ID.
func nextBatch(tx *bolt.Tx) (uint64, error) {
	h, err := getHead(tx)
	if err != nil {
		return 0, err
	}
	h.batches++
	return h.batches, putHead(tx, h)
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Begin stores the intents of b with its notes, and turns those of the settled batches, whose files are in new/ durably, to seen: in one
// transaction. It sets b.ID.
func (s *Store) Begin(b *Batch, settle ...uint64) error {
	if err := b.check(); err != nil {
		return fmt.Errorf("begin batch: %w", err)
	}
	if b.At.IsZero() {
		b.At = s.now()
	}
	var id uint64
	err := s.update("begin batch", func(tx *bolt.Tx) (err error) {
		if err := settleAll(tx, settle); err != nil {
			return err
		}
		if err := putNotes(tx, b.Notes); err != nil {
			return err
		}
		if id, err = nextBatch(tx); err != nil {
			return err
		}
		intents, err := bucket(tx, bucketIntent)
		if err != nil {
			return err
		}
		return intents.Put(number(id), seal(number(id), b.encode()))
	})
	if err == nil {
		b.ID = id
	}
	return err
}

// Finish turns the settled batches to seen and, unless m is nil, writes what m found about the listing: UIDs that vanished
// are marked, those that are listed again unmarked, those that vanished KeepVanished ago forgotten, and so are the failures of
// UIDs that are no longer listed, as long after they failed last. It's one transaction, or none if there is nothing to write.
// Give no m of a listing that may be incomplete.
func (s *Store) Finish(settle []uint64, m *Matched) error {
	if len(settle) == 0 && (m == nil || !m.Changes()) {
		return nil
	}
	return s.update("finish", func(tx *bolt.Tx) error {
		if err := settleAll(tx, settle); err != nil {
			return err
		}
		if m == nil || !m.Changes() {
			return nil
		}
		if err := clearLapsed(tx, m.lapsed); err != nil {
			return err
		}
		m.listed.rewind()
		return rewrite(tx, m.sweep)
	})
}

// Pending returns the open batches, oldest first.
func (s *Store) Pending() (open []*Batch, err error) {
	err = s.view("read intents", func(tx *bolt.Tx) error {
		intents, err := bucket(tx, bucketIntent)
		if err != nil {
			return err
		}
		return intents.ForEach(func(key, sealed []byte) error {
			b, err := readBatch(key, sealed)
			open = append(open, b)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return open, nil
}

func readBatch(key, sealed []byte) (*Batch, error) {
	value, err := unseal(key, sealed)
	if err != nil {
		return nil, err
	}
	if len(key) != 8 {
		return nil, damagef("batch number %q", key)
	}
	return decodeBatch(binary.BigEndian.Uint64(key), value)
}

// Resolve closes an open batch by recovery's verdict, in one transaction: the intents for which delivered is true turn to
// seen, the others are dropped, so that their messages are fetched again.
func (s *Store) Resolve(b *Batch, delivered []bool) error {
	return s.update("resolve batch", func(tx *bolt.Tx) error {
		stored, err := takeBatch(tx, b.ID)
		if err != nil {
			return err
		}
		if len(delivered) != len(stored.Intents) {
			return fmt.Errorf("%d verdicts for %d messages", len(delivered), len(stored.Intents))
		}
		var kept []Intent
		for i, in := range stored.Intents {
			if delivered[i] {
				kept = append(kept, in)
			}
		}
		stored.Intents = kept
		return addRecords(tx, stored.entries())
	})
}

func settleAll(tx *bolt.Tx, ids []uint64) error {
	for _, id := range ids {
		b, err := takeBatch(tx, id)
		if err != nil {
			return err
		}
		if err := addRecords(tx, b.entries()); err != nil {
			return err
		}
	}
	return nil
}

// takeBatch reads an open batch and removes it.
func takeBatch(tx *bolt.Tx, id uint64) (*Batch, error) {
	intents, err := bucket(tx, bucketIntent)
	if err != nil {
		return nil, err
	}
	key := number(id)
	sealed := intents.Get(key)
	if sealed == nil {
		return nil, fmt.Errorf("batch %d is not open", id)
	}
	b, err := readBatch(key, sealed)
	if err != nil {
		return nil, err
	}
	return b, intents.Delete(key)
}

func (b *Batch) entries() []entry {
	es := make([]entry, len(b.Intents))
	for i, in := range b.Intents {
		es[i] = entry{uid: in.UID, size: boundSize(in.ListSize), fetched: seconds(b.At), gone: stays}
	}
	return es
}

// addRecords adds records behind the last one: to the last block while it isn't full, then to new ones. A message that is
// fetched is no failure any more, and not wanted again.
func addRecords(tx *bolt.Tx, entries []entry) error {
	uid := func(i int) []byte { return entries[i].uid }
	if err := errors.Join(clearFailures(tx, len(entries), uid), clearWanted(tx, len(entries), uid)); err != nil {
		return err
	}
	blocks, err := bucket(tx, bucketSeen)
	if err != nil {
		return err
	}
	return appendRecords(blocks, entries)
}

// appendRecords adds records behind the last one of blocks.
func appendRecords(blocks *bolt.Bucket, entries []entry) (err error) {
	var at uint64
	var w blockWriter
	if key, sealed := blocks.Cursor().Last(); key != nil {
		if at, w, err = readBlock(key, sealed); err != nil {
			return err
		}
	}
	for len(entries) > 0 {
		if len(w.b) >= fullBlock {
			at, w = at+1, blockWriter{}
		}
		for len(entries) > 0 && len(w.b) < fullBlock {
			w.add(entries[0])
			entries = entries[1:]
		}
		if err := blocks.Put(number(at), seal(number(at), w.b)); err != nil {
			return err
		}
	}
	return nil
}

// readBlock returns a block's number and a writer that goes on behind its last record.
func readBlock(key, sealed []byte) (at uint64, w blockWriter, err error) {
	fetched := int64(0)
	err = eachRecord(key, sealed, func(e entry) { fetched = e.fetched })
	if err != nil {
		return 0, w, err
	}
	return binary.BigEndian.Uint64(key), blockWriter{b: bytes.Clone(sealed[:len(sealed)-sealLen]), fetched: fetched}, nil
}

// eachRecord calls fn for each record of one block.
func eachRecord(key, sealed []byte, fn func(entry)) error {
	value, err := unseal(key, sealed)
	if err != nil {
		return err
	}
	if len(key) != 8 {
		return damagef("block number %q", key)
	}
	br := blockReader{r: reader{b: value}}
	for {
		e, ok := br.next()
		if !ok {
			return br.err()
		}
		fn(e)
	}
}

// allRecords calls fn for each record, in the order they were recorded.
func allRecords(tx *bolt.Tx, fn func(entry)) error {
	return eachBlock(tx, func(key, sealed []byte) error { return eachRecord(key, sealed, fn) })
}

// rewrite shows each record to change, which may alter it and says whether it stays, and writes the blocks that differ.
func rewrite(tx *bolt.Tx, change func(*entry) (keep bool)) error {
	blocks, err := bucket(tx, bucketSeen)
	if err != nil {
		return err
	}
	return rewriteBlocks(blocks, func(fn func(key, sealed []byte) error) error { return eachBlock(tx, fn) }, change)
}

// rewriteBlocks is rewrite for the blocks of any bucket, which each walks through.
func rewriteBlocks(blocks *bolt.Bucket, each func(fn func(key, sealed []byte) error) error, change func(*entry) (keep bool)) error {
	var altered [][2][]byte // written after the walk: a cursor doesn't survive changes
	err := each(func(key, sealed []byte) error {
		var w blockWriter
		err := eachRecord(key, sealed, func(e entry) {
			if change(&e) {
				w.add(e)
			}
		})
		if err == nil && !bytes.Equal(w.b, sealed[:len(sealed)-sealLen]) {
			altered = append(altered, [2][]byte{bytes.Clone(key), w.b})
		}
		return err
	})
	for _, kv := range altered {
		if err != nil {
			break
		}
		if key, block := kv[0], kv[1]; len(block) == 0 {
			err = blocks.Delete(key)
		} else {
			err = blocks.Put(key, seal(key, block))
		}
	}
	return err
}
