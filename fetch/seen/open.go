package seen

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The buckets of the file. Values are sealed (see seal).
var (
	bucketHead   = []byte("head")   // keyHead → head
	bucketSeen   = []byte("seen")   // number of the block → block of records, oldest first
	bucketIntent = []byte("intent") // batch ID → batch
	bucketNote   = []byte("note")   // name → bytes
	bucketFailed = []byte("failed") // uidKey → failure; made when a message fails for the first time
	bucketTold   = []byte("told")   // as bucketSeen, with the time when it was told; made with the first one
	bucketDated  = []byte("dated")  // as bucketSeen, with the message's own time; made with the first one
	bucketWanted = []byte("wanted") // uidKey → nothing; made when a message is forgotten for the first time
)

const (
	newMark    = ".new-"   // in the name of a state that is being built
	staleAfter = time.Hour // building takes milliseconds; what is older is left over from a run that died
	lockRetry  = 20 * time.Millisecond
)

// open opens an existing file. fs.ErrNotExist and errReplaced are for Open to decide about.
func open(path string, opt Options) (*Store, error) {
	s := &Store{path: path, now: opt.Now}
	bo := &bolt.Options{
		ReadOnly:     opt.ReadOnly,
		Timeout:      time.Second, // of bbolt's own flock, which finds the lock held by us already
		NoStatistics: true,
		OpenFile: func(path string, flag int, _ os.FileMode) (*os.File, error) {
			f, err := openLocked(path, flag&^os.O_CREATE, opt)
			if err != nil {
				return nil, err
			}
			s.file = f
			return f, checkFile(f)
		},
	}
	err := s.guard(func() (err error) {
		if s.db, err = bolt.Open(path, 0o600, bo); err != nil {
			return err
		}
		return s.look(func(tx *bolt.Tx) (err error) {
			s.head, err = getHead(tx)
			return err
		})
	})
	if err != nil {
		s.abandon()
		return nil, err
	}
	if !opt.ReadOnly {
		removeLeftovers(s.file, path)
	}
	return s, nil
}

// abandon gives back whatever a failed open has taken.
func (s *Store) abandon() {
	switch {
	case s.db != nil && !s.stuck:
		s.db.Close()
	case s.file != nil:
		s.release()
	}
}

// release closes the file past bbolt. The mapping lives on, and would keep the lock.
func (s *Store) release() error {
	syscall.Flock(int(s.file.Fd()), syscall.LOCK_UN)
	return s.file.Close()
}

// guard runs fn, which works on the file through bbolt, and turns what it does on a damaged file into a *DamagedError, on one that the
// disk cannot read into that error.
// checkFile finds damage before bbolt does; guard is for what changes under our feet.
func (s *Store) guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // the file is mapped: a page that isn't there is a fault
	defer func() {
		if p := recover(); p != nil {
			s.stuck = true
			err = s.stumbled(p)
			s.refuse = err
		}
	}()
	err = fn()
	if _, ok := errors.AsType[damage](err); ok || errors.Is(err, ErrNewer) {
		return &DamagedError{Path: s.path, Err: err}
	}
	return err
}

// stumbled says why bbolt panicked: the disk cannot read a page, and then the file may be whole; or else it is damaged.
func (s *Store) stumbled(p any) error {
	if s.file != nil {
		if _, err := io.Copy(io.Discard, io.NewSectionReader(s.file, 0, math.MaxInt64)); err != nil {
			return fmt.Errorf("state %s: %w", s.path, err)
		}
	}
	return &DamagedError{Path: s.path, Err: fmt.Errorf("%v", p)}
}

// openLocked opens the file and takes its lock, exclusive for writers, shared for readers. The lock is gone when the
// process is: flock(2).
func openLocked(path string, flag int, opt Options) (*os.File, error) {
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return nil, err
	}
	if err := lock(f, opt); err != nil {
		f.Close()
		return nil, err
	}
	if !stillAt(f, path) {
		f.Close()
		return nil, errReplaced
	}
	return f, nil
}

func lock(f *os.File, opt Options) error {
	how := syscall.LOCK_EX
	if opt.ReadOnly {
		how = syscall.LOCK_SH
	}
	// Even who doesn't want to wait outlasts a look by Held.
	for end := time.Now().Add(max(opt.Wait, lockRetry)); ; {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case err == syscall.EINTR:
		case err != syscall.EWOULDBLOCK:
			return &fs.PathError{Op: "flock", Path: f.Name(), Err: err}
		case time.Now().After(end):
			return fmt.Errorf("state %s: %w", f.Name(), ErrLocked)
		}
		select {
		case <-opt.Stop:
			return fmt.Errorf("state %s: %w", f.Name(), ErrLocked)
		case <-time.After(lockRetry):
		}
	}
}

// Held tells whether a run holds the state at path for writing. It never waits; where there is no state, nobody holds it.
func Held(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() // gives back the lock
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	switch {
	case err == nil:
		return false, nil
	case err == syscall.EWOULDBLOCK:
		return true, nil
	}
	return false, &fs.PathError{Op: "flock", Path: path, Err: err}
}

func stillAt(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(opened, named)
}

// create makes an empty state at path. It is built under another name, made durable, and only then given its own name by
// link(2), which never replaces: whoever finds a file at path finds a whole one. A file that is there already is success.
func create(path string, id Identity) error {
	dir := filepath.Dir(path)
	if err := makeFolder(dir); err != nil {
		return err
	}
	removeStale(path)
	building := path + newMark + strings.ToLower(rand.Text()[:8])
	err := build(building, id)
	if err == nil {
		err = place(building, path)
	}
	os.Remove(building)
	if err != nil {
		return err
	}
	return syncFolder(dir)
}

// place gives the finished state its name, unless another process was faster.
func place(building, path string) error {
	err := os.Link(building, path)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) {
		err = renameNew(building, path) // FAT and some network file systems have no hard links
	}
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return nil // Open tries again, and sees what is there
	}
	return err
}

// renameNew renames without replacing, but for the moment between its two steps.
func renameNew(from, to string) error {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(from, to)
}

// build writes an empty state for id and syncs it once, at the end.
func build(path string, id Identity) error {
	var file *os.File
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:      time.Second,
		NoSync:       true,
		NoGrowSync:   true,
		NoStatistics: true,
		OpenFile: func(path string, flag int, mode os.FileMode) (f *os.File, err error) {
			file, err = os.OpenFile(path, flag|os.O_EXCL, mode)
			return file, err
		},
	})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketHead, bucketSeen, bucketIntent, bucketNote} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return putHead(tx, head{id: id, spool: strings.ToLower(rand.Text()[:spoolLen])})
	})
	if err == nil {
		err = db.View(func(tx *bolt.Tx) error { release(tx); return nil })
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, db.Close())
}

// removeLeftovers removes the names a dead run left on the state it was creating. They are other names of this very file, so a
// count tells whether there is one.
func removeLeftovers(f *os.File, path string) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Nlink < 2 {
		return
	}
	for _, name := range building(path) {
		if other, err := os.Lstat(name); err == nil && os.SameFile(info, other) {
			os.Remove(name)
		}
	}
}

// removeStale removes states that were never finished.
func removeStale(path string) {
	for _, name := range building(path) {
		if info, err := os.Lstat(name); err == nil && time.Since(info.ModTime()) > staleAfter {
			os.Remove(name)
		}
	}
}

// building lists the files that have, or had, a state for path in the making. The folder holds the states of all accounts, so of each
// name no more is made than has to be looked at.
func building(path string) (names []string) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil
	}
	defer dir.Close()
	for {
		some, err := dir.Readdirnames(100)
		for _, name := range some {
			if strings.HasPrefix(name, filepath.Base(path)+newMark) {
				names = append(names, filepath.Join(filepath.Dir(path), name))
			}
		}
		if err != nil {
			return names
		}
	}
}

// makeFolder makes dir and its missing parents, 0700, each of them durable.
func makeFolder(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := os.Stat(dir); err != nil {
		return err
	} else if !info.IsDir() {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	}
	return syncFolder(parent)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
