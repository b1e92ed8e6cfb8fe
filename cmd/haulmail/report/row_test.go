package report

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"haulmail/fetch"
)

// What stands beside the bar, by the width of the terminal: less on a narrow one, always the count, and always room for the bar but
// where there is none at all.
func TestRowByWidth(t *testing.T) {
	e := fetch.Progress{Account: "work", Messages: 240, Bytes: 3 << 20, Of: 5000, OfBytes: 75 << 20}
	long := fetch.Progress{Messages: 99_999, Bytes: 3 << 30, Of: 100_000, OfBytes: 30 << 30}
	for _, row := range []struct {
		e       fetch.Progress
		since   time.Duration
		columns int
		want    string
	}{
		{e, 3 * time.Second, 200, "   240/5000   3.0 MiB   1.0 MiB/s  1m12s left"},
		{e, 3 * time.Second, 60, "   240/5000   3.0 MiB   1.0 MiB/s  1m12s left"},
		{e, 3 * time.Second, 50, "   240/5000   3.0 MiB  1m12s left"},
		{e, 3 * time.Second, 27, "   240/5000  1m12s left"},
		{e, 3 * time.Second, 16, "   240/5000"},
		{e, 3 * time.Second, 12, " 240/5000"},
		{e, 3 * time.Second, 5, " 240…"},
		{e, time.Second / 2, 200, "   240/5000   3.0 MiB   6.0 MiB/s            "},
		{e, 150 * time.Second, 200, "   240/5000   3.0 MiB    20 KiB/s  1h00m left"},
		{long, time.Hour, 80, "   99999/100000   3.0 GiB   874 KiB/s  9h00m left"},
	} {
		got := rowWords(row.e, row.since, row.columns)
		if got != row.want || utf8.RuneCountInString(got) > row.columns {
			t.Errorf("%d columns, after %v: %q, want %q", row.columns, row.since, got, row.want)
		}
	}
}

func TestNameInARow(t *testing.T) {
	for _, row := range []struct {
		name           string
		names, columns int
		want           string
	}{
		{"work", 8, 80, "work      "},
		{"an.account@example.org", 22, 200, "an.account@example.org  "},
		{"an.account@example.org", 22, 40, "an.accoun…  "},
		{"an.account@example.org", 22, 10, "an.acco…  "},
		{"邮箱一二三四五", 14, 40, "邮箱一二…   "},
	} {
		if got := rowName(row.name, row.names, row.columns); got != row.want {
			t.Errorf("%s in %d columns: %q, want %q", row.name, row.columns, got, row.want)
		}
	}
}

func TestColors(t *testing.T) {
	for _, on := range []Colors{false, true} {
		text := on.failure(&fetch.Error{Account: "work", Doing: "connect", Err: errString("\x1b[2Jno")}) + on.hint("try")
		if strings.Contains(text, "\x1b[") != bool(on) || strings.Contains(text, "\x1b[2J") {
			t.Errorf("colors %v: %q", on, text)
		}
	}
}

type errString string

func (e errString) Error() string { return string(e) }
