// Package report is what a person or a script sees of a run. Only the command uses it.
//
// The rules of what goes where:
//
//   - Standard output carries what was asked for, and nothing else: the table of list, the answer of check, the JSON lines,
//     what a dry run would do. The one line an account of a plain fetch goes there too, but only to a terminal, or with -v.
//   - Standard error carries progress, warnings, errors and what -v adds. Live progress is drawn only on a terminal, and is
//     erased at the end. Success off a terminal writes not a byte, so that cron has nothing to send.
//   - An error is one line, "haulmail: ACCOUNT: what: why", and at most one "  hint: …" line after it that says what to do next;
//     a hint that was given already is left out.
//     A warning is one line, "haulmail: ACCOUNT: warning: …". -q keeps the errors only.
//   - With --format or --print0 standard output is one line a message, and nothing else.
//   - With --json standard output is one object a line, "v":1, times in RFC 3339 UTC, sizes in bytes; a "message" line appears
//     only when the message is safe on disk. Errors are told twice then: as objects, and as text on standard error.
//   - Whatever comes from outside (server text, UIDs, file names, names of accounts) passes through Escape before it is printed.
//   - A failed write to standard output does not stop a run: Output remembers it for the exit code. One to standard error can be
//     told to nobody.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"haulmail/fetch"
)

// Show says what standard output carries besides JSON.
type Show int

// What a command was asked to show.
const (
	Summaries   Show = iota // fetch: one line an account
	Messages                // list: one line a message
	Connections             // check --connect: one line an account
	States                  // seen add, forget and so on: what was done to the state; seen verify: what was found
)

// Options say where a report goes and how much of it is told.
type Options struct {
	Out      *Output
	Err      io.Writer
	OutTTY   bool                       // standard output is a terminal
	Width    int                        // its columns, 0 for no terminal
	Live     bool                       // draw progress on Err, which is a terminal
	Size     func() (columns, rows int) // of that terminal, now
	Colors   Colors
	Quiet    bool
	Verbose  int
	JSON     bool
	Format   *Format // show messages by a template, and nothing else; nil for none
	Print0   bool    // end the lines of Format, or else of the messages' paths, with NUL, and show nothing else
	Show     Show
	Headers  bool           // Messages come with what their headers say
	Patience fetch.Patience // the failures that are told with -v only
	Fresh    bool           // the run has no state to go by: that there is none is no news
	Accounts []Account
	DryRun   bool   // nothing is changed anywhere
	Version  string // haulmail's
	Home     string // shown as ~ in paths; "" for none
	Now      func() time.Time
}

// Account is what a report has to know of an account beforehand.
type Account struct {
	Name    string
	Server  string
	Deletes bool // what is fetched is deleted on the server in the same run
}

// Report shows events as they come. Event wants one call at a time; Wire and Note may be called at any time from any goroutine.
type Report struct {
	screen  *screen
	told    *diagnostics
	out     printer
	deletes map[string]bool // the accounts that delete what they fetch

	mu      sync.Mutex
	hauling []string // the accounts whose mail is arriving
}

// printer writes to standard output what was asked for.
type printer interface {
	event(fetch.Event)
	finish(results []fetch.Result, code int)
}

// New gives a report; JSON gets its first line. Finish has to be called in the end.
func New(o Options) *Report {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &screen{out: o.Out, err: o.Err, outTTY: o.OutTTY}
	if o.Live && !o.Quiet && !o.JSON && o.Verbose == 0 {
		s.bars = newBars(o.Err, o.Size, width(o.Accounts))
	}
	r := &Report{screen: s, told: newDiagnostics(s, o), out: newPrinter(s, o), deletes: map[string]bool{}}
	for _, a := range o.Accounts {
		r.deletes[a.Name] = a.Deletes
	}
	return r
}

func newPrinter(s *screen, o Options) printer {
	switch {
	case o.Format != nil || o.Print0:
		return newFormatted(s, o)
	case o.JSON:
		j := newJSONLines(s, o)
		j.begin(o)
		return j
	case o.Show == Messages:
		return newTable(s, o)
	case o.Show == Connections:
		return newConnections(s, o)
	case o.Show == States:
		return newStates(s, o)
	}
	return newSummaries(s, o)
}

// Event shows one event.
func (r *Report) Event(e fetch.Event) {
	e = r.countDeletes(e)
	r.follow(e)
	r.screen.progress(e)
	r.told.event(e)
	r.out.event(e)
}

// follow notes whose mail is arriving.
func (r *Report) follow(e fetch.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := e.(type) {
	case fetch.Progress:
		if !slices.Contains(r.hauling, e.Account) {
			r.hauling = append(r.hauling, e.Account)
		}
	case fetch.Done:
		r.hauling = slices.DeleteFunc(r.hauling, func(name string) bool { return name == e.Account })
	}
}

// countDeletes adds what is fetched first to what is to be deleted. The engine counts it apart; whoever asks beforehand what will be
// deleted means all of it.
func (r *Report) countDeletes(e fetch.Event) fetch.Event {
	switch e := e.(type) {
	case fetch.Listed:
		if r.deletes[e.Account] {
			e.Delete += e.Get
		}
		return e
	case fetch.Done:
		if r.deletes[e.Account] && e.DryRun {
			e.Delete += e.Get
		}
		return e
	}
	return e
}

// Finish ends the report: live progress is erased, and JSON gets its last line. code is what the process will exit with.
func (r *Report) Finish(results []fetch.Result, code int) {
	r.screen.erase()
	r.out.finish(results, code)
}

// Wire shows one line of the dialogue with a server.
func (r *Report) Wire(account string, sent bool, line string) { r.told.wire(account, sent, line) }

// Note tells a person something about the whole run, unless they asked for quiet.
func (r *Report) Note(text string) { r.told.note(text) }

// Stopping tells a person who has asked the run to stop what is finished first. It may be called at any time from any goroutine.
func (r *Report) Stopping() {
	r.mu.Lock()
	whose := strings.Join(r.hauling, ", ")
	if n := len(r.hauling); n > 3 {
		whose = count(n, "account")
	}
	r.mu.Unlock()
	first := ""
	if whose != "" {
		first = fmt.Sprintf("what has arrived for %s is made safe on disk first; ", whose)
	}
	r.Note("stopping; " + first + "a second signal stops at once, and loses nothing")
}
