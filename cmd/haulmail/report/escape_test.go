package report

import "testing"

func TestEscape(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"plain text, UTF-8 too: Grüße 你好 ✓", "plain text, UTF-8 too: Grüße 你好 ✓"},
		{`a back\slash stays`, `a back\slash stays`},
		{"two\nlines\r\n", `two\nlines\r\n`},
		{"a\ttab", `a\ttab`},
		{"\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"\x1b]0;title\a", `\x1b]0;title\x07`},
		{"NUL \x00 DEL \x7f", `NUL \x00 DEL \x7f`},
		{"C1 as UTF-8: \u009b2J", `C1 as UTF-8: \u009b2J`},
		{"C1 as a byte: \x9b2J", `C1 as a byte: \x9b2J`},
		{"turned \u202egnp.exe", `turned \u202egnp.exe`},
		{"line separator \u2028 here", `line separator \u2028 here`},
		{"no-break\u00a0space, zero\u200bwidth", `no-break\u00a0space, zero\u200bwidth`},
		{"tag \U000e0041", `tag \U000e0041`},
		{"GBK \xc4\xe3\xba\xc3", `GBK \xc4\xe3\xba\xc3`},
		{"a true \ufffd stays", "a true \ufffd stays"},
		{"cut short \xe4\xbd", `cut short \xe4\xbd`},
	} {
		if got := Escape(test.in); got != test.want {
			t.Errorf("Escape(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestEscapeBlockKeepsLinesAndTabs(t *testing.T) {
	if got, want := EscapeBlock("a\tb\n\x1bc\r\n"), "a\tb\n\\x1bc\\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
