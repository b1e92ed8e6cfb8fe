package maildir

import (
	"errors"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// SyncAbove makes the entries of folders, and those of the folders above them on
// their file systems, durable. What made them may have been cut off before it did
// that itself, and nobody can tell later: so it is called before anything is
// promised about what is in them for the first time. A nil Disk is the kernel.
// Where syncfs can be trusted, one is made for each file system. It fails with
// *IOError.
func (fl *Flusher) SyncAbove(disk Disk, paths ...string) error {
	if disk == nil {
		disk = newKernel()
	}
	done := make(map[uint64]bool) // by device
	for _, path := range paths {
		if err := fl.syncAbove(disk, path, done); err != nil {
			return err
		}
	}
	return nil
}

func (fl *Flusher) syncAbove(disk Disk, path string, done map[uint64]bool) error {
	dir, err := disk.Open(unix.AT_FDCWD, path, folderFlags, 0)
	if err != nil {
		return &IOError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = disk.Close(dir) }()
	info, err := disk.Stat(dir, "")
	if err != nil {
		return &IOError{Op: "stat", Path: path, Err: err}
	}
	if done[info.Dev] {
		return nil
	}
	g, err := fl.join(disk, info.Dev, dir)
	if err != nil {
		return &IOError{Op: "open", Path: path, Err: err}
	}
	defer g.leave(disk)
	if !g.reports {
		return syncUpward(disk, dir, info, path)
	}
	if err := g.syncfs(disk); err != nil {
		return &IOError{Op: "syncfs", Path: path, Err: err}
	}
	done[info.Dev] = true
	return nil
}

// syncUpward syncs an open folder and those above it. What is above a folder that
// may not be read cannot be reached.
func syncUpward(disk Disk, dir int, here Info, path string) error {
	if err := disk.Sync(dir); err != nil && !noFolderSync(err) {
		return &IOError{Op: "sync", Path: path, Err: err}
	}
	path = filepath.Dir(path)
	above, err := disk.Open(dir, "..", folderFlags, 0)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return &IOError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = disk.Close(above) }()
	there, err := disk.Stat(above, "")
	if err != nil {
		return &IOError{Op: "stat", Path: path, Err: err}
	}
	if there.Dev != here.Dev || there.Ino == here.Ino {
		return nil
	}
	return syncUpward(disk, above, there, path)
}
