package main

import "golang.org/x/sys/unix"

// How a terminal's settings are read and written; afresh drops what was typed and is not read yet.
const (
	getTermios       = unix.TCGETS
	setTermios       = unix.TCSETS
	setTermiosAfresh = unix.TCSETSF
)
