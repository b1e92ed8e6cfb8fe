package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// signalError is the cause of a context that a signal has ended.
type signalError struct{ signal syscall.Signal }

func (e *signalError) Error() string { return "stopped by " + signalName(e.signal) }

func signalName(s syscall.Signal) string {
	switch s {
	case syscall.SIGINT:
		return "SIGINT"
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGHUP:
		return "SIGHUP"
	}
	return fmt.Sprintf("signal %d", int(s))
}

// oneStop is how long after the first signal another one still means the same: timeout(1) sends one to its child and one more to
// the child's process group, and a person's second thought takes longer.
const oneStop = 200 * time.Millisecond

// withSignals gives a context that the first SIGINT, SIGTERM or SIGHUP ends, with a *signalError as its cause: a run then brings
// what it has begun to a safe end. The second one ends the process at once, which cannot lose mail either. A signal that whoever
// started us wanted ignored (nohup) stays ignored. stop gives up the watch.
func withSignals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	arrived := make(chan os.Signal, 2)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(arrived, s)
		}
	}
	go func() {
		first, ok := (<-arrived).(syscall.Signal)
		if !ok {
			return // stopped
		}
		cancel(&signalError{first})
		began := time.Now()
		for second := range arrived {
			if time.Since(began) < oneStop {
				continue
			}
			terminal.restore()
			scratch.remove()
			os.Exit(exitSignal + int(second.(syscall.Signal)))
		}
	}()
	return ctx, func() {
		signal.Stop(arrived)
		close(arrived)
		cancel(nil)
	}
}

// heeding does what may wait for others without end, such as opening a pipe. When ctx ends before it, heeding gives its cause; what
// still waits then ends with the process.
func heeding[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := do()
		done <- answer{value, err}
	}()
	select {
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	case a := <-done:
		return a.value, a.err
	}
}
