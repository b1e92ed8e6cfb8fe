// Command peakmemory runs the command that its further arguments give, and writes into the file named first what that took: the memory at
// its peak in octets, and the wall time and the CPU time in nanoseconds.
//
// It is small on purpose: until a process executes its program, the kernel counts the memory of the one that started it as its own.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

func main() {
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	began := time.Now()
	err := cmd.Run()
	wall := time.Since(began)
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		fail(err)
	}
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" {
		peak <<= 10 // the others count in KiB
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err := os.WriteFile(os.Args[1], fmt.Appendln(nil, peak, wall.Nanoseconds(), cpu.Nanoseconds()), 0o600); err != nil {
		fail(err)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "peakmemory:", err)
	os.Exit(1)
}
