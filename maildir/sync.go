package maildir

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// How contents become durable. Where syncfs tells of errors, a file is closed as
// soon as it is written, and one syncfs covers the batch: on the descriptor the
// Flusher opened before any of the writes, so that no error gets lost. Only the
// first few files keep their descriptors, so that a small batch can do with an
// fsync for each. Everywhere else each file keeps its descriptor until its fsync,
// because an error may be reported to nobody after the last close; when a box
// holds heldPerBox of them, or all boxes together heldInAll, they are synced
// there and then, in the goroutine that receives.

// settle decides what becomes of the descriptor of a file that is written.
func (b *Box) settle(f *File) error {
	if b.group.reports {
		if !b.hold(f, b.group.holdLimit()) {
			return b.closeNow(f)
		}
		return nil
	}
	if b.hold(f, heldPerBox) {
		return nil
	}
	b.mu.Lock()
	run := b.claimLocked(append(slices.Clone(b.held), f))
	b.mu.Unlock()
	b.fsyncAll(run)
	return b.failure()
}

// hold keeps the descriptor open for a later fsync, if there is room.
func (b *Box) hold(f *File, limit int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.held) >= limit || !b.group.flusher.reserve() {
		return false
	}
	f.stat, f.reserved = held, true
	b.held = append(b.held, f)
	return true
}

// unholdLocked takes a file out of the held ones.
func (b *Box) unholdLocked(f *File) {
	if i := slices.Index(b.held, f); i >= 0 {
		b.held = slices.Delete(b.held, i, i+1)
	}
}

// closeFile closes the descriptor of a file, which nobody else may hold any more.
func (b *Box) closeFile(f *File) error {
	err := b.disk.Close(f.fd)
	if f.reserved {
		f.reserved = false
		b.group.flusher.giveBack()
	}
	return err
}

func (b *Box) closeNow(f *File) error {
	err := b.closeFile(f)
	b.mu.Lock()
	f.stat = loose
	b.mu.Unlock()
	if err != nil {
		return b.fail("close", f.path(), err)
	}
	return nil
}

// claimLocked takes files out of the held ones for an fsync.
func (b *Box) claimLocked(files []*File) []*File {
	var run []*File
	done := make(chan struct{})
	for _, f := range files {
		if f.stat != held && f.stat != writing {
			continue
		}
		b.unholdLocked(f)
		f.stat, f.wait = syncing, done
		run = append(run, f)
	}
	return run
}

// fsyncAll syncs and closes claimed files by a few workers. After the first
// error the rest is only closed.
func (b *Box) fsyncAll(run []*File) {
	if len(run) == 0 {
		return
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(syncWorkers, len(run)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(run)); i = next.Add(1) - 1 {
				b.fsyncOne(run[i])
			}
		})
	}
	workers.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range run {
		f.stat = synced
	}
	close(run[0].wait)
}

func (b *Box) fsyncOne(f *File) {
	if b.failure() == nil {
		if err := b.disk.Sync(f.fd); err != nil {
			_ = b.fail("sync", f.path(), err)
		}
	}
	if err := b.closeFile(f); err != nil {
		_ = b.fail("close", f.path(), err)
	}
}

// closeAll closes files that are no longer held, without an fsync.
func (b *Box) closeAll(files []*File) {
	for _, f := range files {
		if err := b.closeFile(f); err != nil {
			_ = b.fail("close", f.path(), err)
		}
	}
}

// Sync makes the closed files of a batch durable, contents and spool entries.
// Boxes that share a Flusher may share the syncfs. After an error, an *IOError,
// nothing of the batch may be counted on, and this Box will sync no more.
func (b *Box) Sync(files []*File) error {
	if err := b.failure(); err != nil {
		return err
	}
	if len(files) == 0 {
		return nil
	}
	b.mu.Lock()
	bySyncfs := false
	for _, f := range files {
		if f.stat < loose || f.stat > synced {
			b.mu.Unlock()
			return b.ioError("sync", f.path(), unix.EBADF) // a mistake of the caller
		}
		bySyncfs = bySyncfs || f.stat == loose
	}
	if bySyncfs {
		b.mu.Unlock()
		return b.syncBySyncfs(files)
	}
	run := b.claimLocked(files)
	b.mu.Unlock()

	b.fsyncAll(run)
	for _, f := range files {
		if f.wait != nil {
			<-f.wait
		}
	}
	return b.syncSpool()
}

func (b *Box) syncBySyncfs(files []*File) error {
	b.mu.Lock()
	var open []*File
	for _, f := range files {
		if f.stat == held {
			b.unholdLocked(f)
			f.stat = loose
			open = append(open, f)
		}
	}
	b.mu.Unlock()
	b.closeAll(open)
	if err := b.failure(); err != nil {
		return err
	}
	if err := b.group.syncfs(b.disk); err != nil {
		return b.fail("syncfs", b.path, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range files {
		f.stat = synced
	}
	return nil
}

// syncSpool makes the spool's entries durable, and once its own entry in tmp/.
func (b *Box) syncSpool() error {
	b.mu.Lock()
	spool, tmpSynced := b.spool, b.tmpSynced
	b.mu.Unlock()
	if err := b.syncFolder(spool, b.spoolPath()); err != nil {
		return err
	}
	if tmpSynced {
		return nil
	}
	if err := b.syncFolder(b.tmp, filepath.Join(b.path, "tmp")); err != nil {
		return err
	}
	b.mu.Lock()
	b.tmpSynced = true
	b.mu.Unlock()
	return nil
}

// syncFolder makes a folder's entries durable.
func (b *Box) syncFolder(fd int, path string) error {
	if err := b.failure(); err != nil {
		return err
	}
	if err := b.disk.Sync(fd); err != nil && !noFolderSync(err) {
		return b.fail("sync", path, err)
	}
	return nil
}

// noFolderSync is true for the answers of network file systems that have no fsync
// for folders; more cannot be done there.
func noFolderSync(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP)
}

// release takes a file out of the protocol for Discard: whether its descriptor
// is still open, and whether there is nothing more to remove.
func (b *Box) release(f *File) (open, gone bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for f.stat == syncing {
		wait := f.wait
		b.mu.Unlock()
		<-wait
		b.mu.Lock()
	}
	if f.stat == delivered || f.stat == discarded {
		return false, true
	}
	open = f.stat == writing || f.stat == held
	b.unholdLocked(f)
	f.stat = discarded
	return open, false
}

// Deliver moves the synced files of a batch to new/ and makes the move durable:
// first new/, then the spool. Nothing is overwritten.
//
// Errors: *LostError when files were gone from the spool, with all others
// delivered; otherwise *IOError, and what was moved and what not is for recovery
// to find out.
func (b *Box) Deliver(files []*File) error {
	keys := make([]string, len(files))
	b.mu.Lock()
	for i, f := range files {
		keys[i] = f.key
		if f.stat != synced {
			b.mu.Unlock()
			return b.ioError("deliver", f.path(), unix.EBADF) // a mistake of the caller
		}
	}
	b.mu.Unlock()
	err := b.move(keys)
	if _, lost := errors.AsType[*LostError](err); err != nil && !lost {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range files {
		f.stat = delivered
	}
	return err
}

// move renames from the spool to new/ and syncs both folders.
func (b *Box) move(keys []string) error {
	if err := b.failure(); err != nil {
		return err
	}
	if len(keys) == 0 {
		return nil
	}
	spool := b.openSpool()
	if spool < 0 {
		return b.lost(keys)
	}
	var gone []string
	for _, key := range keys {
		err := b.disk.Rename(spool, baseOf(key), b.new, key)
		switch {
		case errors.Is(err, unix.ENOENT):
			gone = append(gone, key)
		case err != nil:
			return b.ioError("deliver", filepath.Join(b.path, "new", key), err)
		}
	}
	if err := b.syncFolder(b.new, filepath.Join(b.path, "new")); err != nil {
		return err
	}
	if err := b.syncFolder(spool, b.spoolPath()); err != nil {
		return err
	}
	return b.lost(gone)
}

// lost looks once more for files that a rename did not find: a network's file
// system may have done the rename and lost the answer.
func (b *Box) lost(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	found, err := b.Find(keys)
	if err != nil {
		return err
	}
	e := &LostError{Path: b.spoolPath()}
	for _, f := range found {
		if f.Place&(InNew|InCur) == 0 {
			e.Keys = append(e.Keys, f.Key)
		}
	}
	if len(e.Keys) == 0 {
		return nil
	}
	return e
}
