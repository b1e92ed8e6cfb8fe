package maildir

import (
	"errors"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Disk is every call by which a Box touches the file system, once the Maildir
// exists. Folders are open descriptors and names are relative to them. Errors
// are errnos, or wrap them. All methods may be called from several goroutines.
//
// It is here so that the protocol can be run against a model of a disk; the
// zero Options use the kernel.
type Disk interface {
	// Open is openat(2) with O_CLOEXEC.
	Open(dir int, name string, flags int, perm uint32) (fd int, err error)
	// Mkdir is mkdirat(2).
	Mkdir(dir int, name string, perm uint32) error
	// Write writes all of p.
	Write(fd int, p []byte) error
	// Read is read(2); 0 is the end of the file.
	Read(fd int, p []byte) (int, error)
	// Close is close(2).
	Close(fd int) error
	// Sync makes a file's content or a folder's entries durable: fsync(2).
	Sync(fd int) error
	// SyncFS makes everything on fd's file system durable: syncfs(2).
	SyncFS(fd int) error
	// SyncFSReports tells whether SyncFS on this file system returns the errors
	// of writes since fd was opened.
	SyncFSReports(fd int) bool
	// Rename moves a file, and where the system can, fails with EEXIST rather
	// than replace another.
	Rename(fromDir int, from string, toDir int, to string) error
	// Remove removes a file, RemoveDir an empty folder: unlinkat(2).
	Remove(dir int, name string) error
	RemoveDir(dir int, name string) error
	// Stat looks at a name without following a symbolic link, or at dir itself
	// when name is empty.
	Stat(dir int, name string) (Info, error)
	// List calls fn for each name in dir, from the first, in no order, without
	// "." and "..", and stops at fn's first error.
	List(dir int, fn func(name string) error) error
}

// Info is what Disk.Stat tells.
type Info struct {
	Dev, Ino uint64
	Size     int64 // bytes
	Regular  bool  // a plain file
}

const folderFlags = unix.O_RDONLY | unix.O_DIRECTORY

// kernel is the Disk of the operating system.
type kernel struct {
	plainRename atomic.Bool // the file system knows no rename without replacing
}

func newKernel() *kernel { return &kernel{} }

// again repeats a call that a signal interrupted. An interrupted call did nothing,
// and no error of the disk is lost by repeating it.
func again(call func() error) error {
	err := call()
	for n := 1; err == unix.EINTR && n < maxRetries; n++ {
		err = call()
	}
	return err
}

func (k *kernel) Open(dir int, name string, flags int, perm uint32) (int, error) {
	fd := -1
	err := again(func() (err error) {
		fd, err = unix.Openat(dir, name, flags|unix.O_CLOEXEC, perm)
		return err
	})
	return fd, err
}

func (k *kernel) Mkdir(dir int, name string, perm uint32) error {
	return again(func() error { return unix.Mkdirat(dir, name, perm) })
}

func (k *kernel) Write(fd int, p []byte) error {
	for len(p) > 0 {
		n := 0
		err := again(func() (err error) {
			n, err = unix.Write(fd, p)
			return err
		})
		if err != nil {
			return err
		}
		if n <= 0 {
			return io.ErrShortWrite
		}
		p = p[n:]
	}
	return nil
}

func (k *kernel) Read(fd int, p []byte) (int, error) {
	n := 0
	err := again(func() (err error) {
		n, err = unix.Read(fd, p)
		return err
	})
	return max(n, 0), err
}

// Close does not repeat: after EINTR the descriptor is closed on Linux, and may
// already belong to somebody else.
func (k *kernel) Close(fd int) error {
	if err := unix.Close(fd); err != unix.EINTR {
		return err
	}
	return nil
}

func (k *kernel) Sync(fd int) error { return again(func() error { return fsync(fd) }) }

func (k *kernel) SyncFS(fd int) error { return again(func() error { return syncfs(fd) }) }

func (k *kernel) SyncFSReports(fd int) bool { return syncfsReports(fd) }

func (k *kernel) Rename(fromDir int, from string, toDir int, to string) error {
	if !k.plainRename.Load() {
		err := again(func() error { return renameNoReplace(fromDir, from, toDir, to) })
		if err != unix.EINVAL && err != unix.ENOSYS && err != unix.ENOTSUP {
			return err
		}
		k.plainRename.Store(true)
	}
	return again(func() error { return unix.Renameat(fromDir, from, toDir, to) })
}

func (k *kernel) Remove(dir int, name string) error {
	return again(func() error { return unix.Unlinkat(dir, name, 0) })
}

func (k *kernel) RemoveDir(dir int, name string) error {
	return again(func() error { return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR) })
}

func (k *kernel) Stat(dir int, name string) (Info, error) {
	var st unix.Stat_t
	err := again(func() error {
		if name == "" {
			return unix.Fstat(dir, &st)
		}
		return unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	})
	return Info{
		Dev: uint64(st.Dev), Ino: st.Ino, Size: st.Size,
		Regular: uint32(st.Mode)&unix.S_IFMT == unix.S_IFREG,
	}, err
}

// List reads through a descriptor of its own: the offset of the one it is given
// is shared.
func (k *kernel) List(dir int, fn func(name string) error) error {
	fd, err := k.Open(dir, ".", folderFlags, 0)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), ".")
	defer f.Close()
	for {
		names, err := f.Readdirnames(listChunk)
		for _, name := range names {
			if err := fn(name); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
