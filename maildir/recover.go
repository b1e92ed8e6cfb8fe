package maildir

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Place says where a message was found; a set, because a message that was
// delivered may have a left-over in the spool.
type Place uint8

// The places. Nowhere is the empty set.
const (
	Nowhere Place = 0
	InNew   Place = 1
	InCur   Place = 2
	InSpool Place = 4
)

// Found is Find's answer for one key.
type Found struct {
	Key   string
	Place Place
}

// Find tells for each key where its message is, in the order of keys. new/ is
// read before cur/, each once for all keys, because that is the way readers move
// mail; what is found in neither is looked for a second time, because a rename
// during readdir(3) can hide a file. Flags do not matter. It fails with *IOError.
func (b *Box) Find(keys []string) ([]Found, error) {
	found := make([]Found, len(keys))
	open := make(map[string][]int, len(keys)) // base → indexes
	for i, key := range keys {
		found[i].Key = key
		open[baseOf(key)] = append(open[baseOf(key)], i)
	}
	for try := 0; try < maxListTries && len(open) > 0; try++ {
		if err := b.lookIn(b.new, "new", InNew, found, open); err != nil {
			return nil, err
		}
		if err := b.lookIn(b.cur, "cur", InCur, found, open); err != nil {
			return nil, err
		}
	}
	spool := b.openSpool()
	if spool < 0 {
		return found, nil
	}
	for i := range found {
		info, err := b.disk.Stat(spool, baseOf(found[i].Key))
		switch {
		case err == nil && info.Regular:
			found[i].Place |= InSpool
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, b.ioError("stat", b.inSpool(found[i].Key), err)
		}
	}
	return found, nil
}

// lookIn marks the open keys that are in a folder and closes them.
func (b *Box) lookIn(dir int, name string, place Place, found []Found, open map[string][]int) error {
	if len(open) == 0 {
		return nil
	}
	err := b.disk.List(dir, func(entry string) error {
		base := baseOf(entry)
		for _, i := range open[base] {
			found[i].Place |= place
		}
		delete(open, base)
		return nil
	})
	if err != nil {
		return b.ioError("list", filepath.Join(b.path, name), err)
	}
	return nil
}

func (b *Box) inSpool(key string) string { return filepath.Join(b.spoolPath(), baseOf(key)) }

// openInSpool opens a spool file for reading.
func (b *Box) openInSpool(key string) (int, error) {
	spool := b.openSpool()
	if spool < 0 {
		return -1, b.ioError("open", b.inSpool(key), unix.ENOENT)
	}
	fd, err := b.disk.Open(spool, baseOf(key), unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, b.ioError("open", b.inSpool(key), err)
	}
	return fd, nil
}

// Check reads a key's file in the spool and returns its size in bytes and its
// sum. It fails with *IOError, fs.ErrNotExist when there is no such file.
func (b *Box) Check(key string) (size int64, sum Sum, err error) {
	fd, err := b.openInSpool(key)
	if err != nil {
		return 0, sum, err
	}
	defer func() { _ = b.disk.Close(fd) }() // only read
	buf := buffers.Get().(*buffer)
	defer buffers.Put(buf)
	buf.hash.Reset()
	for {
		n, err := b.disk.Read(fd, buf.data[:])
		if err != nil {
			return 0, sum, b.ioError("read", b.inSpool(key), err)
		}
		if n == 0 {
			return size, buf.hash.Sum128().Bytes(), nil
		}
		buf.hash.Write(buf.data[:n])
		size += int64(n)
	}
}

// Finish takes files that are whole in the spool, as Check told, to new/: their
// content is made durable first, then they are moved as by Deliver. Errors as
// those of Deliver.
func (b *Box) Finish(keys []string) error {
	for _, key := range keys {
		if err := b.syncContent(key); err != nil && !errors.Is(err, fs.ErrNotExist) { // the move finds out what is gone
			return err
		}
	}
	return b.move(keys)
}

func (b *Box) syncContent(key string) error {
	if err := b.failure(); err != nil {
		return err
	}
	fd, err := b.openInSpool(key)
	if err != nil {
		return err
	}
	err = b.disk.Sync(fd)
	_ = b.disk.Close(fd) // nothing was written through it
	if err != nil {
		return b.fail("sync", b.inSpool(key), err)
	}
	return nil
}

// Remove removes the files of these keys from the spool; those that are not
// there are no error. It fails with *IOError.
func (b *Box) Remove(keys []string) error {
	spool := b.openSpool()
	if spool < 0 {
		return nil
	}
	for _, key := range keys {
		if err := b.disk.Remove(spool, baseOf(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return b.ioError("remove", b.inSpool(key), err)
		}
	}
	return nil
}

// SyncFolders makes the entries of new/, cur/ and the spool durable: what Find
// saw stays so. It fails with *IOError.
func (b *Box) SyncFolders() error {
	if err := b.syncFolder(b.new, filepath.Join(b.path, "new")); err != nil {
		return err
	}
	if err := b.syncFolder(b.cur, filepath.Join(b.path, "cur")); err != nil {
		return err
	}
	if spool := b.openSpool(); spool >= 0 {
		return b.syncFolder(spool, b.spoolPath())
	}
	return nil
}

// Sweep removes all files from this box's spool. Call it once recovery is
// through and before the first Create. It fails with *IOError.
func (b *Box) Sweep() error {
	spool := b.openSpool()
	if spool < 0 {
		return nil
	}
	var stale []string
	err := b.disk.List(spool, func(name string) error {
		stale = append(stale, name)
		return nil
	})
	if err != nil {
		return b.ioError("list", b.spoolPath(), err)
	}
	for _, name := range stale {
		info, err := b.disk.Stat(spool, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return b.ioError("stat", filepath.Join(b.spoolPath(), name), err)
		case !info.Regular: // nothing of ours
			continue
		}
		if err := b.disk.Remove(spool, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return b.ioError("remove", filepath.Join(b.spoolPath(), name), err)
		}
	}
	return nil
}

// Entry is a delivered message as its file name tells it.
type Entry struct {
	Name    string // of the file, with flags
	Hash    Hash
	Time    time.Time // when it was fetched
	Size    int64     // bytes of the file; -1 when the name lacks it
	Virtual int64     // bytes with every line ending in CR LF, as a POP3 server counts; -1 when the name lacks it
}

// Keys calls fn for every message in new/ and cur/ that this package delivered,
// whatever the account, and stops at fn's first error, which it returns. Memory
// is flat in the number of files. The folders are read twice, because a rename
// during readdir(3) can hide a file: fn is told most messages twice. Other errors
// are *IOError.
func (b *Box) Keys(fn func(Entry) error) error {
	for range maxListTries {
		for _, folder := range []struct {
			name string
			fd   int
		}{{"new", b.new}, {"cur", b.cur}} {
			if folder.fd < 0 {
				continue // of a damaged Maildir that is only looked at
			}
			var stopped error
			err := b.disk.List(folder.fd, func(name string) error {
				if e, ok := parseName(name); ok {
					stopped = fn(e)
				}
				return stopped
			})
			if stopped != nil {
				return stopped
			}
			if err != nil {
				return b.ioError("list", filepath.Join(b.path, folder.name), err)
			}
		}
	}
	return nil
}
