//go:build killpoint

package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// killStep gives the step hook of test binaries: with HAULMAIL_KILL_AT=NAME:N the process kills itself, as by kill -9, when it
// passes the step NAME for the N-th time. A value that cannot be read is a defect of the test, and stops it.
func killStep() func(string) {
	at := os.Getenv("HAULMAIL_KILL_AT")
	if at == "" {
		return nil
	}
	name, count, _ := strings.Cut(at, ":")
	nth, err := strconv.ParseInt(count, 10, 64)
	if err != nil || nth < 1 {
		panic("HAULMAIL_KILL_AT is not NAME:N: " + at)
	}
	var passed atomic.Int64
	return func(step string) {
		if step == name && passed.Add(1) == nth {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal may take its time
		}
	}
}
