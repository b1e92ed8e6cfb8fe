//go:build linux && !amd64

package main

import "syscall"

const canFault = false

func skipCall(int) error { return syscall.ENOTSUP }

func setResult(int, syscall.Errno) error { return syscall.ENOTSUP }

func shortenCall(int, uint64) error { return syscall.ENOTSUP }
