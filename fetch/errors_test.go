package fetch

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"haulmail/config"
	"haulmail/fetch/dial"
	"haulmail/fetch/pop3"
	"haulmail/fetch/sasl"
	"haulmail/fetch/seen"
)

// What was going on when a run was asked to stop is told as that stop, unless it is worse than one.
func TestFailedWhileStopping(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errors.New("stopped by SIGTERM"))
	h := newHaul(newEngine(Options{}), &config.Account{Name: "work"})
	for _, row := range []struct {
		err   error
		class Class
		says  string
	}{
		{doing(doingConnect, context.Canceled), Interrupted, "connect: stopped by SIGTERM"},
		{doing(doingRetrieve, io.ErrUnexpectedEOF), Interrupted, "fetch: stopped by SIGTERM"},
		{doing(doingOpenState, seen.ErrLocked), Interrupted, "open the state: stopped by SIGTERM"},
		{&poisonError{1}, Poison, "1 message could not be fetched whole"},
		{onDisk("deliver", syscall.ENOSPC), IO, "deliver: no space left"},
		{onDisk("read the state", &seen.DamagedError{Path: "work.db", Err: io.ErrUnexpectedEOF}), Damaged, "work.db is damaged"},
	} {
		err := h.explain(ctx, row.err)
		if class := ClassOf(err); class != row.class || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%v: class %s, says %q; want %s, %q", row.err, class, err, row.class, row.says)
		}
	}
}

// A disk that fails beside the server is told as such: what ended the session may pass, and be held back, and a full disk does not.
func TestDiskFailsBesideTheServer(t *testing.T) {
	h := newHaul(newEngine(Options{}), &config.Account{Name: "work"})
	disk := onDisk("write a note into the state", syscall.ENOSPC)
	reset := doing(doingRetrieve, &brokenSession{err: syscall.ECONNRESET})
	refused := doing(doingLogin, &pop3.ServerError{Code: "IN-USE"})
	unknown := doing(doingConnect, &dial.Error{Kind: dial.UnknownHost})
	for _, row := range []struct {
		name  string
		err   error
		class Class
	}{
		{"while it connects", doing(doingConnect, disk), IO},
		{"while a message is read", doing(doingRetrieve, &brokenSession{err: also(syscall.ECONNRESET, disk)}), IO},
		{"after a reset", also(reset, disk), IO},
		{"after a refusal", also(refused, disk), IO},
		{"after a server that is not known", also(unknown, disk), IO},
		{"after a failure that is held back", also(&troubledError{err: refused, held: true}, disk), IO},
		{"and the state is damaged", also(refused, onDisk("read the state", &seen.DamagedError{Err: syscall.ENOSPC})), Damaged},
		{"after a login that needs a person", also(doing(doingLogin, &pop3.ServerError{Code: "AUTH"}), disk), Login},
		{"not at all", refused, Temporary},
		{"not at all, held back", &troubledError{err: refused, held: true}, Held},
		{"not at all: another run holds the state", onDisk(doingOpenState, seen.ErrLocked), Busy},
	} {
		err := h.explain(t.Context(), row.err)
		if class := ClassOf(err); class != row.class || class >= IO && class <= Damaged && !strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
			t.Errorf("%s: class %s, says %q; want class %s", row.name, class, err, row.class)
		}
	}
}

// Of two failures both are told, also where the first came up in no step of its own.
func TestBothFailuresAreTold(t *testing.T) {
	h := newHaul(newEngine(Options{}), &config.Account{Name: "work"})
	for _, first := range []error{&poisonError{1}, &troubledError{err: &poisonError{1}}, doing(doingRetrieve, &poisonError{1})} {
		err := h.explain(t.Context(), also(first, onDisk("close the state", syscall.EIO)))
		for _, words := range []string{"work: fetch: 1 message could not", "; close the state: input/output error"} {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("says %q, want %q in it", err, words)
			}
		}
	}
}

func TestDiskHints(t *testing.T) {
	h := newHaul(newEngine(Options{}), &config.Account{Name: "work"})
	for errno, want := range map[syscall.Errno]string{
		syscall.ENOSPC: "make room", syscall.EDQUOT: "make room", syscall.EROFS: "read-only", syscall.EACCES: "no right", syscall.EIO: "",
	} {
		class, hint := h.classify(onDisk("deliver", errno))
		if class != IO || !strings.Contains(hint, want) || (hint == "") != (want == "") {
			t.Errorf("%v: class %s, hint %q; want %q", errno, class, hint, want)
		}
	}
}

// A one-off has no config to set anything in.
func TestHintsAreAboutWhatThereIs(t *testing.T) {
	asked := &sasl.NoWayError{Asked: "APOP"}
	inConfig, oneOff := newHaul(newEngine(Options{}), &config.Account{}), newHaul(newEngine(Options{OneOff: []string{"--url", "pop://x"}}), &config.Account{})
	for hint, h := range map[string]*haul{`auth = "auto"`: inConfig, "leave out ;auth=": oneOff} {
		if got := h.noWayHint(asked); !strings.Contains(got, hint) {
			t.Errorf("the hint is %q, want %q in it", got, hint)
		}
	}
}
