package main

import (
	"os"

	"golang.org/x/term"
)

// isTerminal says whether a person sits at the other end of f.
func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// canDraw says whether f is a terminal on which lines can be drawn over.
func canDraw(f *os.File) bool {
	kind := os.Getenv("TERM")
	return kind != "" && kind != "dumb" && isTerminal(f)
}
