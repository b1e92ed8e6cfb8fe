package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Escape makes text from outside safe to print on one line of a terminal: control characters, terminal escapes, characters
// that turn the direction of text, and every other character without a shape of its own become \n, \x1b, \u202e; bytes that are
// not UTF-8 become \xff. Everything else stays as it is, the backslash too: what is shown is for eyes, JSON is for scripts.
func Escape(s string) string { return escape(s, false) }

// EscapeBlock is Escape for text of several lines: line ends and tabs stay.
func EscapeBlock(s string) string { return escape(s, true) }

func escape(s string, block bool) string {
	if clean(s, block) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case printable(r, block):
			b.WriteString(s[:n])
		default:
			b.WriteString(shape(r))
		}
		s = s[n:]
	}
	return b.String()
}

func clean(s string, block bool) bool {
	for i, r := range s {
		if !printable(r, block) || r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			return false
		}
	}
	return true
}

func printable(r rune, block bool) bool {
	return strconv.IsPrint(r) || block && (r == '\n' || r == '\t')
}

// shape writes a character without a shape in Go's notation.
func shape(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < utf8.RuneSelf:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// bytesAsText makes UTF-8 of bytes that need not be, such as a path's, so that they can be had back: a byte that is not UTF-8 becomes \xHH,
// and so does a backslash that could be mistaken for the beginning of one.
func bytesAsText(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)), r == '\\' && escaped.MatchString(s[i:]):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

var escaped = regexp.MustCompile(`^\\x[0-9a-fA-F]{2}`)
