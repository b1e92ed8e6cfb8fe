package main

import "syscall"

// canFault tells that calls can be made to fail. How a call is skipped and answered is another matter on each processor.
const canFault = true

// skipCall has the kernel do nothing for the call a stopped thread is about to make.
func skipCall(thread int) error {
	return changeRegisters(thread, func(regs *syscall.PtraceRegs) { regs.Orig_rax = ^uint64(0) })
}

// setResult answers the call a stopped thread comes back from with an error.
func setResult(thread int, errno syscall.Errno) error {
	return changeRegisters(thread, func(regs *syscall.PtraceRegs) { regs.Rax = -uint64(errno) })
}

// shortenCall changes the third argument of the call a stopped thread is about to make: the length of a write.
func shortenCall(thread int, length uint64) error {
	return changeRegisters(thread, func(regs *syscall.PtraceRegs) { regs.Rdx = length })
}

func changeRegisters(thread int, change func(*syscall.PtraceRegs)) error {
	var regs syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(thread, &regs); err != nil {
		return err
	}
	change(&regs)
	return syscall.PtraceSetRegs(thread, &regs)
}
