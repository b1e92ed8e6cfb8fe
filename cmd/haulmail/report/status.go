package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"haulmail/fetch"
)

// jsonStatus is an account of status. What was never, or is not known, is left out.
type jsonStatus struct {
	jsonOf
	Running      bool      `json:"running"`
	LastRun      string    `json:"last_run,omitempty"`
	LastSuccess  string    `json:"last_success,omitempty"`
	Class        string    `json:"class,omitempty"` // of the last run; "none" when all went well
	Step         string    `json:"step,omitempty"`
	Error        string    `json:"error,omitempty"`
	FailingRuns  int       `json:"failing_runs,omitempty"`
	FailingSince string    `json:"failing_since,omitempty"`
	Mail         *jsonMail `json:"mail,omitempty"`
	Seen         *int      `json:"seen,omitempty"`
	Failed       *int      `json:"failed,omitempty"`
	NextLogin    string    `json:"next_login,omitempty"`
}

// jsonMail is what the last run did that fetched or deleted any.
type jsonMail struct {
	Time     string `json:"time"`
	Messages int    `json:"messages"`
	Bytes    int64  `json:"bytes"`
	Deleted  int    `json:"deleted"`
}

// StatusJSON tells of the accounts' runs as JSON lines; code is what the process will exit with.
func StatusJSON(o Options, all []fetch.Status, results []fetch.Result, code int) {
	if o.Now == nil {
		o.Now = time.Now
	}
	j := newJSONLines(&screen{out: o.Out}, o)
	for _, s := range all {
		line := jsonStatus{jsonOf: j.of("status", s.Account), Running: s.Running}
		if s.Known {
			line.LastRun, line.LastSuccess, line.FailingSince = second(s.At), second(s.Success), second(s.FailingSince)
			line.Class, line.Step, line.Error, line.FailingRuns = s.Class.String(), s.Step, s.Error, s.FailingRuns
			line.Seen, line.Failed, line.NextLogin = &s.Seen, &s.Failed, second(s.NextLogin)
			if !s.Mail.At.IsZero() {
				line.Mail = &jsonMail{second(s.Mail.At), s.Mail.Messages, s.Mail.Bytes, s.Mail.Deleted}
			}
		}
		j.print(line)
	}
	for _, r := range results {
		j.failure(r)
	}
	j.finish(results, code)
}

// gap stands between two columns, indent before a line that belongs to the one above.
const (
	gap    = "  "
	indent = "  "
)

// Status tells of the accounts' runs in a table that is no wider than width, 0 being as wide as it takes. What is wrong with an account
// stands below its line.
func Status(all []fetch.Status, now time.Time, width int) string {
	rows := [][]string{{"account", "last run", "ended", "last mail", "fetched", "deleted", "seen", "failed"}}
	for _, s := range all {
		rows = append(rows, statusRow(s, now))
	}
	widths := columns(rows)
	if excess := sum(widths) + len(gap)*(len(widths)-1) - width; width > 0 && excess > 0 {
		widths[0] = max(widths[0]-excess, len("account"))
	}
	var b strings.Builder
	b.WriteString(tableLine(rows[0], widths))
	for i, s := range all {
		b.WriteString(tableLine(rows[i+1], widths))
		for _, remark := range statusRemarks(s, now) {
			b.WriteString(wrap(Escape(remark), indent, width))
		}
	}
	return b.String()
}

// statusRow gives the cells of an account.
func statusRow(s fetch.Status, now time.Time) []string {
	row := []string{Escape(s.Account), "unknown", "-", "-", "-", "-", "-", "-"}
	if s.Known {
		row[1], row[2] = ago(s.At, now), "ok"
		if s.Class != fetch.None {
			row[2] = "failed"
		}
		row[6], row[7] = number(s.Seen), number(s.Failed)
	}
	if !s.Mail.At.IsZero() {
		row[3], row[4], row[5] = ago(s.Mail.At, now), number(s.Mail.Messages), number(s.Mail.Deleted)
	}
	if s.Running {
		row[1] = "running"
	}
	return row
}

// statusRemarks gives what a person has to know besides the counts.
func statusRemarks(s fetch.Status, now time.Time) (remarks []string) {
	if s.Known && s.Class != fetch.None {
		failing, success := "failed for the first time", "never with success"
		if s.FailingRuns > 1 {
			failing = fmt.Sprintf("failing for %d runs, since %s", s.FailingRuns, s.FailingSince.Local().Format("2006-01-02 15:04"))
		}
		if !s.Success.IsZero() {
			success = "last success " + ago(s.Success, now)
		}
		class := s.Class.String()
		if s.Class == fetch.Held {
			class = fetch.Temporary.String() + ", held back"
		}
		remarks = append(remarks, s.Why(), fmt.Sprintf("%s (%s), %s", failing, class, success))
	}
	if s.NextLogin.After(now) {
		remarks = append(remarks, "next login at "+s.NextLogin.Local().Format("15:04:05 on 2006-01-02"))
	}
	return remarks
}

// tableLine gives one line: the first four cells begin together, those of the numbers end together.
func tableLine(cells []string, widths []int) string {
	const words = 4
	var b strings.Builder
	for i, cell := range cells {
		fill := strings.Repeat(" ", max(widths[i]-runewidth.StringWidth(cell), 0))
		switch {
		case i == 0:
			b.WriteString(runewidth.Truncate(cell, widths[0], "…") + fill)
		case i < words:
			b.WriteString(gap + cell + fill)
		default:
			b.WriteString(gap + fill + cell)
		}
	}
	return b.String() + "\n"
}

// columns gives the width of each column.
func columns(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	return widths
}

func sum(numbers []int) (total int) {
	for _, n := range numbers {
		total += n
	}
	return total
}

// wrap breaks a text into lines of at most width characters where there are blanks, each after an indent; one line for a width of 0.
func wrap(text, indent string, width int) string {
	var b strings.Builder
	line := indent
	for i, word := range strings.Fields(text) {
		if i > 0 && width > 0 && runewidth.StringWidth(line)+1+runewidth.StringWidth(word) > width {
			b.WriteString(line + "\n")
			line = indent + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	return b.String() + line + "\n"
}
