package sasl

import (
	"slices"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, row := range []struct {
		announced []string
		want      string
		initial   string
	}{
		{nil, "", ""},
		{[]string{"LOGIN", "CRAM-MD5"}, "", ""},
		{[]string{"LOGIN", "PLAIN"}, "PLAIN", "\x00me@example.org\x00s3cret"},
	} {
		announced := func(m string) bool { return slices.Contains(row.announced, m) }
		m, name := Choose(announced, "me@example.org", "s3cret")
		if name != row.want || (m == nil) != (row.want == "") {
			t.Errorf("announced %v: chose %q, want %q", row.announced, name, row.want)
			continue
		}
		if m == nil {
			continue
		}
		started, initial, err := m.Start()
		if err != nil || started != row.want || string(initial) != row.initial {
			t.Errorf("announced %v: starts with %q %q, %v; want %q %q", row.announced, started, initial, err, row.want, row.initial)
		}
	}
}
