// Package maildir delivers mail into a Maildir so that it stays there.
//
// A message is written into a private spool, tmp/.haulmail-ID, inside the
// Maildir: on the file system of new/, and never looked at by mail readers.
// A batch of messages is made durable there (Sync), the caller notes what it
// is about to do, and then the batch is moved into new/ and the folders are
// made durable (Deliver). The methods of recovery (Find, Check, Finish, Remove,
// Sweep) tell after a crash how far a batch came, and take it to its end.
//
// What is promised, on a disk that honours fsync: after Sync the contents are
// durable in the spool; after Deliver they are durable in new/; nothing partial
// is ever seen in new/; no file of anybody is overwritten; no symbolic link
// inside the Maildir is followed. A file whose write fails goes. After the first
// failed fsync, syncfs or close a Box refuses everything that has to be durable,
// because a second fsync may succeed without the data being there.
//
// The package knows nothing of POP3 and keeps no state between runs. The engine
// (package fetch) is its only caller. Making of the folders is left to
// github.com/emersion/go-maildir; its delivery never calls fsync, so delivery
// is done here. The names follow maildir(5) and https://cr.yp.to/proto/maildir.html.
package maildir

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Bounds and thresholds, all in one place.
const (
	bufferSize   = 64 << 10 // of a message that is being written: a small message is one write(2)
	listChunk    = 4096     // names read from a folder at a time
	maxIDLen     = 64       // of the spool's ID
	maxHostLen   = 40       // of the host in a key, escaped: keys fit eCryptfs's 143 bytes with flags
	maxRetries   = 100      // of a call interrupted by a signal: every wait has an end
	syncWorkers  = 8        // fsyncs at the same time
	fewFiles     = 4        // up to so many files are synced one by one: a syncfs waits for strangers' data too
	smallBatch   = 64       // the same after a slow syncfs
	heldPerBox   = 32       // descriptors that wait for their fsync where syncfs cannot be trusted
	heldInAll    = 256      // the same for all boxes of a Flusher: ulimit -n is often 1024
	maxListTries = 2        // looks into new/ and cur/: a rename during readdir can hide a file
)

// Options say how a Maildir is opened.
type Options struct {
	Create   bool     // make the Maildir, and the folders above it, when it is missing: see SyncAbove
	Flusher  *Flusher // shared with the other boxes of the run; nil: one of its own
	Hostname string   // for the keys; escaped and cut as needed; empty: "localhost"
	Disk     Disk     // the system calls; nil: those of the kernel
	Look     bool     // open it for Keys alone: nothing is made, mended or removed; excludes Create
}

// A Box is an open Maildir with one account's private spool in it. Its methods
// may be called from several goroutines, except that Close comes last.
type Box struct {
	disk     Disk
	path     string
	id       string
	host     string
	random   string
	dev, ino uint64 // of root
	root     int
	new      int
	cur      int
	tmp      int
	group    *group // who shares a syncfs with this box
	seq      atomic.Uint64
	failed   atomic.Pointer[IOError]

	mu        sync.Mutex
	spool     int  // -1 until it is needed
	tmpSynced bool // the spool's own entry in tmp/ is durable
	held      []*File
}

// Open opens the Maildir at path. The private spool is named by id (letters and
// digits); it is made with the first message, so that a run that finds nothing
// new writes nothing.
//
// Errors: ErrMissing, *NotMaildirError, *CreateError (only with opt.Create), and
// *IOError for everything else. A Maildir that lacks one of its three folders is
// mended, as mail readers do, unless it is only looked at.
func Open(path, id string, opt Options) (*Box, error) {
	if !validID(id) {
		return nil, fmt.Errorf("maildir %s: bad spool id %q", path, id)
	}
	b := &Box{
		disk: opt.Disk, path: filepath.Clean(path), id: id, host: escapeHost(opt.Hostname),
		root: -1, new: -1, cur: -1, tmp: -1, spool: -1,
	}
	if b.disk == nil {
		b.disk = newKernel()
	}
	b.random = randomHex()
	flusher := opt.Flusher
	if flusher == nil {
		flusher = NewFlusher()
	}
	if err := b.open(opt, flusher); err != nil {
		b.closeFolders()
		return nil, err
	}
	return b, nil
}

func randomHex() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // documented never to fail
	return hex.EncodeToString(random[:])
}

func (b *Box) open(opt Options, flusher *Flusher) error {
	if err := b.prepare(opt); err != nil {
		return err
	}
	var err error
	if b.root, err = b.disk.Open(unix.AT_FDCWD, b.path, folderFlags, 0); err != nil {
		return b.ioError("open", b.path, err)
	}
	for _, f := range []struct {
		name string
		fd   *int
	}{{"new", &b.new}, {"cur", &b.cur}, {"tmp", &b.tmp}} {
		*f.fd, err = b.openFolder(b.root, f.name, filepath.Join(b.path, f.name))
		if err != nil && !(opt.Look && errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	if opt.Look {
		return nil
	}
	tmpDev, err := b.identify()
	if err != nil {
		return err
	}
	if b.group, err = flusher.join(b.disk, tmpDev, b.tmp); err != nil {
		return b.ioError("open", filepath.Join(b.path, "tmp"), err)
	}
	b.spool, err = b.openFolder(b.tmp, b.spoolName(), b.spoolPath())
	if errors.Is(err, fs.ErrNotExist) {
		b.spool, err = -1, nil
	}
	return err
}

// openFolder opens a folder below the Maildir. A symbolic link is no folder.
func (b *Box) openFolder(dir int, name, path string) (int, error) {
	fd, err := b.disk.Open(dir, name, folderFlags|unix.O_NOFOLLOW, 0)
	switch {
	case err == nil:
		return fd, nil
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP), errors.Is(err, unix.EMLINK):
		return -1, &NotMaildirError{Path: b.path, Why: path + " is not a folder (symbolic links inside a Maildir are not followed)"}
	}
	return -1, b.ioError("open", path, err)
}

// identify learns which folder this is and that a rename from tmp/ to new/ can
// work, and returns the device of the two.
func (b *Box) identify() (tmpDev uint64, err error) {
	root, err := b.disk.Stat(b.root, "")
	if err != nil {
		return 0, b.ioError("stat", b.path, err)
	}
	b.dev, b.ino = root.Dev, root.Ino
	fresh, err := b.disk.Stat(b.new, "")
	if err != nil {
		return 0, b.ioError("stat", filepath.Join(b.path, "new"), err)
	}
	tmp, err := b.disk.Stat(b.tmp, "")
	if err != nil {
		return 0, b.ioError("stat", filepath.Join(b.path, "tmp"), err)
	}
	if fresh.Dev != tmp.Dev {
		return 0, &NotMaildirError{Path: b.path, Why: "tmp and new are on different file systems"}
	}
	return tmp.Dev, nil
}

// Identity returns the device and inode of the Maildir's folder: another folder
// at the same path has another identity.
func (b *Box) Identity() (dev, ino uint64) { return b.dev, b.ino }

// Path returns the path the Maildir was opened by.
func (b *Box) Path() string { return b.path }

func (b *Box) spoolName() string { return ".haulmail-" + b.id }
func (b *Box) spoolPath() string { return filepath.Join(b.path, "tmp", b.spoolName()) }

// spoolFolder returns the open spool and makes it if need be.
func (b *Box) spoolFolder() (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spool >= 0 {
		return b.spool, nil
	}
	err := b.disk.Mkdir(b.tmp, b.spoolName(), 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return -1, b.ioError("make folder", b.spoolPath(), err)
	}
	fd, err := b.openFolder(b.tmp, b.spoolName(), b.spoolPath())
	if err != nil {
		return -1, err
	}
	b.spool = fd
	return fd, nil
}

// openSpool returns the open spool, or -1 when there is none.
func (b *Box) openSpool() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spool
}

// Close closes the Maildir and removes the spool when it is empty. Files that
// were not delivered stay in the spool for the next run's recovery.
func (b *Box) Close() error {
	b.mu.Lock()
	held := b.held
	b.held = nil
	for _, f := range held {
		f.stat = loose
	}
	b.mu.Unlock()
	b.closeAll(held)

	var err error
	if b.spool >= 0 {
		err = b.disk.RemoveDir(b.tmp, b.spoolName())
		if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	b.closeFolders()
	if err != nil {
		return b.ioError("remove", b.spoolPath(), err)
	}
	return nil
}

// closeFolders closes what is open and leaves the group. Folders have no data of their own, so that
// there is no error to be learnt from it.
func (b *Box) closeFolders() {
	for _, fd := range []*int{&b.spool, &b.tmp, &b.cur, &b.new, &b.root} {
		if *fd >= 0 {
			_ = b.disk.Close(*fd)
			*fd = -1
		}
	}
	if b.group != nil {
		b.group.leave(b.disk)
		b.group = nil
	}
}

func validID(id string) bool {
	if id == "" || len(id) > maxIDLen {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return true
}
