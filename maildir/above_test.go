package maildir

import (
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// Where syncfs cannot be trusted, each folder is synced up to the root of the file system; where it can, one does for all.
func TestSyncAbove(t *testing.T) {
	top := t.TempDir()
	build(t, top, []string{"a/", "a/m/", "b/"})
	one, other := filepath.Join(top, "a", "m"), filepath.Join(top, "b")
	deaf := &folderDisk{spyDisk: &spyDisk{Disk: newKernel(), deaf: true}}
	if err := NewFlusher().SyncAbove(deaf, one, other); err != nil {
		t.Fatal(err)
	}
	if want := append(upward(t, one), upward(t, other)...); !slices.Equal(deaf.synced, want) || deaf.count("syncfs") != 0 {
		t.Errorf("synced the folders %v, want %v", deaf.synced, want)
	}
	trusty := &spyDisk{Disk: newKernel()}
	if err := NewFlusher().SyncAbove(trusty, one, other); err != nil {
		t.Fatal(err)
	}
	if trusty.count("syncfs") != 1 || trusty.count("sync") != 0 {
		t.Errorf("%d calls of syncfs and %d of fsync, want a single syncfs", trusty.count("syncfs"), trusty.count("sync"))
	}
	for _, d := range []*spyDisk{deaf.spyDisk, trusty} {
		if d.open != 0 {
			t.Errorf("%d descriptors are left open", d.open)
		}
	}
}

func TestSyncAboveFails(t *testing.T) {
	dir := t.TempDir()
	for _, op := range []string{"open", "sync", "syncfs"} {
		d := &spyDisk{Disk: newKernel(), deaf: op == "sync", hook: failAt(op, 1, unix.EIO)}
		if err := NewFlusher().SyncAbove(d, dir); kindOf(err) != "other" || d.open != 0 {
			t.Errorf("%s fails: got %v, with %d descriptors left", op, err, d.open)
		}
	}
}

// folderDisk remembers which folders were synced, by their inodes.
type folderDisk struct {
	*spyDisk
	synced []uint64
}

func (d *folderDisk) Sync(fd int) error {
	info, err := d.Stat(fd, "")
	if err != nil {
		return err
	}
	d.synced = append(d.synced, info.Ino)
	return d.spyDisk.Sync(fd)
}

// upward gives the inodes of a folder and of those above it on its file system.
func upward(t *testing.T, path string) (inodes []uint64) {
	t.Helper()
	var dev uint64
	for ; ; path = filepath.Dir(path) {
		info, err := newKernel().Stat(unix.AT_FDCWD, path)
		if err != nil {
			t.Fatal(err)
		}
		if len(inodes) > 0 && info.Dev != dev {
			return inodes
		}
		dev = info.Dev
		inodes = append(inodes, info.Ino)
		if path == filepath.Dir(path) {
			return inodes
		}
	}
}
