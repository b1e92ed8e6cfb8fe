package maildir

import (
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

func fsync(fd int) error { return unix.Fsync(fd) }

func syncfs(fd int) error { return unix.Syncfs(fd) }

func renameNoReplace(fromDir int, from string, toDir int, to string) error {
	return unix.Renameat2(fromDir, from, toDir, to, unix.RENAME_NOREPLACE)
}

// syncfsReports is true on Linux 5.8 and later, where syncfs(2) tells of failed
// writes, and only for file systems that write to a disk themselves. An overlay
// hides the errors of the layer below, FUSE does not pass the call on, and a
// network's file system may do as it likes.
func syncfsReports(fd int) bool {
	if !linux58() {
		return false
	}
	var st unix.Statfs_t
	if err := again(func() error { return unix.Fstatfs(fd, &st) }); err != nil {
		return false // unknown: fsync is right everywhere
	}
	switch uint32(st.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC:
		return true
	}
	return false
}

var linux58 = sync.OnceValue(func() bool {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return false
	}
	return atLeast58(unix.ByteSliceToString(uts.Release[:]))
})

// atLeast58 reads a release such as "6.1.0-18-amd64".
func atLeast58(release string) bool {
	major, rest, _ := strings.Cut(release, ".")
	minor := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		minor = rest[:i]
	}
	x, err := strconv.Atoi(major)
	if err != nil {
		return false
	}
	y, err := strconv.Atoi(minor)
	return err == nil && (x > 5 || x == 5 && y >= 8)
}
