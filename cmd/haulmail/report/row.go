package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"haulmail/fetch"
)

// A row of live progress is "work   ███████░░░░  8/12   2.9 MiB   1.1 MiB/s   12s left". On a narrow terminal it is shorter, and never
// longer than the terminal is wide.

const (
	barWidth  = 22 // of a bar at most
	shortBar  = 8  // a shorter one is not worth the size and the rate
	leastBar  = 4
	leastName = 8 // characters of an account's name that stay
)

// rowName gives the name for a row of so many columns.
func rowName(name string, names, columns int) string {
	room := min(names, max(columns/4, leastName))
	return runewidth.FillRight(runewidth.Truncate(Escape(name), room, "…"), room) + "  "
}

// rowWords gives what stands behind the bar, and leaves room for one if it can. Columns are those that the bar and the words share.
func rowWords(e fetch.Progress, since time.Duration, columns int) string {
	rate := float64(e.Bytes) / max(since.Seconds(), 0.001)
	of := fmt.Sprint(e.Of)
	n := fmt.Sprintf("%*d/%s", len(of), e.Messages, of)
	got := fmt.Sprintf("%8s", size(e.Bytes))
	speed := fmt.Sprintf("%10s", size(int64(rate))+"/s")
	left := fmt.Sprintf("%10s", timeLeft(e, rate, since))
	for _, choice := range []struct {
		words []string
		bar   int
	}{
		{[]string{n, got, speed, left}, shortBar},
		{[]string{n, got, left}, shortBar},
		{[]string{n, left}, leastBar},
		{[]string{n}, leastBar},
	} {
		text := "  " + strings.Join(choice.words, "  ")
		if runewidth.StringWidth(text)+choice.bar <= columns {
			return text
		}
	}
	return runewidth.Truncate(" "+strings.TrimSpace(n), columns, "…")
}

// timeLeft gives "12s left", "3m05s left", "2h10m left", or "" while nobody can tell.
func timeLeft(e fetch.Progress, rate float64, since time.Duration) string {
	const tooSoon, tooLong = time.Second, 100 * time.Hour
	seconds := float64(max(e.OfBytes-e.Bytes, 0)) / max(rate, 1e-3)
	if since < tooSoon || seconds > tooLong.Seconds() {
		return ""
	}
	s := int(seconds + 0.5)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds left", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds left", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm left", s/3600, s%3600/60)
}
