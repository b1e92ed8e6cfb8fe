// Package seen remembers which messages of a POP3 account are done: the state between runs.
//
// There is one file for each account, and it is the account's lock as well. It holds
//
//   - the seen records: which UIDs were fetched, when, and how large LIST called them;
//   - the intents: for each batch that is being delivered, which UID becomes which file;
//   - the failures: which UIDs could not be fetched whole, how often, when last, and why;
//   - the marks: which UIDs were left on the server for their size or their age, so that neither is told or asked for again;
//   - the wanted UIDs: which were forgotten by hand, so that they are fetched again;
//   - the account's identity, and the name of its private spool folder;
//   - notes: a few small values that later runs want to find again.
//
// The order that makes delivery exactly once is the caller's (package fetch): the batch is durable in the spool, then
// Begin, then the renames into new/, then Finish (or the next Begin) turns the intents to seen. After a crash, Pending
// lists what was under way, the caller looks into the Maildir, and Resolve stores its verdict.
//
// What the package promises:
//
//   - Each method that writes is one transaction, durable when it returns: after a crash it is there whole, or not at all.
//   - A transaction whose outcome is unknown is a *CommitError, and the Store takes no further calls.
//   - A file that isn't what was written is a *DamagedError: never a crash, a hang, or a wrong answer.
//     (One thing can't be told from a crash in the middle of a commit: damage to the newest of the file's two head pages
//     reads as the state before the last transaction.)
//   - A run that has nothing to record writes nothing and syncs nothing.
//   - Memory: 8 bytes for each UID of a listing, and some 8 to 16 more where its order is not that of the state; nothing is held
//     for the known UIDs.
//
// Only package fetch calls it.
package seen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Bounds. What comes from outside is stored only within them.
const (
	// KeepVanished is how long a UID is remembered after the server stopped listing it: servers hiccup, and some list
	// only a window of the maildrop at a time.
	KeepVanished = 90 * 24 * time.Hour
	// MaxUID is the longest UID, in bytes, that is stored. RFC 1939 §7 allows 70; servers were seen with several hundred. A line of
	// a listing has up to 8 KiB, and package fetch puts a count behind UIDs that occur twice.
	MaxUID = 9 << 10
	// MaxIntents is the most intents in one batch.
	MaxIntents = 1 << 14
	// MaxNote is the longest value of a note, in bytes.
	MaxNote = 4 << 10
	// MaxReason is how much is kept of the reason of a failure, in bytes: enough for a line.
	MaxReason = 200
	// MaxFailures is the most failures that are kept. All of them are read in one piece: 10,000 are some 2 MB. A message whose
	// failure is dropped is merely tried again sooner.
	MaxFailures = 10_000

	// maxKey is the longest file name, in bytes: NAME_MAX.
	maxKey = 255
	// maxName bounds a server's name, a user's name and a path, in bytes.
	maxName = 1 << 16
	// maxSize bounds the sizes that are stored. LIST may say anything.
	maxSize = 1 << 60
	// longestLine of a text has room for a UID of MaxUID with each byte escaped.
	longestLine = 64 << 10
	// mostLines is what a text may have of lines, those that mean nothing among them: twice the largest listing.
	mostLines = 4 << 20
	// releaseEvery is how much is read of the blocks, in bytes, before its pages are given back.
	releaseEvery = 1 << 20
)

// Identity says whose state it is: UIDs mean nothing on another server or for another user.
type Identity struct {
	Server string // host without port, lower case
	User   string
}

func (id Identity) String() string { return id.User + " at " + id.Server }

// Options for Open. The zero value opens for writing and doesn't wait for the lock.
type Options struct {
	// ReadOnly opens with a shared lock and refuses every write. A missing file reads as an empty state, and nothing is
	// created.
	ReadOnly bool
	// Adopt accepts a state that belongs to another identity and (unless ReadOnly) stores the new one. One that knows of no message
	// is accepted without.
	Adopt bool
	// Wait is how long to wait for the lock, Stop what ends that early; nil for nothing.
	Wait time.Duration
	Stop <-chan struct{}
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Store is an account's open state. Its methods may be called from several goroutines; they run one at a time.
type Store struct {
	path string
	now  func() time.Time

	mu     sync.Mutex
	db     *bolt.DB // nil: a missing file, opened read-only
	file   *os.File // the file of db, for the case that db can't be closed
	head   head
	refuse error // set by a commit error or damage: no further calls
	stuck  bool  // bbolt panicked: it may hold its own locks, and is left alone
}

// Open opens the state at path and takes the account's lock. A missing file is created, and so is a missing folder (0700).
//
// Errors: ErrLocked (another run holds it), *IdentityError, *DamagedError, and what the file system says (*fs.PathError,
// *os.LinkError).
func Open(path string, id Identity, opt Options) (*Store, error) {
	if len(id.Server) > maxName || len(id.User) > maxName {
		return nil, fmt.Errorf("account name of %d bytes", len(id.Server)+len(id.User))
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	const attempts = 5 // others may create or remove the file between our steps
	for range attempts {
		s, err := open(path, opt)
		switch {
		case err == nil:
			return identified(s, id, opt)
		case errors.Is(err, errReplaced):
			continue
		case !errors.Is(err, fs.ErrNotExist), isLink(path):
			return nil, err
		case opt.ReadOnly:
			return &Store{path: path, now: opt.Now, head: head{id: id}}, nil
		}
		if err := create(path, id); err != nil {
			return nil, fmt.Errorf("create state: %w", err)
		}
	}
	return nil, fmt.Errorf("open state: %s: removed or replaced again and again", path)
}

// isLink tells whether something stands at path that leads elsewhere: a state that is not there is none only where nothing does.
func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// identified returns s if it belongs to id, or may be adopted; else it closes s. A state that knows of no message is anybody's: it was
// made by a run that came to nothing, as with a server or a user that was misspelt.
func identified(s *Store, id Identity, opt Options) (*Store, error) {
	if s.head.id == id {
		return s, nil
	}
	blank, err := s.blank()
	switch {
	case err != nil:
	case !opt.Adopt && !blank:
		err = &IdentityError{Path: s.path, Have: s.head.id, Want: id}
	case opt.ReadOnly:
		s.head.id = id
	default:
		err = s.update("adopt the account", func(tx *bolt.Tx) error {
			h := s.head
			h.id = id
			return putHead(tx, h)
		})
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close gives back the lock and the file. It never writes.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return nil
	}
	db := s.db
	s.db = nil
	s.refuse = fs.ErrClosed
	if s.stuck {
		return s.release()
	}
	if err := db.Close(); err != nil {
		return fmt.Errorf("close state: %w", err)
	}
	return nil
}

// Fresh says that nothing was ever recorded here: the file was created just now, or was never used since.
func (s *Store) Fresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head.batches == 0
}

// blank tells whether the state is Fresh and knows of no message in any other way, either.
func (s *Store) blank() (blank bool, err error) {
	blank = s.Fresh()
	err = s.view("look for records", func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			if key, _ := b.Cursor().First(); key != nil && string(name) != string(bucketHead) && string(name) != string(bucketNote) {
				blank = false
			}
			return nil
		})
	})
	return blank, err
}

// Spool names the private spool folder: 16 characters [a-z2-7], random, made once with the state. It is empty for a missing
// file opened read-only.
func (s *Store) Spool() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head.spool
}
