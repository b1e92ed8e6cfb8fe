package maildir

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// spyDisk counts the calls of the Disk below it, and makes them fail or wait as
// a test says.
type spyDisk struct {
	Disk
	deaf bool                           // SyncFS reports no errors here
	hook func(op string, nth int) error // before a call; its error is the call's
	seen func(name string) bool         // List leaves out the names it is false for

	mu      sync.Mutex
	calls   map[string]int
	open    int // descriptors
	maxOpen int
	unsaved map[int]bool // descriptors written to and not synced since
	lost    int          // descriptors closed with unsaved data
	created int          // the flags of the last Open that may make a file
}

func (d *spyDisk) note(op string) error {
	d.mu.Lock()
	if d.calls == nil {
		d.calls, d.unsaved = map[string]int{}, map[int]bool{}
	}
	d.calls[op]++
	n := d.calls[op]
	d.mu.Unlock()
	if d.hook != nil {
		return d.hook(op, n)
	}
	return nil
}

func (d *spyDisk) count(op string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls[op]
}

// failAt makes the nth call of op fail with err.
func failAt(op string, nth int, err error) func(string, int) error {
	return func(o string, n int) error {
		if o == op && n == nth {
			return err
		}
		return nil
	}
}

func (d *spyDisk) Open(dir int, name string, flags int, perm uint32) (int, error) {
	if err := d.note("open"); err != nil {
		return -1, err
	}
	fd, err := d.Disk.Open(dir, name, flags, perm)
	if err == nil {
		d.mu.Lock()
		d.open++
		if flags&unix.O_CREAT != 0 {
			d.created = flags
		}
		d.maxOpen = max(d.maxOpen, d.open)
		d.mu.Unlock()
	}
	return fd, err
}

func (d *spyDisk) Mkdir(dir int, name string, perm uint32) error {
	if err := d.note("mkdir"); err != nil {
		return err
	}
	return d.Disk.Mkdir(dir, name, perm)
}

func (d *spyDisk) Write(fd int, p []byte) error {
	if err := d.note("write"); err != nil {
		return err
	}
	d.mu.Lock()
	d.unsaved[fd] = true
	d.mu.Unlock()
	return d.Disk.Write(fd, p)
}

func (d *spyDisk) Close(fd int) error {
	failure := d.note("close")
	d.mu.Lock()
	d.open--
	if d.unsaved[fd] {
		d.lost++
	}
	delete(d.unsaved, fd)
	d.mu.Unlock()
	if err := d.Disk.Close(fd); err != nil {
		return fmt.Errorf("descriptor %d: %w", fd, err)
	}
	return failure
}

func (d *spyDisk) Sync(fd int) error {
	if err := d.note("sync"); err != nil {
		return err
	}
	d.mu.Lock()
	delete(d.unsaved, fd)
	d.mu.Unlock()
	return d.Disk.Sync(fd)
}

func (d *spyDisk) SyncFS(fd int) error {
	if err := d.note("syncfs"); err != nil {
		return err
	}
	return nil // the tests' disk is shared by many: its data is not ours to wait for
}

func (d *spyDisk) SyncFSReports(int) bool { return !d.deaf }

func (d *spyDisk) Rename(fromDir int, from string, toDir int, to string) error {
	if err := d.note("rename"); err != nil {
		return err
	}
	return d.Disk.Rename(fromDir, from, toDir, to)
}

func (d *spyDisk) Stat(dir int, name string) (Info, error) {
	if err := d.note("stat"); err != nil {
		return Info{}, err
	}
	return d.Disk.Stat(dir, name)
}

func (d *spyDisk) Remove(dir int, name string) error {
	if err := d.note("remove"); err != nil {
		return err
	}
	return d.Disk.Remove(dir, name)
}

func (d *spyDisk) RemoveDir(dir int, name string) error {
	if err := d.note("rmdir"); err != nil {
		return err
	}
	return d.Disk.RemoveDir(dir, name)
}

func (d *spyDisk) List(dir int, fn func(name string) error) error {
	if err := d.note("list"); err != nil {
		return err
	}
	return d.Disk.List(dir, func(name string) error {
		if d.seen != nil && !d.seen(name) {
			return nil
		}
		return fn(name)
	})
}
