package config

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a span of time as people write it in a config: "30s", "36h",
// "14d", "1d12h". A number without a unit is never one: nobody can tell whether
// 30 means seconds or days.
type Duration time.Duration

// units are the units of a Duration, largest first. String uses all but "w".
var units = []struct {
	letter byte
	span   time.Duration
}{
	{'w', 7 * 24 * time.Hour},
	{'d', 24 * time.Hour},
	{'h', time.Hour},
	{'m', time.Minute},
	{'s', time.Second},
}

// ParseDuration reads one or more whole numbers, each with its unit, larger
// units first: w, d, h, m, s. A day has 24 hours. The result is at most 100
// years of 365 days. The error quotes s.
func ParseDuration(s string) (Duration, error) {
	var sum time.Duration
	smallest := maxDuration
	rest := s
	for rest != "" {
		n, span, after, ok := cutPart(rest)
		if !ok || span >= smallest {
			return 0, fmt.Errorf("%q is not a duration", s)
		}
		if n > int64(maxDuration/span) || sum+time.Duration(n)*span > maxDuration {
			return 0, fmt.Errorf("%q is longer than 100 years", s)
		}
		sum += time.Duration(n) * span
		smallest, rest = span, after
	}
	if s == "" {
		return 0, fmt.Errorf("%q is not a duration", s)
	}
	return Duration(sum), nil
}

// cutPart takes a number and its unit from the front of s. A number of more
// than 18 digits counts as one of 18 nines, which is out of range anyway.
func cutPart(s string) (n int64, span time.Duration, rest string, ok bool) {
	const huge = 999_999_999_999_999_999
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if n > huge/10 {
			n = huge
			continue
		}
		n = n*10 + int64(s[i]-'0')
	}
	if i == 0 || i == len(s) {
		return 0, 0, "", false
	}
	for _, u := range units {
		if u.letter == s[i] {
			return n, u.span, s[i+1:], true
		}
	}
	return 0, 0, "", false
}

// UnmarshalText reads what ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// MarshalText gives what String gives.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String gives the shortest text that ParseDuration reads as d: "14d", "1d12h",
// "1m30s". What ParseDuration could not have made prints as time.Duration does.
func (d Duration) String() string {
	left := time.Duration(d)
	if left == 0 {
		return "0s"
	}
	if left < 0 || left%time.Second != 0 {
		return left.String()
	}
	var b strings.Builder
	for _, u := range units[1:] {
		if n := left / u.span; n > 0 {
			fmt.Fprintf(&b, "%d%c", n, u.letter)
			left %= u.span
		}
	}
	return b.String()
}
