package fetch

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"haulmail/config"
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
