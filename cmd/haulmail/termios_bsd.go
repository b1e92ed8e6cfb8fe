//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package main

import "golang.org/x/sys/unix"

// How a terminal's settings are read and written; afresh drops what was typed and is not read yet.
const (
	getTermios       = unix.TIOCGETA
	setTermios       = unix.TIOCSETA
	setTermiosAfresh = unix.TIOCSETAF
)
