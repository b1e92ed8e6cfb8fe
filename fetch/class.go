package fetch

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// Class says what an account's failure calls for. The command turns it into an exit code; nobody else decides by it.
// The order is the order of weight: of several failures the largest Class is the one that is told.
type Class int

// The classes, from the lightest to the heaviest.
const (
	// None is success.
	None Class = iota
	// Busy is an account that is left alone for now: another run holds its lock, or it is too early for a login.
	Busy
	// Held is a temporary failure that has not lasted long enough to be told of, or was told of before.
	Held
	// Temporary is a failure that the next run may not meet: the network, a time-out, [IN-USE], [SYS/TEMP], [LOGIN-DELAY].
	Temporary
	// Interrupted is a run that was asked to stop and did so with everything safe.
	Interrupted
	// Poison is a run in which some messages could not be fetched whole, or a message that is not there; the others are safe.
	Poison
	// UnknownHost is a server name that does not exist.
	UnknownHost
	// Unavailable is a certificate refused, or a service that is not there for good.
	Unavailable
	// Protocol is a server that does not keep to POP3.
	Protocol
	// CannotCreate is a Maildir that cannot be made.
	CannotCreate
	// IO is a disk that fails or is full.
	IO
	// Damaged is a state, or a text of one, that is not what was written, or that has forgotten what the Maildir holds.
	Damaged
	// Login is a user name or password that the server refuses.
	Login
	// Config is an account that cannot work as it is configured, or that a state of another mailbox stands in the way of.
	Config
	// Internal is a defect of haulmail itself.
	Internal
)

// classWords are the names of the classes. They are a promise: scripts decide by them.
var classWords = []string{
	None: "none", Busy: "busy", Held: "held", Temporary: "temporary", Interrupted: "interrupted", Poison: "poison",
	UnknownHost: "unknown_host", Unavailable: "unavailable", Protocol: "protocol", CannotCreate: "cannot_create", IO: "io",
	Damaged: "damaged", Login: "login", Config: "config", Internal: "internal",
}

// String gives the class's name, as it stands in JSON.
func (c Class) String() string { return classWords[c] }

// classNamed gives the class of that name; Internal for a name that none has.
func classNamed(word string) Class {
	if i := slices.Index(classWords, word); i >= 0 {
		return Class(i)
	}
	return Internal
}

// Patience is with failures that are left to another run, or to a later one: they are neither told nor counted. The zero value has
// none.
type Patience struct {
	Busy bool // with accounts that are left alone for now
	Held bool // with failures that error_after holds back
}

// With tells whether there is patience with a class of failures.
func (p Patience) With(c Class) bool { return c == Busy && p.Busy || c == Held && p.Held }

// Error is the failure of one account: what was being done, why it failed, and what to do next.
type Error struct {
	Account string
	Doing   string // "connect", "log in", "deliver"
	Class   Class
	Hint    string // what to type or change next, or ""
	Err     error
}

// Error gives one line without the hint.
func (e *Error) Error() string { return e.Account + ": " + e.Why() }

// Why is Error without the account: what was being done, once, and why it failed.
func (e *Error) Why() string { return because(e.Doing, e.Err.Error()) }

// because says what was being done, unless why begins with that.
func because(doing, why string) string {
	if doing == "" || strings.HasPrefix(why, doing+" ") || strings.HasPrefix(why, doing+":") {
		return why
	}
	return doing + ": " + why
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf gives the class of an account's failure: None for nil, Internal for an error that no one classified.
func ClassOf(err error) Class {
	if err == nil {
		return None
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return cmp.Or(e.Class, Internal)
	}
	return Internal
}

// Worst gives the heaviest class among the results that there is no patience with.
func Worst(results []Result, p Patience) Class {
	worst := None
	for _, r := range results {
		if c := ClassOf(r.Err); !p.With(c) {
			worst = max(worst, c)
		}
	}
	return worst
}
