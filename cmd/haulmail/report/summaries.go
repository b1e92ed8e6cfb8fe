package report

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"haulmail/fetch"
)

// summaries is what fetch shows: one line an account, when it is done.
type summaries struct {
	screen *screen
	names  int // width of the names
	home   string
	shown  bool             // whether a real run has anything to show
	dryRun bool             // whether a dry run has
	toGet  map[string]int64 // octets to get, by account
}

func newSummaries(s *screen, o Options) *summaries {
	return &summaries{
		screen: s, names: width(o.Accounts), home: o.Home,
		shown:  !o.Quiet && (o.OutTTY || o.Verbose > 0),
		dryRun: !o.Quiet,
		toGet:  map[string]int64{},
	}
}

func (p *summaries) event(e fetch.Event) {
	switch e := e.(type) {
	case fetch.Listed:
		p.toGet[e.Account] = e.GetBytes
	case fetch.Done:
		if e.DryRun && p.dryRun || !e.DryRun && p.shown {
			p.line(e.Result)
		}
		delete(p.toGet, e.Account)
	}
}

func (p *summaries) line(r fetch.Result) {
	var text string
	switch {
	case r.DryRun && r.Err == nil:
		text = p.wouldDo(r)
	case r.Err == nil || r.Messages > 0 || r.Deleted > 0:
		text = p.didDo(r)
	default:
		return // its error line says it all
	}
	p.screen.print(pad(r.Account, p.names) + "   " + text + "\n")
}

func (p *summaries) finish([]fetch.Result, int) {}

// wouldDo gives "would get 12 messages, 4.2 MiB → ~/Mail/work, delete 3 messages on the server".
func (p *summaries) wouldDo(r fetch.Result) string {
	var acts []string
	if r.Get > 0 {
		acts = append(acts, fmt.Sprintf("get %s, %s → %s", count(r.Get, "message"), size(p.toGet[r.Account]), Escape(folder(r.Maildir, p.home))))
	}
	if r.Delete > 0 {
		acts = append(acts, fmt.Sprintf("delete %s on the server", count(r.Delete, "message")))
	}
	if len(acts) == 0 {
		return "nothing to do"
	}
	return "would " + strings.Join(acts, ", ") + leftForLater(r)
}

// didDo gives "12 messages, 4.2 MiB → ~/Mail/work   in 3.8 s, 3 deleted on the server".
func (p *summaries) didDo(r fetch.Result) string {
	text := "nothing new"
	if r.Messages > 0 {
		text = fmt.Sprintf("%s, %s → %s   in %s", count(r.Messages, "message"), size(r.Received),
			Escape(folder(r.Maildir, p.home)), seconds(r.Took))
	}
	if r.Deleted > 0 {
		text += fmt.Sprintf(", %d deleted on the server", r.Deleted)
	}
	if r.Failed > 0 {
		text += fmt.Sprintf(", %d not fetched", r.Failed)
	} else if r.Err != nil {
		text += ", then stopped"
	}
	return text + leftForLater(r)
}

// leftForLater gives ", 3,469 left for the next run", or nothing.
func leftForLater(r fetch.Result) string {
	if r.Later == 0 {
		return ""
	}
	return fmt.Sprintf(", %s left for the next run", humanize.Comma(int64(r.Later)))
}
