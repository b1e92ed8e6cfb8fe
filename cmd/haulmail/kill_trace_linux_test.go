package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// callClass is a set of system calls at which a run is killed.
type callClass struct {
	name   string
	calls  []uint64 // none: every call there is
	others bool     // all calls but these
}

// The calls by which a run changes what others see: the disk, the server, its own lock. Together with "any" they are
// the points between which a crash can fall.
var callClasses = []callClass{
	{name: "fsync", calls: []uint64{unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_SYNCFS, unix.SYS_MSYNC}},
	{name: "rename", calls: []uint64{unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT}},
	{name: "unlink", calls: []uint64{unix.SYS_UNLINKAT}},
	{name: "mkdir", calls: []uint64{unix.SYS_MKDIRAT}},
	{name: "openat", calls: []uint64{unix.SYS_OPENAT}},
	{name: "write", calls: []uint64{unix.SYS_WRITE, unix.SYS_WRITEV, unix.SYS_PWRITE64, unix.SYS_PWRITEV, unix.SYS_SENDTO}},
	{name: "pwrite", calls: []uint64{unix.SYS_PWRITE64, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE}},
	{name: "read", calls: []uint64{unix.SYS_READ, unix.SYS_RECVFROM}},
	{name: "close", calls: []uint64{unix.SYS_CLOSE}},
	{name: "flock", calls: []uint64{unix.SYS_FLOCK}},
	{name: "any"},
}

// sysCall is a system call that a thread is about to make.
type sysCall struct {
	pid, thread int
	number      uint64
	args        [6]uint64
}

// fate is what becomes of a call. The zero value lets it happen.
type fate struct {
	kill  bool          // the whole process gets SIGKILL before the kernel has carried the call out
	errno syscall.Errno // the process is told of this error, and the kernel does nothing
	late  bool          // with errno: the kernel carries it out all the same
	short bool          // a write gets half of its bytes
}

// traced runs a program under ptrace and counts its calls of a class over all of its threads, which strace cannot: it
// counts for each thread. At the call number kill it is killed; 0 lets it run to its end.
func traced(argv, env []string, dir string, out *os.File, class callClass, kill int) (count int, end syscall.WaitStatus, err error) {
	end, err = tracedBy(argv, env, dir, out, func(c sysCall) fate {
		if !class.has(c.number) {
			return fate{}
		}
		count++
		return fate{kill: count == kill}
	})
	return count, end, err
}

func (class callClass) has(number uint64) bool {
	return class.calls == nil || slices.Contains(class.calls, number) != class.others
}

// tracedBy runs a program under ptrace and asks decide about each of its calls, of all of its threads.
func tracedBy(argv, env []string, dir string, out *os.File, decide func(sysCall) fate) (end syscall.WaitStatus, err error) {
	runtime.LockOSThread() // ptrace obeys only the thread that started the program
	defer runtime.UnlockOSThread()
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Dir: dir, Env: env,
		Files: []uintptr{^uintptr(0), out.Fd(), out.Fd()},
		Sys:   &syscall.SysProcAttr{Ptrace: true, Setpgid: true},
	})
	if err != nil {
		return 0, err
	}
	watchdog := time.AfterFunc(longestRun, func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	defer watchdog.Stop()
	if _, err := syscall.Wait4(pid, &end, 0, nil); err != nil {
		return end, err
	}
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if err := syscall.PtraceSetOptions(pid, options); err != nil {
		return end, fmt.Errorf("ptrace options: %w", err)
	}
	if err := syscall.PtraceSyscall(pid, 0); err != nil {
		return end, fmt.Errorf("ptrace: %w", err)
	}
	failing := make(map[int]syscall.Errno) // by thread
	for {
		var status syscall.WaitStatus
		// Only this process group: other tests have children of their own.
		thread, err := syscall.Wait4(-pid, &status, syscall.WALL, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return end, fmt.Errorf("wait: %w", err)
		}
		if !status.Stopped() {
			if thread == pid { // the last of its threads
				return status, nil
			}
			continue
		}
		deliver := 0
		switch sig := status.StopSignal(); {
		case sig == syscall.SIGTRAP|0x80:
			if err := meddle(pid, thread, failing, decide); err != nil {
				return end, err
			}
		case sig != syscall.SIGTRAP && sig != syscall.SIGSTOP: // those two are ptrace's own
			deliver = int(sig)
		}
		if err := syscall.PtraceSyscall(thread, deliver); err != nil && !errors.Is(err, syscall.ESRCH) {
			return end, fmt.Errorf("ptrace: %w", err)
		}
	}
}

// meddle looks at the call by which a thread has stopped, and lets its fate come true. failing holds the error of each
// thread that is to be told one when it comes back.
func meddle(pid, thread int, failing map[int]syscall.Errno, decide func(sysCall) fate) error {
	call, entered, left := stoppedAt(thread)
	call.pid = pid
	if left {
		errno := failing[thread]
		delete(failing, thread)
		if errno == 0 {
			return nil
		}
		return unlessGone(setResult(thread, errno))
	}
	if !entered {
		return nil
	}
	f := decide(call)
	if f.kill {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		return nil
	}
	if f.errno != 0 {
		failing[thread] = f.errno
	}
	switch {
	case f.errno != 0 && !f.late:
		return unlessGone(skipCall(thread))
	case f.short && call.args[2] > 1:
		return unlessGone(shortenCall(thread, call.args[2]/2))
	}
	return nil
}

// unlessGone forgives that a thread was killed by somebody else meanwhile.
func unlessGone(err error) error {
	if err == nil || errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return fmt.Errorf("ptrace: %w", err)
}

// stoppedAt gives the system call a stopped thread is about to make, or tells that it comes back from one.
func stoppedAt(thread int) (call sysCall, entered, left bool) {
	var info struct { // struct ptrace_syscall_info
		op   uint8
		_    [3]uint8
		arch uint32
		ip   uint64
		sp   uint64
		nr   uint64
		args [6]uint64
	}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(thread),
		unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	call = sysCall{thread: thread, number: info.nr, args: info.args}
	return call, errno == 0 && info.op == unix.PTRACE_SYSCALL_INFO_ENTRY, errno == 0 && info.op == unix.PTRACE_SYSCALL_INFO_EXIT
}

// The tracer itself: it counts exactly, over threads, and kills where it is told.
func TestTracedKillsAtTheCall(t *testing.T) {
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	writes := callClass{name: "write", calls: []uint64{unix.SYS_WRITE}}
	argv := []string{"/bin/sh", "-c", "echo 1; echo 2; echo 3; echo 4"}
	for _, test := range []struct {
		kill, count int
		written     string
	}{
		{0, 4, "1\n2\n3\n4\n"},
		{1, 1, ""},
		{3, 3, "1\n2\n"},
		{5, 4, "1\n2\n3\n4\n"},
	} {
		if err := out.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		count, end, err := traced(argv, nil, "/", out, writes, test.kill)
		if err != nil {
			t.Fatal(err)
		}
		written, _ := os.ReadFile(out.Name())
		if count != test.count || string(written) != test.written || end.Signaled() != (test.kill == count) {
			t.Errorf("kill at %d: counted %d, wrote %q, end %v; want %d, %q", test.kill, count, written, end, test.count, test.written)
		}
	}
}

// The same for errors: one call fails as told, done or undone, and a short write is short.
func TestTracedFailsTheCall(t *testing.T) {
	if !canFault {
		t.Skip("calls can be made to fail on amd64 only")
	}
	writes := callClass{name: "write", calls: []uint64{unix.SYS_WRITE}}
	for _, test := range []struct {
		fate    fate
		count   int
		written string
		code    int
	}{
		{fate{}, 2, "1one\n2two\n", 0},
		{fate{errno: syscall.ENOSPC}, 2, "1one\n", 1},
		{fate{errno: syscall.ENOSPC, late: true}, 2, "1one\n2two\n", 1},
		{fate{short: true}, 3, "1one\n2two\n", 0}, // the shell writes the rest
	} {
		out, err := os.CreateTemp(t.TempDir(), "out")
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		count := 0
		argv := []string{"/bin/sh", "-c", "exec 2>/dev/null; printf '1one\\n'; printf '2two\\n'"}
		end, err := tracedBy(argv, nil, "/", out, func(c sysCall) fate {
			if !writes.has(c.number) || c.args[0] != 1 { // its complaint goes to 2
				return fate{}
			}
			if count++; count == 2 {
				return test.fate
			}
			return fate{}
		})
		if err != nil {
			t.Fatal(err)
		}
		written, _ := os.ReadFile(out.Name())
		if count != test.count || string(written) != test.written || end.ExitStatus() != test.code {
			t.Errorf("%+v: %d writes, wrote %q, exit %d; want %d, %q, %d",
				test.fate, count, written, end.ExitStatus(), test.count, test.written, test.code)
		}
	}
}
