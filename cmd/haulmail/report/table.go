package report

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"haulmail/fetch"
)

// table is what list shows: one line a message, its account first. The engine has the accounts tell of theirs one after the other.
type table struct {
	screen  *screen
	names   int // width of the names
	headers bool
	width   int // of the terminal with headers on it; 0 for none
	now     func() time.Time
	sums    bool // a person is looking: say how much it is altogether
	headed  bool
}

// The widths of the columns, in those of a terminal. Where a header's two columns leave no room for the reason and the UID, these are
// left out, and the subject has what there is.
const (
	fromWidth    = 20
	subjectWidth = 40
	subjectLeast = 10
	reasonWidth  = 28
	uidLeast     = 16
)

func newTable(s *screen, o Options) *table {
	t := &table{
		screen: s, names: max(width(o.Accounts), len("account")), headers: o.Headers, now: o.Now, sums: o.Live && !o.Quiet,
	}
	if t.headers {
		t.width = o.Width
	}
	return t
}

func (t *table) event(e fetch.Event) {
	switch e := e.(type) {
	case fetch.Chosen:
		l := listedLine{
			account: Escape(e.Account), number: strconv.Itoa(e.Number), size: "-", action: e.Action.String(),
			age: cmp.Or(age(cmp.Or(e.Reached, e.Fetched), t.now()), "-"),
			// The quotes that RFC 5322 wants around some names say nothing to a person.
			from: Escape(strings.ReplaceAll(e.Header.From, `"`, "")), subject: Escape(e.Header.Subject), reason: Escape(e.Text), uid: Escape(string(e.UID)),
		}
		if e.Size >= 0 {
			l.size = size(e.Size)
		}
		t.write(t.line(l))
	case fetch.Done:
		t.done(e)
	}
}

// listedLine is one line of the table, escaped.
type listedLine struct{ account, number, size, age, action, from, subject, reason, uid string }

// heading is the first one.
var heading = listedLine{"account", "number", "size", "age", "action", "from", "subject", "reason", "uid"}

// line gives a line as it is printed.
func (t *table) line(l listedLine) string {
	line := fmt.Sprintf("%-*s  %7s  %9s  %5s  %-6s  ", t.names, l.account, l.number, l.size, l.age, l.action)
	behind := fmt.Sprintf("%-*s  %s", reasonWidth, l.reason, l.uid)
	switch room := t.width - runewidth.StringWidth(line) - fromWidth - len("  "); {
	case !t.headers:
		line += behind
	case t.width == 0:
		line += runewidth.FillRight(l.from, fromWidth) + "  " + runewidth.FillRight(l.subject, subjectWidth) + "  " + behind
	case room < subjectWidth+reasonWidth+uidLeast+2*len("  "):
		line += cell(l.from, fromWidth) + "  " + cell(l.subject, max(room, subjectLeast))
	default:
		line += cell(l.from, fromWidth) + "  " + cell(l.subject, subjectWidth) + "  " + cell(behind, room-subjectWidth-len("  "))
	}
	return strings.TrimRight(line, " ") + "\n"
}

// cell gives text of a width of its own on a terminal.
func cell(text string, width int) string {
	return runewidth.FillRight(runewidth.Truncate(text, width, "…"), width)
}

func (t *table) write(line string) {
	if !t.headed {
		t.headed = true
		t.screen.printLater(t.line(heading))
	}
	t.screen.printLater(line)
}

func (t *table) done(e fetch.Done) {
	if e.Err == nil && t.sums {
		t.screen.tell(fmt.Sprintf("%s  %s, %s: %d to get, %d to delete%s\n",
			pad(e.Account, t.names), count(e.Total, "message"), size(e.Bytes), e.Get, e.Delete, leftForLater(e.Result)))
	}
}

func (t *table) finish([]fetch.Result, int) {
	_ = t.screen.out.Flush() // remembered by Output
}
