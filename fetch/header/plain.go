package header

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain writes text so that it is UTF-8 and has no control characters, as the package comment says.
func plain(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1, unicode.IsControl(r), r == '\\' && escapes(s[i:]):
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
		if b.Len() >= maxText && i < len(s) {
			return b.String() + "…"
		}
	}
	return b.String()
}

// escapes says whether s begins as an escaped byte does.
func escapes(s string) bool {
	return len(s) >= 4 && s[1] == 'x' && isHex(s[2]) && isHex(s[3])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
