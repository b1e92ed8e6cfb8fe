package maildir

import (
	"errors"
	"fmt"
)

// ErrMissing says that there is no Maildir at the path and none was to be made:
// no such folder, or an empty one, as a mount point is when its disk is absent.
var ErrMissing = errors.New("no such Maildir")

// NotMaildirError says that something else is at the path: a file, a folder with
// other content, a Maildir whose folders cannot be used.
type NotMaildirError struct {
	Path string
	Why  string
}

func (e *NotMaildirError) Error() string {
	return fmt.Sprintf("%s is not a Maildir: %s", e.Path, e.Why)
}

// CreateError says that the Maildir cannot be made.
type CreateError struct {
	Path string
	Err  error
}

func (e *CreateError) Error() string { return fmt.Sprintf("make Maildir %s: %v", e.Path, e.Err) }
func (e *CreateError) Unwrap() error { return e.Err }

// IOError is a failed system call. errors.Is finds the errno: ENOSPC, EDQUOT,
// EROFS, EACCES.
type IOError struct {
	Op   string // what was being done: "write", "sync", "rename"
	Path string
	Err  error
}

func (e *IOError) Error() string { return fmt.Sprintf("%s %s: %v", e.Op, e.Path, e.Err) }
func (e *IOError) Unwrap() error { return e.Err }

// LostError says that files were gone from the spool before they could be moved
// to new/: somebody emptied tmp/. They were not delivered; the other files of
// the batch were, durably. The caller must forget its intents for these keys,
// because a later recovery would take "nowhere" for "read and deleted since".
type LostError struct {
	Path string // of the spool
	Keys []string
}

func (e *LostError) Error() string {
	return fmt.Sprintf("%d files disappeared from %s before they were delivered", len(e.Keys), e.Path)
}

func (b *Box) ioError(op, path string, err error) *IOError {
	return &IOError{Op: op, Path: path, Err: err}
}

// fail remembers the first failure after which durability is in doubt, and
// returns it.
func (b *Box) fail(op, path string, err error) error {
	b.failed.CompareAndSwap(nil, b.ioError(op, path, err))
	return b.failed.Load()
}

// failure returns what fail remembered.
func (b *Box) failure() error {
	if e := b.failed.Load(); e != nil {
		return e
	}
	return nil
}
