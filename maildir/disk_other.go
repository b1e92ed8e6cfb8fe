//go:build !linux && !darwin

package maildir

import "golang.org/x/sys/unix"

func fsync(fd int) error { return unix.Fsync(fd) }

func syncfs(int) error { return unix.ENOSYS }

func syncfsReports(int) bool { return false }

func renameNoReplace(int, string, int, string) error { return unix.ENOSYS }
