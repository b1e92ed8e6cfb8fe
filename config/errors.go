package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Errors holds every mistake of one file, sorted by position. It stops at 100.
type Errors []*Error

// Error gives one line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find the single mistakes.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(a.Line-b.Line, a.Col-b.Col, strings.Compare(a.Message, b.Message))
	})
}

// Error is one mistake and where it stands. All of its texts are safe to print:
// control characters are replaced and the values of passwords are left out.
type Error struct {
	File       string // as given to Load; "" for a mistake of OneOff, which stands in no file
	Line, Col  int    // from 1; Col counts characters
	Source     string // the line, shortened around the mistake where it is long
	Start, Len int    // what of Source is wrong, in characters; Len is at least 1
	Message    string // what is wrong
	Hint       string // what to do about it; may be empty
}

// Error gives FILE:LINE:COLUMN: MESSAGE, or the message alone where there is no file.
func (e *Error) Error() string {
	if e.File == "" {
		return e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Message)
}

// Excerpt gives two lines without a final newline: the numbered source line,
// and carets under what is wrong in it. It is "" where there is nothing to show.
//
//	9 | prot = 995
//	  | ^^^^
func (e *Error) Excerpt() string {
	if e.Source == "" {
		return ""
	}
	var pad strings.Builder
	for i, r := range []rune(e.Source) {
		if i == e.Start {
			break
		}
		if r != '\t' { // a tab stays one, so that the carets stand right at any tab width
			r = ' '
		}
		pad.WriteRune(r)
	}
	return fmt.Sprintf("%5d | %s\n      | %s%s", e.Line, e.Source, pad.String(), strings.Repeat("^", e.Len))
}

// span is a range of bytes of the file's text.
type span struct{ start, end int }

// newError builds the error for a span of text. A span that ends behind its
// first line is cut there.
func newError(file, text string, at span, message, hint string) *Error {
	at.start = min(max(at.start, 0), len(text))
	at.end = min(max(at.end, at.start), len(text))
	for at.start > 0 && at.start < len(text) && !utf8.RuneStart(text[at.start]) {
		at.start-- // the library may point into a character
	}
	lineStart, lineEnd := lineAround(text, at.start)
	raw := text[lineStart:lineEnd]
	start := utf8.RuneCountInString(text[lineStart:min(at.start, lineEnd)])
	length := utf8.RuneCountInString(text[min(at.start, lineEnd):min(at.end, lineEnd)])
	e := &Error{
		File:    file,
		Line:    strings.Count(text[:lineStart], "\n") + 1,
		Col:     start + 1,
		Message: printable([]rune(message)),
		Hint:    hint,
	}
	shown := []rune(raw)
	if cut := secretStart(text, lineStart, lineEnd); cut >= 0 {
		shown = append([]rune(raw[:cut]), '…')
	}
	e.Source, e.Start, e.Len = shorten(shown, start, length)
	return e
}

// lineAround gives the bounds of the line at offset, without its line end.
func lineAround(text string, offset int) (start, end int) {
	start = strings.LastIndexByte(text[:offset], '\n') + 1
	end = len(text)
	if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
		end = start + i
	}
	if end > start && text[end-1] == '\r' {
		end--
	}
	return start, end
}

// shorten makes a line fit to be shown: at most maxShown characters around the
// mistake, which is moved and cut so that it stands inside the line.
func shorten(line []rune, start, length int) (string, int, int) {
	const maxShown = 160
	const before = 40 // characters kept in front of the mistake
	start = min(start, max(len(line)-1, 0))
	if len(line) > maxShown {
		from := min(max(start-before, 0), len(line)-maxShown)
		window := slices.Clone(line[from : from+maxShown])
		if from > 0 {
			window[0] = '…'
		}
		if from+maxShown < len(line) {
			window[maxShown-1] = '…'
		}
		line, start = window, start-from
	}
	return printable(line), start, max(min(length, len(line)-start), 1)
}

// printable replaces each character that a terminal might obey. A tab stays.
func printable(text []rune) string {
	var b strings.Builder
	for _, r := range text {
		if r != '\t' && !unicode.IsPrint(r) {
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
	}
	return b.String()
}
