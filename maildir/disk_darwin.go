package maildir

import "golang.org/x/sys/unix"

// fsync asks for F_FULLFSYNC: fsync(2) on Darwin leaves data in the drive's
// cache. Network file systems do not know it.
func fsync(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_FULLFSYNC, 0)
	if err == unix.ENOTSUP || err == unix.EINVAL || err == unix.ENOTTY {
		return unix.Fsync(fd)
	}
	return err
}

func syncfs(int) error { return unix.ENOSYS }

func syncfsReports(int) bool { return false }

func renameNoReplace(fromDir int, from string, toDir int, to string) error {
	return unix.RenameatxNp(fromDir, from, toDir, to, unix.RENAME_EXCL)
}
