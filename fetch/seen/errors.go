package seen

import (
	"errors"
	"fmt"
)

var (
	// ErrLocked is returned by Open when another run holds the state.
	ErrLocked = errors.New("in use by another run")
	// ErrNewer is inside the *DamagedError for a state that a later version wrote in a format unknown to this one.
	ErrNewer = errors.New("written by a newer version of haulmail")

	errReadOnly = errors.New("state is open for reading only")
	// errReplaced: the name no longer leads to the file that was opened and locked.
	errReplaced = errors.New("replaced while it was opened")
)

// IdentityError is returned by Open when the state belongs to another account.
type IdentityError struct {
	Path       string
	Have, Want Identity
}

func (e *IdentityError) Error() string {
	return fmt.Sprintf("state %s belongs to %s, not to %s", e.Path, e.Have, e.Want)
}

// DamagedError is returned when a state file isn't what was written: truncated, altered, of another program, or of a newer
// version (then it wraps ErrNewer). Nothing was changed.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("state %s is damaged: %v", e.Path, e.Err) }

func (e *DamagedError) Unwrap() error { return e.Err }

// CommitError is returned when a transaction couldn't be completed. Its outcome is unknown: it may be on the disk, or not.
// The caller stops; the next run reads what is there. Every later call on the Store returns the same error.
type CommitError struct {
	Path string
	Err  error
}

func (e *CommitError) Error() string { return fmt.Sprintf("state %s: commit: %v", e.Path, e.Err) }

func (e *CommitError) Unwrap() error { return e.Err }

// damage describes one thing that is wrong in the file. Open and the transactions turn it into a *DamagedError.
type damage string

func (d damage) Error() string { return string(d) }

func damagef(format string, args ...any) error { return damage(fmt.Sprintf(format, args...)) }
