package main

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// stopSignals are those that ask a run to stop, with the exit code that says so.
var stopSignals = map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129}

// stopsWithin is how long a run takes at most that is asked to stop: the promised 5 s, and what a busy machine adds to them.
const stopsWithin = 5500 * time.Millisecond

// A run that is asked to stop keeps what it has, says so by its exit code, and leaves the rest to the next run.
func TestStoppedBySignal(t *testing.T) {
	const step, last = 80 * time.Millisecond, 640 * time.Millisecond // two pauses of the server end at about 600 ms
	for signal, code := range stopSignals {
		for _, deletion := range []string{"never", "fetched"} {
			t.Run(fmt.Sprint(signal, "/", deletion), func(t *testing.T) {
				t.Parallel()
				stopped := 0
				for after := step; after <= last; after += step {
					k := newHaul(t, deletion, true)
					if k.stopped(signal, after, code) {
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

// A server that has fallen silent holds no run that is asked to stop, wherever it is.
func TestStoppedBesideASilentServer(t *testing.T) {
	for _, stage := range []string{pop3test.Greeting, "AUTH", "UIDL", "RETR", "DELE", "QUIT"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			k := newHaul(t, "fetched", false)
			silent := make(chan struct{})
			fault := pop3test.Fault{On: stage, Limit: 1, Call: func() { close(silent) }, Do: pop3test.Stall}
			if stage == "RETR" {
				fault.Msg = haulSize / 2
			}
			k.pop.SetFaults(fault)
			if !k.stoppedAt(silent, 0, syscall.SIGTERM, 143) {
				t.Error("it did not end with 143")
			}
			k.settled()
			k.end()
		})
	}
}

// stopped sends a signal to a run some time after it has come to its server; it tells whether the run was not through by then.
func (k *haul) stopped(signal syscall.Signal, after time.Duration, code int) bool {
	k.t.Helper()
	connected := make(chan struct{})
	k.pop.SetFaults(append(slices.Clone(k.pop.Faults), pop3test.Fault{On: pop3test.Greeting, Session: 1, Call: func() { close(connected) }})...)
	return k.stoppedAt(connected, after, signal, code)
}

// stoppedAt is stopped where the time counts from another event.
func (k *haul) stoppedAt(event chan struct{}, after time.Duration, signal syscall.Signal, code int) bool {
	k.t.Helper()
	cmd := k.h.command(k.t)
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	select {
	case <-event:
	case <-time.After(longestRun):
		k.t.Fatal("the run never came so far")
	}
	time.Sleep(after)
	_ = cmd.Process.Signal(signal) // if it is through, that shows below
	sent := time.Now()
	_ = cmd.Wait()
	if took := time.Since(sent); took > stopsWithin {
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
