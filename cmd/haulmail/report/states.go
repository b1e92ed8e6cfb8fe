package report

import (
	"fmt"

	"haulmail/fetch"
)

// The objects of what was done to a state, or found in it.
type (
	jsonMarked struct {
		jsonOf
		Messages int `json:"messages"`
		Known    int `json:"known"`
		Nameless int `json:"nameless"`
	}
	jsonForgotten struct {
		jsonOf
		Messages int `json:"messages"`
	}
	jsonRecognised struct {
		jsonOf
		Messages int `json:"messages"`
		Doubtful int `json:"doubtful"`
		Unknown  int `json:"unknown"`
	}
	jsonImported struct {
		jsonOf
		Messages int `json:"messages"`
		Failures int `json:"failures"`
		Known    int `json:"known"`
	}
	jsonVerified struct {
		jsonOf
		Messages int  `json:"messages"`
		Found    int  `json:"found"`
		Marked   int  `json:"marked"`
		Gone     int  `json:"gone"`
		Unnamed  int  `json:"unnamed"`
		Pending  int  `json:"pending"`
		Failed   int  `json:"failed"`
		Listed   *int `json:"listed,omitempty"` // this and the following: only where the server was asked
		New      *int `json:"new,omitempty"`
		Again    *int `json:"again,omitempty"`
	}
)

// state tells what was done to a state, or found in it.
func (j *jsonLines) state(e fetch.Event) {
	switch e := e.(type) {
	case fetch.Marked:
		j.print(jsonMarked{j.of("marked", e.Account), e.Messages, e.Known, e.Nameless})
	case fetch.Forgotten:
		j.print(jsonForgotten{j.of("forgotten", e.Account), e.Messages})
	case fetch.Recognised:
		j.print(jsonRecognised{j.of("recognised", e.Account), e.Messages, e.Doubtful, e.Unknown})
	case fetch.Imported:
		j.print(jsonImported{j.of("imported", e.Account), e.Messages, e.Failures, e.Known})
	case fetch.Verified:
		line := jsonVerified{
			jsonOf: j.of("verified", e.Account), Messages: e.Messages, Found: e.Found, Marked: e.Marked, Gone: e.Gone,
			Unnamed: e.Unnamed, Pending: e.Pending, Failed: e.Failed,
		}
		if e.Asked {
			line.Listed, line.New, line.Again = &e.Listed, &e.New, &e.Again
		}
		j.print(line)
	}
}

// states shows as text what was done to states, or found in them. What was done is told to a person, with -v, and in a dry run.
type states struct {
	screen *screen
	names  int // width of the names
	told   bool
	would  string // "would be " in a dry run
}

func newStates(s *screen, o Options) *states {
	p := &states{screen: s, names: width(o.Accounts), told: !o.Quiet && (o.OutTTY || o.Verbose > 0 || o.DryRun)}
	if o.DryRun {
		p.would = "would be "
	}
	return p
}

func (p *states) event(e fetch.Event) {
	switch e := e.(type) {
	case fetch.Marked:
		p.marked(e)
	case fetch.Forgotten:
		p.done(e.Account, fmt.Sprintf("%s %sforgotten", count(e.Messages, "message"), p.would))
	case fetch.Recognised:
		p.done(e.Account, fmt.Sprintf("%s %srecognised in the Maildir%s%s", count(e.Messages, "message"), p.would,
			besides(e.Doubtful, "of another size there, left unknown"), besides(e.Unknown, "not there")))
	case fetch.Imported:
		p.done(e.Account, fmt.Sprintf("%s and %s %simported%s", count(e.Messages, "message"), count(e.Failures, "failure"), p.would,
			besides(e.Known, "known before")))
	case fetch.Verified:
		p.verified(e)
	}
}

// marked tells what was marked. A mistyped UID is marked like any other: nobody has asked whether it is listed.
func (p *states) marked(e fetch.Marked) {
	what, unasked := "message", ""
	if !e.Asked {
		what = "UID"
		if e.Messages > 0 {
			unasked = "; no server was asked about that"
		}
	}
	p.done(e.Account, fmt.Sprintf("%s %smarked as fetched%s%s%s", count(e.Messages, what), p.would,
		besides(e.Known, "known before"), besides(e.Nameless, "without a UID and a header, left as they are"), unasked))
}

// done tells what was done to an account's state.
func (p *states) done(account, what string) {
	if p.told {
		p.line(account, what)
	}
}

// verified answers how a state and a Maildir go together, a line for each place where a message may be.
func (p *states) verified(e fetch.Verified) {
	p.line(e.Account, fmt.Sprintf("state: %s, %s in the Maildir%s%s", count(e.Messages, "message"), number(e.Found),
		besides(e.Gone, "moved or deleted since"), besides(e.Marked, "only marked")))
	if e.Pending > 0 {
		p.line(e.Account, fmt.Sprintf("state: %s cut off with an earlier run; the next one settles that", count(e.Pending, "message")))
	}
	if e.Failed > 0 {
		p.line(e.Account, fmt.Sprintf("state: %s failed; see: haulmail seen list --failed", count(e.Failed, "message")))
	}
	if e.Unnamed > 0 {
		p.line(e.Account, fmt.Sprintf("Maildir: %s besides that no record names", count(e.Unnamed, "file")))
	}
	if e.Asked {
		p.line(e.Account, fmt.Sprintf("server: %s%s%s", count(e.Listed, "message"), besides(e.New, "to fetch"),
			besides(e.Again, "to fetch again though the Maildir has them")))
	}
}

func (p *states) line(account, text string) {
	p.screen.print(pad(account, p.names) + "   " + text + "\n")
}

func (p *states) finish([]fetch.Result, int) {
	_ = p.screen.out.Flush() // remembered by Output
}

// besides gives ", 3,481 known before", and nothing for none.
func besides(n int, what string) string {
	if n == 0 {
		return ""
	}
	return ", " + number(n) + " " + what
}
