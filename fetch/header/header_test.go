package header

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// A field as it comes, and what is made of it.
func TestText(t *testing.T) {
	for _, row := range []struct{ name, sent, want string }{
		{"plain", "Hello, world", "Hello, world"},
		{"nothing", "", ""},
		{"UTF-8 as it is (RFC 6532)", "Grüße aus Köln", "Grüße aus Köln"},
		{"quoted-printable", "=?ISO-8859-1?Q?Gr=FC=DFe_aus?= Köln", "Grüße aus Köln"},
		{"two words", "=?UTF-8?B?R3LDvMOfZQ==?= =?UTF-8?Q?_aus_K=C3=B6ln?=", "Grüße aus Köln"},
		{"two words, folded", "=?UTF-8?B?R3LDvMOfZQ==?=\r\n\t=?UTF-8?Q?_aus_K=C3=B6ln?=", "Grüße aus Köln"},
		{"GBK", "=?GBK?B?suLK1A==?=", "测试"},
		{"GB2312", "=?gb2312?B?suLK1A==?= <a@example.org>", "测试 <a@example.org>"},
		{"GB18030", "=?gb18030?Q?=B2=E2=CA=D4?=", "测试"},
		{"Big5", "=?Big5?B?tPq41Q==?=", "測試"},
		{"ISO-2022-JP", "=?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=", "テスト"},
		{"Shift_JIS", "=?Shift_JIS?B?g2WDWINn?=", "テスト"},
		{"EUC-KR", "=?euc-kr?B?vcPH6A==?=", "시험"},
		{"KOI8-R", "=?koi8-r?B?1MXT1A==?=", "тест"},
		{"windows-1251", "=?windows-1251?Q?=F2=E5=F1=F2?=", "тест"},
		{"an unknown charset", "=?x-none?Q?a?=", "=?x-none?Q?a?="},
		{"a broken word", "=?utf-8?B?%%?= x", "=?utf-8?B?%%?= x"},
		{"8-bit bytes of no known charset", "caf\xe9", `caf\xe9`},
		{"the same in a word that says it is UTF-8", "=?utf-8?Q?caf=E9?=", `caf\xe9`},
		{"control characters", "a\x1b[2Jb\x00", `a\x1b[2Jb\x00`},
		{"a line end in a word", "=?utf-8?Q?a=0D=0ABcc:_b?=", `a\x0d\x0aBcc: b`},
		{"C1 control characters", "a\u009b2J", `a\xc2\x9b2J`},
		{"a backslash", `C:\xylophone\temp`, `C:\xylophone\temp`},
		{"a backslash that would be taken for an escape", `\xe9 \x5c`, `\x5cxe9 \x5cx5c`},
		{"tabs", "a\tb", "a b"},
		{"folded", "a\r\n b\r\n\t  c", "a b c"},
		{"folded behind its name", "\r\n a", "a"},
		{"folded with bare line feeds", "a\n b", "a b"},
	} {
		if got := Parse([]byte("Subject: " + row.sent + "\r\n\r\nbody\r\n")).Subject; got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func TestParse(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	facts := Facts{"1@example.org", "Ann <ann@example.org>", "hi", at, at.Add(time.Minute)}
	for _, row := range []struct {
		name, sent string
		want       Facts
	}{
		{
			"all of it",
			"Received: from a by b; Mon, 23 Nov 2026 10:01:00 +0000\r\nReceived: from c by a; Mon, 23 Nov 2026 09:59:00 +0000\r\n" +
				"Message-ID: <1@example.org>\r\nFrom: Ann <ann@example.org>\r\nSubject: hi\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000 (UTC)\r\n\r\nSubject: body\r\n",
			facts,
		},
		{
			"line feeds, other spelling, another zone, a folded date",
			"RECEIVED: from a by b;\n\tMon, 23 Nov 2026 10:01:00 +0000\nmessage-id:<1@example.org>\nfrom:Ann\n <ann@example.org>\nSubject : hi\n" +
				"date: 23 Nov 2026 12:00:00 +0200\n",
			facts,
		},
		{
			"rubbish before, between and behind",
			"From ann Mon Nov 23 10:01:00 2026\n: nothing\nReceived: from a by b; Mon, 23 Nov 2026 10:01:00 +0000\n\xff\xfe: x\nno field\n folded\n" +
				"Message-ID: <1@example.org> (sic)\nFrom: Ann <ann@example.org>\nSubject: hi\nDate: Mon, 23 Nov 2026 10:00:00 GMT\nDate: Tue, 24 Nov 2026 10:00:00 GMT\nsub",
			facts,
		},
		{
			"dates that are none",
			"Received: from a by b\nReceived: from b by c; Mon, 23 Nov 2026 10:01:00 +0000\nDate: yesterday\nMessage-ID: 1@example.org\n",
			Facts{MessageID: "1@example.org"},
		},
		{"a date that no calendar of ours has", "Date: 1 Jan 0001 00:00:00 +1400\n", Facts{}},
		{"a header alone, cut off", "Subject: hi", Facts{Subject: "hi"}},
		{"a body alone", "\r\nSubject: hi\r\n", Facts{}},
		{"a fold without a field", " Subject: hi\r\n", Facts{}},
		{"nothing", "", Facts{}},
	} {
		got := Parse([]byte(row.sent))
		got.Date, got.Received = got.Date.UTC(), got.Received.UTC()
		if got != row.want {
			t.Errorf("%s:\n%+v, want\n%+v", row.name, got, row.want)
		}
	}
}

// A header is looked at up to MaxBytes, and what is cut off there is left out.
func TestParseLong(t *testing.T) {
	far := "X: " + strings.Repeat("x", MaxBytes) + "\r\nSubject: far\r\n"
	if got := Parse([]byte(far)); got != (Facts{}) {
		t.Errorf("behind the bound: %+v", got)
	}
	cut := []byte("Subject: near\r\nFrom: " + strings.Repeat("a", MaxBytes) + "\r\n")
	if got := Parse(cut); got != (Facts{Subject: "near"}) {
		t.Errorf("at the bound: %+v", got)
	}
	if got := Parse(cut[:MaxBytes]); got != (Facts{Subject: "near"}) {
		t.Errorf("cut at the bound: %+v", got)
	}
	long := Parse([]byte("Subject: " + strings.Repeat("ä", maxText) + "\r\n")).Subject
	if len(long) > maxText+len("…") || !strings.HasSuffix(long, "ä…") {
		t.Errorf("a long subject has %d bytes and ends with %q", len(long), long[len(long)-8:])
	}
}

var escaped = regexp.MustCompile(`\\x[0-9a-fA-F]{2}`)

// undo is what the package comment promises.
func undo(s string) string {
	return escaped.ReplaceAllStringFunc(s, func(e string) string {
		n, _ := strconv.ParseUint(e[2:], 16, 8)
		return string([]byte{byte(n)})
	})
}

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"a", "\xff\\xff\\x5c", "\\", "\\\x80", "\u0085\u2028", `\x5cx41`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := plain(s)
		checkPlain(t, got)
		if len(got) < maxText && undo(got) != s {
			t.Errorf("%q became %q, and that %q", s, got, undo(got))
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "Subject: =?gbk?Q?=81?=\r\n", "Date: Mon, 23 Nov 2026 10:00:00 +0000\n", "Received: x; 1 Jan 0001 00:00:00 +9999\n",
		"From: =?iso-2022-jp?B?GyRC?=\n \n\n", "Message-ID: <\xff>\n", "Subject: =?hz-gb-2312?Q?~{=81?= =?utf-16?Q?=D8?=\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		facts := Parse(raw)
		for _, s := range []string{facts.MessageID, facts.From, facts.Subject} {
			checkPlain(t, s)
		}
		for _, at := range []time.Time{facts.Date, facts.Received} {
			if _, err := at.UTC().MarshalJSON(); err != nil {
				t.Error(err)
			}
		}
	})
}

func checkPlain(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || len(s) > maxText+len(`\xff\xff\xff\xff…`) {
		t.Errorf("%d bytes that are not plain: %q", len(s), s)
	}
}
