package config_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"haulmail/config"
)

func TestParseSize(t *testing.T) {
	for _, row := range []struct {
		text string
		want config.Size
		says string // String of it; "" for the text itself
	}{
		{"25MB", 25_000_000, ""},
		{"25 MB", 25_000_000, "25MB"},
		{"25mb", 25_000_000, "25MB"},
		{"25M", 25_000_000, "25MB"},
		{"512KiB", 512 << 10, ""},
		{"1.5 GiB", 3 << 29, "1536MiB"},
		{"1,000 kB", 1_000_000, "1MB"},
		{"1.5kB", 1500, "1500B"},
		{"7B", 7, ""},
		{"0B", 0, ""},
	} {
		got, err := config.ParseSize(row.text)
		if err != nil || got != row.want {
			t.Errorf("%q is read as %d, %v; want %d", row.text, got, err, row.want)
		}
		says := row.says
		if says == "" {
			says = row.text
		}
		if got.String() != says {
			t.Errorf("%q prints as %s, want %s", row.text, got, says)
		}
	}
	for _, text := range []string{"", "25", "25.5", "1,000", " ", "MB", "-1MB", "25 parsecs", "NaNB", "2000000GB", "99999999999999999999999B"} {
		if got, err := config.ParseSize(text); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

// What a Size prints as is read as that Size.
func TestSizeReadsWhatItPrints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := config.Size(rapid.Int64Range(0, 1<<50).Draw(t, "octets"))
		if rapid.Bool().Draw(t, "round") {
			size = size / config.Size(1<<20) * (1 << 20)
		}
		if got, err := config.ParseSize(size.String()); err != nil || got != size {
			t.Fatalf("%d prints as %s, which is read as %d, %v", int64(size), size, int64(got), err)
		}
	})
}

// A bound of [defaults] is taken back by "none".
func TestNoBound(t *testing.T) {
	c := parse(t, `
[defaults]
server = "pop.example.org"
max_size = "25MB"
max_messages = 10
max_bytes = "1GB"
since = "30d"
order = "newest"
[account.inherits]
username = "a"
maildir = "a"
[account.unbound]
username = "b"
maildir = "b"
max_size = "none"
max_messages = "none"
max_bytes = "none"
since = "none"
order = "oldest"
`)
	if got := c.Accounts[0].Selection; got.MaxSize != 25_000_000 || got.MaxMessages != 10 || got.Order != config.NewestFirst {
		t.Errorf("inherited is %+v", got)
	}
	if got := c.Accounts[1].Selection; got != (config.Selection{}) {
		t.Errorf("taken back is %+v", got)
	}
}

// Set reads what flags have: the same values as the file, all of them text.
func TestSet(t *testing.T) {
	var s config.Selection
	for _, row := range []struct {
		key, text string
		ok        bool
	}{
		{config.KeyMaxSize, "1MB", true},
		{config.KeyMaxMessages, "20", true},
		{config.KeyMaxBytes, "none", true},
		{config.KeySince, "1w", true},
		{config.KeyOrder, "newest", true},
		{config.KeyHeadersOnly, "true", true},
		{config.KeyMaxSize, "1", false},
		{config.KeyMaxMessages, "0", false},
		{config.KeyMaxMessages, "many", false},
		{config.KeySince, "7", false},
		{config.KeyOrder, "random", false},
		{config.KeyHeadersOnly, "perhaps", false},
	} {
		before := s
		err := s.Set(row.key, row.text)
		if bad, isValue := errors.AsType[*config.ValueError](err); (err == nil) != row.ok || err != nil && (!isValue || bad.Hint == "" || s != before) {
			t.Errorf("%s = %s: %v", row.key, row.text, err)
		}
	}
	want := config.Selection{MaxSize: 1_000_000, MaxMessages: 20, Since: config.Duration(7 * 24 * 3600e9), Order: config.NewestFirst, HeadersOnly: true}
	if s != want {
		t.Errorf("set %+v, want %+v", s, want)
	}
}
