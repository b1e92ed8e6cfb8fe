package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// judged is the client that has limits to keep to.
const judged = "haulmail"

// printTable prints the results as a Markdown table, its columns in line, and below it what has to be known to read it.
func printTable(w io.Writer, rec record, results []result, clients []client) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(t, "| scenario\t| client\t| wall\t| CPU\t| peak memory\t| fsyncs\t| to mpop\t| limits\t|")
	fmt.Fprintln(t, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, res := range results {
		what := res.scenario.name + " " + res.scenario.what
		for _, r := range res.rows {
			fmt.Fprintf(t, "| %s\t| %s\t|\n", what, strings.Join(cells(res, r), "\t| "))
			what = ""
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printNotes(w, rec, clients)
}

func printNotes(w io.Writer, rec record, clients []client) error {
	notes := []string{
		rec.Machine + "; haulmail of commit " + rec.Commit,
		"wall and CPU (user and system, children counted) are medians, memory is the largest of all rounds (of one process), " +
			"“to mpop” is the median of the ratios of wall time in each round",
		"fsyncs: calls of " + strings.ReplaceAll(syncCalls, ",", ", ") + " in a run of its own under strace",
	}
	compared := "what was delivered was compared by hash with what was put in"
	for _, c := range clients {
		compared += fmt.Sprintf("; %s: %s", c.name, c.compared())
	}
	notes = append(notes, compared)
	if rec.Scale != 1 {
		notes = append(notes, fmt.Sprintf("only %g of the mail: limits are not judged", rec.Scale))
	}
	_, err := fmt.Fprintf(w, "\n- %s\n", strings.Join(notes, "\n- "))
	return err
}

func cells(res result, r *row) []string {
	if len(r.runs) == 0 {
		return []string{r.client.name, "–", "–", "–", "–", "–", "no run: " + reason(r)}
	}
	s := r.summary(res.base())
	cells := []string{
		r.client.name, seconds(s.Wall), seconds(s.CPU), mebibytes(s.Peak), syncs(r, res.scenario), ratio(s.Ratio),
	}
	switch {
	case r.failed != nil:
		return append(cells, "FAILED: "+reason(r))
	case r.client.name == judged && res.scenario.limits != (limits{}):
		return append(cells, verdict(r.missed(res)))
	}
	return append(cells, "")
}

func reason(r *row) string {
	if r.failed == nil {
		return "left out"
	}
	return r.failed.Error()
}

func verdict(missed []string) string {
	if len(missed) == 0 {
		return "kept"
	}
	return "**MISSED** " + strings.Join(missed, ", ")
}

// missed gives the limits that were not kept, in words.
func (r *row) missed(res result) (missed []string) {
	s, l := r.summary(res.base()), res.scenario.limits
	miss := func(is bool, format string, args ...any) {
		if is {
			missed = append(missed, fmt.Sprintf(format, args...))
		}
	}
	miss(l.Ratio > 0 && s.Ratio > l.Ratio, "time %.3f > %.2f of mpop's", s.Ratio, l.Ratio)
	miss(l.CPURatio > 0 && s.CPURatio > l.CPURatio, "CPU %.3f > %.2f of mpop's", s.CPURatio, l.CPURatio)
	miss(l.Wall > 0 && s.Wall > l.Wall, "%s > %s", seconds(s.Wall), seconds(l.Wall))
	miss(l.Peak > 0 && s.Peak > l.Peak, "%s > %s", mebibytes(s.Peak), mebibytes(l.Peak))
	miss(l.Idle && s.Wrote, "it wrote")
	miss(l.Idle && r.uncounted != nil, "fsyncs not counted: %v", r.uncounted)
	miss(l.Idle && r.uncounted == nil && r.syncs > 0, "%d fsyncs", r.syncs)
	return missed
}

func seconds(d time.Duration) string {
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.3f s", d.Seconds())
}

func mebibytes(octets int64) string { return fmt.Sprintf("%.1f MiB", float64(octets)/miB) }

func ratio(r float64) string {
	if r == 0 {
		return "–"
	}
	return fmt.Sprintf("%.3f", r)
}

// syncs tells the calls of class fsync for each message, or all of them where one is fetched or none.
func syncs(r *row, s scenario) string {
	switch {
	case r.uncounted != nil:
		return "–"
	case s.known, s.total() == 1:
		return fmt.Sprintf("%d in all", r.syncs)
	}
	return fmt.Sprintf("%.3f a message", float64(r.syncs)/float64(s.total()))
}
