package main

import (
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize"
)

// writeTable writes the rows as a Markdown table.
func writeTable(w io.Writer, rows []row) {
	fmt.Fprintln(w, "| run | accounts | at once | messages | wall | CPU | CPU a message | peak memory |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|---:|---:|---:|")
	for _, r := range rows {
		total := r.accounts * r.messages
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %.1f MiB |\n", r.kind, humanize.Comma(int64(r.accounts)), humanize.Comma(int64(r.atOnce)), humanize.Comma(int64(total)),
			short(r.wall), short(r.cpu), short(r.cpu/time.Duration(total)), float64(r.peak)/(1<<20))
	}
}

// short gives a duration with about three digits.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f µs", float64(d)/float64(time.Microsecond))
}
