package main

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/term"

	"haulmail/cmd/haulmail/report"
	"haulmail/config/nearest"
)

// isTerminal says whether a person sits at the other end of f.
func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// columns gives the width of the terminal f, 0 for none.
func columns(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// canDraw says whether f is a terminal on which lines can be drawn over.
func canDraw(f *os.File) bool {
	kind := os.Getenv("TERM")
	return kind != "" && kind != "dumb" && isTerminal(f)
}

// screenSize gives the size of the terminal that live progress is drawn on, as it is now.
func screenSize() (columns, rows int) {
	columns, rows, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil || columns < 1 || rows < 1 {
		return 80, 24 // a serial line, say, does not know
	}
	return columns, rows
}

// colored decides by the word after --color whether f is coloured. NO_COLOR counts unless it is empty (no-color.org).
func colored(when string, f *os.File) report.Colors {
	switch when {
	case "always":
		return true
	case "never":
		return false
	}
	return report.Colors(os.Getenv("NO_COLOR") == "" && canDraw(f))
}

// chooseColors reads --color. Errors before that are coloured as without it.
func (p *program) chooseColors() error {
	when, given := p.line.value("color")
	words := []string{"auto", "always", "never"}
	if given && !slices.Contains(words, when) {
		e := &usageError{fmt.Sprintf("--color cannot be %q", when), "write " + orList(words)}
		if near := nearest.To(when, words); near != "" {
			e.hint = fmt.Sprintf("did you mean %q?", near)
		}
		return e
	}
	p.colors = colored(when, os.Stderr)
	return nil
}
