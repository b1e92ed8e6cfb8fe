package report

import (
	"fmt"
	"strings"

	"haulmail/fetch"
)

// table is what list shows: one line a message, its account first. The lines of one account stand together although accounts are
// listed at the same time: those of the first that has any are written at once, those of the others wait until they are done.
type table struct {
	screen  *screen
	names   int    // width of the names
	sums    bool   // a person is looking: say how much it is altogether
	current string // the account whose lines are written at once
	headed  bool
	held    map[string]*strings.Builder
}

func newTable(s *screen, o Options) *table {
	return &table{screen: s, names: max(width(o.Accounts), len("account")), sums: o.Live && !o.Quiet, held: map[string]*strings.Builder{}}
}

func (t *table) event(e fetch.Event) {
	switch e := e.(type) {
	case fetch.Chosen:
		t.row(e.Account, fmt.Sprintf("%s  %7d  %9s  %-6s  %-28s  %s\n",
			pad(e.Account, t.names), e.Number, size(e.Size), e.Action, Escape(e.Text), Escape(string(e.UID))))
	case fetch.Done:
		t.done(e)
	}
}

func (t *table) row(account, line string) {
	if t.current == "" {
		t.current = account
	}
	if t.current == account {
		t.write(line)
		return
	}
	if t.held[account] == nil {
		t.held[account] = new(strings.Builder)
	}
	t.held[account].WriteString(line)
}

func (t *table) write(lines string) {
	if !t.headed {
		t.headed = true
		t.screen.printLater(fmt.Sprintf("%-*s  %7s  %9s  %-6s  %-28s  %s\n", t.names, "account", "number", "size", "action", "reason", "uid"))
	}
	t.screen.printLater(lines)
}

func (t *table) done(e fetch.Done) {
	if t.current == e.Account {
		t.current = ""
	}
	if held := t.held[e.Account]; held != nil && t.current == "" {
		t.write(held.String())
		delete(t.held, e.Account)
	}
	if e.Err == nil && t.sums {
		t.screen.tell(fmt.Sprintf("%s  %s, %s: %d to get, %d to delete\n",
			pad(e.Account, t.names), count(e.Total, "message"), size(e.Bytes), e.Get, e.Delete))
	}
}

// finish writes the lines of accounts that were done while another one was being written.
func (t *table) finish(results []fetch.Result, _ int) {
	for _, r := range results {
		if held := t.held[r.Account]; held != nil {
			t.write(held.String())
		}
	}
	_ = t.screen.out.Flush() // remembered by Output
}
