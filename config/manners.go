package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func (d *document) readMinInterval(v value, a *Account) {
	d.durationUpTo(v, maxInterval, `write a time such as "15m"`, &a.MinInterval)
}

func (d *document) readJitter(v value, c *Config) {
	d.durationUpTo(v, maxJitter, `write a time such as "2m"`, &c.Jitter)
}

// durationUpTo reads a duration of at most most.
func (d *document) durationUpTo(v value, most Duration, hint string, to *Duration) {
	t, ok := d.duration(v, hint, "minutes")
	if !ok {
		return
	}
	if t > most {
		d.failValue(v, fmt.Sprintf("%s %q is out of range", v.key(), t), fmt.Sprintf(`write at most "%s"`, most))
		return
	}
	*to = t
}

func (d *document) readRetries(v value, a *Account) { d.number(v, 0, maxRetries, &a.Retries) }

// Lasting is how long something must go on: for so many runs, or for so long. The zero value is not at all.
type Lasting struct {
	Runs int
	For  Duration
}

// IsZero tells whether it is over at once.
func (l Lasting) IsZero() bool { return l == Lasting{} }

// IsOver tells whether something that has gone on for so many runs and so long has lasted.
func (l Lasting) IsOver(runs int, d time.Duration) bool {
	if l.Runs > 0 {
		return runs >= l.Runs
	}
	return d >= time.Duration(l.For)
}

// String gives what stands in the file: "3 runs", "6h".
func (l Lasting) String() string {
	if l.Runs > 0 {
		return fmt.Sprintf("%d runs", l.Runs)
	}
	return l.For.String()
}

func (d *document) readErrorAfter(v value, a *Account) {
	const hint = `write a number of runs or a time: "3 runs", "6h"`
	s, ok := d.str(v, hint)
	if !ok {
		return
	}
	if number, isRuns := strings.CutSuffix(strings.TrimSuffix(s, "s"), " run"); isRuns {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > maxRuns {
			d.failValue(v, fmt.Sprintf("error_after %q is no number of runs", s), hint)
			return
		}
		a.ErrorAfter = Lasting{Runs: n}
		return
	}
	if t, ok := d.duration(v, hint, "hours"); ok {
		a.ErrorAfter = Lasting{For: t}
	}
}
