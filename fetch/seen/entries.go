package seen

import (
	"bytes"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Entry is one seen record on its own, for those who look into the state or mend it.
type Entry struct {
	UID      []byte
	ListSize int64     // bytes; NoSize if unknown
	Fetched  time.Time // to the second; zero for one that was only marked as fetched
	Vanished time.Time // since when the server doesn't list it; zero for a listed one
}

// Each calls fn for each seen record, oldest first, until fn returns an error, which it passes on. The UID is valid only
// during the call. fn must not use the Store.
func (s *Store) Each(fn func(Entry) error) error {
	return s.view("read records", func(tx *bolt.Tx) error {
		return eachBlock(tx, func(key, sealed []byte) error {
			var stop error
			err := eachRecord(key, sealed, func(e entry) {
				if stop == nil {
					stop = fn(e.public())
				}
			})
			if err != nil {
				return err
			}
			return stop
		})
	})
}

func (e entry) public() Entry {
	p := Entry{UID: e.uid, ListSize: e.size, Fetched: moment(e.fetched)}
	if e.gone != stays {
		p.Vanished = time.Unix(e.gone, 0)
	}
	return p
}

// AddSeen records messages as fetched, by hand or because they were found in the Maildir, in one transaction. A UID that is
// known already gets the new record.
func (s *Store) AddSeen(records []Entry) error { return s.Merge(records, nil) }

// Merge is AddSeen and NoteFailures in one transaction. A UID that is in both is fetched and failed since.
func (s *Store) Merge(records []Entry, failed []Failure) error {
	if len(records)+len(failed) == 0 {
		return nil
	}
	entries := make([]entry, len(records))
	for i, r := range records {
		if err := checkUID(r.UID); err != nil {
			return fmt.Errorf("add records: %w", err)
		}
		entries[i] = entry{uid: r.UID, size: boundSize(r.ListSize), fetched: seconds(r.Fetched), gone: stays}
		if !r.Vanished.IsZero() {
			entries[i].gone = seconds(r.Vanished)
		}
	}
	for i := range failed {
		if err := failed[i].check(); err != nil {
			return fmt.Errorf("add failures: %w", err)
		}
	}
	return s.update("add records", func(tx *bolt.Tx) error {
		if _, err := nextBatch(tx); err != nil {
			return err
		}
		if _, err := forget(tx, len(entries), func(i int) []byte { return entries[i].uid }); err != nil {
			return err
		}
		if err := addRecords(tx, entries); err != nil {
			return err
		}
		return putFailures(tx, failed)
	})
}

// MarkGone marks records as no longer listed, in one transaction: the server has said that it deleted the messages. Should it list one
// of these UIDs again, that may be another message.
func (s *Store) MarkGone(uids [][]byte) error {
	if len(uids) == 0 {
		return nil
	}
	now := seconds(s.now())
	x := NewIndex(len(uids), func(i int) []byte { return uids[i] })
	return s.update("mark deleted messages", func(tx *bolt.Tx) error {
		return rewrite(tx, func(e *entry) bool {
			if e.gone == stays && x.find(e.uid) >= 0 {
				e.gone = now
			}
			return true
		})
	})
}

// Note returns the bytes stored under name, or nil.
func (s *Store) Note(name string) (value []byte, err error) {
	err = s.view("read note", func(tx *bolt.Tx) error {
		notes, err := bucket(tx, bucketNote)
		if err != nil {
			return err
		}
		sealed := notes.Get([]byte(name))
		if sealed == nil {
			return nil
		}
		value, err = unseal([]byte(name), sealed)
		value = bytes.Clone(value)
		return err
	})
	return value, err
}

// Note is a few bytes under a name, together at most MaxNote. A nil Value removes the note.
type Note struct {
	Name  string
	Value []byte
}

func (n Note) check() error {
	if n.Name == "" || len(n.Name)+len(n.Value) > MaxNote {
		return fmt.Errorf("bad note %q of %d bytes", n.Name, len(n.Value))
	}
	return nil
}

// SetNote is SetNotes of one.
func (s *Store) SetNote(name string, value []byte) error { return s.SetNotes(Note{name, value}) }

// SetNotes stores notes in one transaction, or in none if each is that already.
func (s *Store) SetNotes(notes ...Note) error {
	var changed []Note
	for _, n := range notes {
		if err := n.check(); err != nil {
			return err
		}
		have, err := s.Note(n.Name)
		if err != nil {
			return err
		}
		if !bytes.Equal(have, n.Value) || (have == nil) != (n.Value == nil) {
			changed = append(changed, n)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return s.update("set notes", func(tx *bolt.Tx) error { return putNotes(tx, changed) })
}

func putNotes(tx *bolt.Tx, notes []Note) error {
	b, err := bucket(tx, bucketNote)
	for _, n := range notes {
		if err != nil {
			return err
		}
		if n.Value == nil {
			err = b.Delete([]byte(n.Name))
		} else {
			err = b.Put([]byte(n.Name), seal([]byte(n.Name), bytes.Clone(n.Value)))
		}
	}
	return err
}
