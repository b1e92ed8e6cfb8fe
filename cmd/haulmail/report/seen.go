package report

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"haulmail/fetch"
)

// Seen shows what the state between runs holds. In text a message is a line of fields between tabs, the account first, "-" for what
// is not known; tabs within a field are escaped. For one goroutine.
//
// The lines of an account are kept until Done: its state is locked while it is read, and a pager that somebody has left open must not
// keep mail from coming in.
type Seen struct {
	screen *screen
	told   *diagnostics
	json   *jsonLines // nil for text
	person bool       // a person is looking: say how many there are
	spoken bool       // say what a change has done
	dryRun bool       // or would do
	lines  strings.Builder
}

// NewSeen gives a Seen.
func NewSeen(o Options) *Seen {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Seen{
		screen: &screen{out: o.Out, err: o.Err}, person: o.Live && !o.Quiet && !o.JSON,
		spoken: !o.Quiet && !o.JSON && (o.OutTTY || o.Verbose > 0 || o.DryRun), dryRun: o.DryRun,
	}
	s.told = newDiagnostics(s.screen, o)
	if o.JSON {
		s.json = newJSONLines(s.screen, o)
	}
	return s
}

// Note tells a person something about the whole command, unless they asked for quiet.
func (s *Seen) Note(text string) { s.told.note(text) }

// The objects of the state. What is not known is left out.
type (
	jsonSeen struct {
		jsonOf
		jsonUID
		Size     *int64 `json:"size,omitempty"`
		Fetched  string `json:"fetched,omitempty"`
		Vanished string `json:"vanished,omitempty"`
	}
	jsonFailure struct {
		jsonOf
		jsonUID
		Count  int    `json:"count"`
		Last   string `json:"last"`
		Next   string `json:"next"`
		Reason string `json:"reason"`
	}
	jsonRetry struct {
		jsonOf
		Messages int `json:"messages"`
	}
)

// Message shows a message that was fetched: its UID, size, when it was fetched, and since when the server does not list it.
func (s *Seen) Message(account string, m fetch.SeenMessage) {
	if s.json == nil {
		s.row(account, string(m.UID), octets(m.Size), second(m.Fetched), second(m.Vanished))
		return
	}
	s.lines.WriteString(jsonLine(jsonSeen{s.json.of("seen", account), uid(m.UID), known(m.Size), second(m.Fetched), second(m.Vanished)}))
}

// Failure shows a message that could not be fetched: its UID, how often it failed, when it did last, when it is tried again, and why it
// failed.
func (s *Seen) Failure(account string, f fetch.FailedMessage) {
	if s.json == nil {
		s.row(account, string(f.UID), strconv.Itoa(f.Count), second(f.Last), second(f.Next), f.Reason)
		return
	}
	s.lines.WriteString(jsonLine(jsonFailure{s.json.of("failure", account), uid(f.UID), f.Count, second(f.Last), second(f.Next), text(f.Reason)}))
}

// Retried tells how many messages the next run tries again.
func (s *Seen) Retried(account string, n int) {
	switch {
	case s.json != nil:
		s.lines.WriteString(jsonLine(jsonRetry{s.json.of("retry", account), n}))
	case s.spoken && n == 0:
		fmt.Fprintf(&s.lines, "%s   nothing failed\n", Escape(account))
	case s.spoken && s.dryRun:
		fmt.Fprintf(&s.lines, "%s   %s would be tried again by the next run\n", Escape(account), count(n, "message"))
	case s.spoken:
		fmt.Fprintf(&s.lines, "%s   %s will be tried again by the next run\n", Escape(account), count(n, "message"))
	}
}

// Counted tells a person how many things of a kind were shown of an account.
func (s *Seen) Counted(account string, n int, thing string) {
	if s.person {
		s.screen.tell(fmt.Sprintf("%s   %s\n", Escape(account), count(n, thing)))
	}
}

// Done writes an account's lines, and tells what went wrong with it.
func (s *Seen) Done(r fetch.Result) {
	s.screen.printLater(s.lines.String())
	s.lines.Reset()
	if s.json != nil {
		s.json.failure(r)
	}
	s.told.event(fetch.Done{Result: r})
}

// Finish ends it; code is what the process will exit with.
func (s *Seen) Finish(results []fetch.Result, code int) {
	if s.json != nil {
		s.json.finish(results, code)
	}
	_ = s.screen.out.Flush() // remembered by Output
}

func (s *Seen) row(fields ...string) {
	for i, f := range fields {
		fields[i] = Escape(cmp.Or(f, "-"))
	}
	s.lines.WriteString(strings.Join(fields, "\t") + "\n")
}

// octets gives a size as a number, "" for an unknown one.
func octets(size int64) string {
	if size < 0 {
		return ""
	}
	return strconv.FormatInt(size, 10)
}

// second gives a time in RFC 3339, "" for none.
func second(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
