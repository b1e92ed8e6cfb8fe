package report

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/mattn/go-runewidth"
)

// count gives "1 message", "3,481 messages".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return humanize.Comma(int64(n)) + " " + thing + "s"
}

// number gives "3,481".
func number(n int) string { return humanize.Comma(int64(n)) }

// size gives "4.2 MiB".
func size(bytes int64) string { return humanize.IBytes(uint64(max(bytes, 0))) }

// seconds gives "3.8 s", or "3m12s" from a minute on.
func seconds(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// millis gives "12 ms", or "1.3 s" from a second on.
func millis(d time.Duration) string {
	if d >= time.Second {
		return seconds(d)
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

// folder shows a path as its owner would write it.
func folder(path, home string) string {
	if home == "" || home == string(filepath.Separator) {
		return path
	}
	if path == home {
		return "~"
	}
	if rest, ok := strings.CutPrefix(path, strings.TrimSuffix(home, "/")+"/"); ok {
		return "~/" + rest
	}
	return path
}

// width gives the columns that the longest escaped name takes up.
func width(accounts []Account) int {
	widest := 0
	for _, a := range accounts {
		widest = max(widest, runewidth.StringWidth(Escape(a.Name)))
	}
	return widest
}

// pad gives an escaped name, filled with blanks to w.
func pad(name string, w int) string { return runewidth.FillRight(Escape(name), w) }

// ago gives "just now", "12 min ago", "3 h ago", "5 d ago", and the date for what is long past or, by a clock that was wrong, to come.
func ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < -time.Minute, d >= 100*24*time.Hour:
		return t.Local().Format(time.DateOnly)
	case d < time.Minute:
		return "just now"
	default:
		return lasting(d) + " ago"
	}
}

// lasting gives a duration from a minute on in its largest unit: "12 min", "3 h", "5 d".
func lasting(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}
