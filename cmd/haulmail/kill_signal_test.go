package main

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// A run that is asked to stop keeps what it has, says so by its exit code, and leaves the rest to the next run.
func TestStoppedBySignal(t *testing.T) {
	const step, last = 80 * time.Millisecond, 640 * time.Millisecond // two pauses of the server end at about 600 ms
	for _, test := range []struct {
		signal syscall.Signal
		code   int
	}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
		for _, deletion := range []string{"never", "fetched"} {
			t.Run(fmt.Sprint(test.signal, "/", deletion), func(t *testing.T) {
				t.Parallel()
				stopped := 0
				for after := step; after <= last; after += step {
					k := newHaul(t, deletion, true)
					if k.stopped(test.signal, after, test.code) {
						stopped++
					}
					k.settled()
					k.end()
				}
				t.Logf("%d runs were stopped on their way", stopped)
				if stopped == 0 {
					t.Error("no run was stopped on its way")
				}
			})
		}
	}
}

// stopped sends a signal to a run some time after it has come to its server; it tells whether the run was not through by then.
func (k *haul) stopped(signal syscall.Signal, after time.Duration, code int) bool {
	k.t.Helper()
	connected := make(chan struct{})
	k.pop.SetFaults(append(slices.Clone(k.pop.Faults), pop3test.Fault{On: pop3test.Greeting, Session: 1, Call: func() { close(connected) }})...)
	cmd := k.h.command(k.t)
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	select {
	case <-connected:
	case <-time.After(longestRun):
		k.t.Fatal("no connection came")
	}
	time.Sleep(after)
	_ = cmd.Process.Signal(signal) // if it is through, that shows below
	sent := time.Now()
	_ = cmd.Wait()
	if took := time.Since(sent); took > 7*time.Second {
		k.t.Errorf("%v after %v: took %v to end", signal, after, took)
	}
	switch got := cmd.ProcessState.ExitCode(); got {
	case code:
		return true
	case 0, -1: // through already, or so far that nobody listens for signals any more
		return false
	default:
		k.t.Errorf("%v after %v: %v, want exit %d", signal, after, cmd.ProcessState, code)
		return false
	}
}
