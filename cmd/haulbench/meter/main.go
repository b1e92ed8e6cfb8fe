// Command meter runs a command and writes what it took into a file.
//
//	meter LIMIT FILE COMMAND [ARGUMENT…]
//
// The file gets a line of six numbers: the time from start to end, CPU time in user mode and in the kernel, all three in
// nanoseconds; the peak of the memory in octets; the exit code; 1 if the command took longer than LIMIT (such as 3m) and
// was killed, else 0. SIGINT and SIGTERM kill it as well. CPU and memory are those of wait4(2): they include children that the command has waited for, the
// CPU added up, the memory as the largest of them. Standard input and output are passed on.
//
// It is a program of its own, and small on purpose: until a process executes its program, the kernel counts the memory
// of the one that started it as its own.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	if err := meter(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "meter:", err)
		os.Exit(1)
	}
}

func meter(args []string) error {
	if len(args) < 3 {
		return errors.New("want LIMIT FILE COMMAND [ARGUMENT…]")
	}
	limit, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	cmd := exec.Command(args[2], args[3:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that its children can be killed with it
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGINT, syscall.SIGTERM) // before there is a child that could outlive this process
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	kill := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	killer := time.AfterFunc(limit, kill)
	go func() {
		<-stopped
		kill()
	}()
	err = cmd.Wait()
	wall := time.Since(began)
	late := 0
	if !killer.Stop() {
		late = 1
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return err
	}
	state := cmd.ProcessState
	line := fmt.Sprintln(int64(wall), int64(state.UserTime()), int64(state.SystemTime()), peak(state), state.ExitCode(), late)
	return os.WriteFile(args[1], []byte(line), 0o600)
}

func peak(state *os.ProcessState) int64 {
	peak := state.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" {
		peak <<= 10 // the others count in KiB
	}
	return peak
}
