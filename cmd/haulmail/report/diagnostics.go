package report

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strings"

	"github.com/dustin/go-humanize"

	"haulmail/config"
	"haulmail/fetch"
	"haulmail/fetch/secret"
)

// diagnostics is what standard error carries: errors and warnings, and with -v the steps of a run.
type diagnostics struct {
	screen   *screen
	quiet    bool
	verbose  int
	fresh    bool
	colors   Colors
	patience fetch.Patience
	hinted   map[string]bool // the hints that were given, without accounts' names: twenty accounts at one server need to be told once
}

func newDiagnostics(s *screen, o Options) *diagnostics {
	return &diagnostics{screen: s, quiet: o.Quiet, verbose: o.Verbose, fresh: o.Fresh, colors: o.Colors, patience: o.Patience, hinted: map[string]bool{}}
}

func (d *diagnostics) event(e fetch.Event) {
	switch e := e.(type) {
	case fetch.Warning:
		d.warn(e.Account, e.Text)
	case fetch.Healed:
		d.note(fmt.Sprintf("%s: works again; %s had failed, since %s", e.Account, count(e.Runs, "run"), e.Since.Local().Format("2006-01-02 15:04")))
	case fetch.Rebuilt:
		if d.fresh {
			d.say(e.Account, fmt.Sprintf("of the server's messages the Maildir holds %s already", humanize.Comma(int64(e.Recognised))))
			return
		}
		d.warn(e.Account, fmt.Sprintf("no record of earlier runs was found; of the server's messages the Maildir holds %s already, %s to get",
			humanize.Comma(int64(e.Recognised)), humanize.Comma(int64(e.Again))))
	case fetch.Done:
		d.done(e)
	default:
		if d.verbose > 0 {
			d.step(e)
		}
	}
}

func (d *diagnostics) warn(account, text string) {
	if !d.quiet {
		d.screen.tell(fmt.Sprintf("haulmail: %s: %s %s\n", Escape(account), d.colors.yellow("warning:"), Escape(text)))
	}
}

func (d *diagnostics) done(e fetch.Done) {
	class := fetch.ClassOf(e.Err)
	switch {
	case e.Err == nil:
	case class == fetch.Held && d.patience.Held:
		d.say(e.Account, "failed for now: "+why(e.Err))
	case class == fetch.Busy && d.patience.Busy:
		d.say(e.Account, "left alone: "+why(e.Err))
	case class == fetch.Interrupted:
		// A person knows that they interrupted; one note tells it for all accounts.
		d.say(e.Account, "interrupted: "+why(e.Err))
	default:
		d.fail(e.Err)
	}
}

// fail tells an error, and what to do about it unless that was told before.
func (d *diagnostics) fail(err error) {
	hint := Hint(err)
	advice := impersonal(hint, err)
	if d.hinted[advice] {
		hint = ""
	}
	d.hinted[advice] = true
	d.screen.tell(d.colors.failure(err) + d.colors.hint(hint))
}

// impersonal gives a hint without the account's name: what to type is the same for another account.
func impersonal(hint string, err error) string {
	e, ok := errors.AsType[*fetch.Error](err)
	if !ok {
		return hint
	}
	return regexp.MustCompile(`\b`+regexp.QuoteMeta(e.Account)+`\b`).ReplaceAllString(hint, "")
}

// step tells one step of a run, for -v.
func (d *diagnostics) step(e fetch.Event) {
	switch e := e.(type) {
	case fetch.Resolved:
		if len(e.Addrs) == 1 && e.Addrs[0].String() == e.Host {
			return // the config gives the address
		}
		d.say(e.Account, fmt.Sprintf("%s is %s (%s)", e.Host, addresses(e.Addrs), millis(e.Took)))
		if e.Err != nil {
			d.say(e.Account, fmt.Sprintf("of %s not every address is known: %v", e.Host, e.Err))
		}
	case fetch.Tried:
		d.say(e.Account, fmt.Sprintf("no answer from %s: %v", e.Addr, e.Err))
	case fetch.Connected:
		d.say(e.Account, fmt.Sprintf("connected to %s (%s)", place(e), millis(e.Took)))
	case fetch.Found:
		d.say(e.Account, fmt.Sprintf("%s names %s", e.Domain, strings.Join(e.Servers, ", ")))
	case fetch.LoggedIn:
		d.say(e.Account, fmt.Sprintf("logged in with %s, %s, %s", e.Mechanism, encryption(e.TLS), pipelining(e.Pipelining)))
	case fetch.Waiting:
		d.say(e.Account, fmt.Sprintf("another run holds the state; waiting for it, %s at most", e.For))
	case fetch.Retrying:
		d.say(e.Account, fmt.Sprintf("%v; trying again in %s", e.Err, e.In))
	case fetch.LoginTried:
		d.say(e.Account, fmt.Sprintf("%s does not work, another way is tried: %v", e.Mechanism, e.Err))
	case fetch.Recovered:
		d.say(e.Account, fmt.Sprintf("mended what an earlier run left: %d delivered, %d finished now, %d to fetch again", e.Delivered, e.Finished, e.Again))
	case fetch.Listed:
		d.say(e.Account, fmt.Sprintf("%s on the server, %s; %d to get, %s; %d to delete", count(e.Total, "message"), size(e.Bytes), e.Get, size(e.GetBytes), e.Delete))
	case fetch.Committed:
		d.say(e.Account, fmt.Sprintf("%s safe on disk, %s (%s)", count(e.Messages, "message"), size(e.Bytes), millis(e.Took)))
	case fetch.Unnoted:
		d.say(e.Account, fmt.Sprintf("warning: how this run ended is not noted: %v", e.Err))
	case fetch.Deleted:
		d.say(e.Account, count(e.Messages, "message")+" deleted on the server")
	}
}

// say tells something of an account to those who asked for -v.
func (d *diagnostics) say(account, text string) {
	if d.verbose > 0 {
		d.screen.tell(fmt.Sprintf("%s: %s\n", Escape(account), Escape(text)))
	}
}

func (d *diagnostics) note(text string) {
	if !d.quiet {
		d.screen.tell("haulmail: " + Escape(text) + "\n")
	}
}

func (d *diagnostics) wire(account string, sent bool, line string) {
	arrow := "<"
	if sent {
		arrow = ">"
	}
	d.screen.tell(fmt.Sprintf("%s %s %s\n", Escape(account), arrow, Escape(line)))
}

func addresses(addrs []netip.Addr) string {
	if len(addrs) == 0 {
		return "without an address"
	}
	words := make([]string, len(addrs))
	for i, a := range addrs {
		words[i] = a.String()
	}
	return strings.Join(words, ", ")
}

// place says where a connection leads.
func place(e fetch.Connected) string {
	switch {
	case e.Through == "":
		return e.Addr.String()
	case e.Addr.IsValid():
		return e.Addr.String() + " (" + e.Through + ")"
	}
	return e.Through
}

// address is the one that answered, or "".
func address(e fetch.Connected) string {
	if !e.Addr.IsValid() {
		return ""
	}
	return e.Addr.String()
}

func encryption(tls string) string {
	if tls == "" {
		return "not encrypted"
	}
	return tls
}

func pipelining(on bool) string {
	if on {
		return "pipelining"
	}
	return "one command at a time"
}

// why gives the cause of an account's failure without the account's name.
func why(err error) string {
	if e, ok := errors.AsType[*fetch.Error](err); ok && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
}

// Hint gives what to do about an account's failure, or "". Where a password comes from is not the engine's business, so what to do
// about that comes from the cause.
func Hint(err error) string {
	if e, ok := errors.AsType[*fetch.Error](err); ok && e.Hint != "" {
		return e.Hint
	}
	if e, ok := errors.AsType[*secret.Error](err); ok {
		return e.Hint
	}
	return ""
}

// failure gives the line of an error.
func (c Colors) failure(err error) string {
	return c.red("haulmail:") + " " + Escape(err.Error()) + "\n"
}

// hint gives the line of a hint, "" for none.
func (c Colors) hint(text string) string {
	if text == "" {
		return ""
	}
	return c.dim("  hint: "+Escape(text)) + "\n"
}

// Error tells an error of the command itself in one line, and a hint in another.
func Error(w io.Writer, c Colors, err error, hint string) {
	_, _ = io.WriteString(w, c.failure(err)+c.hint(hint)) // who would hear of it?
}

// ConfigErrors tells all mistakes of a config file, each with its place in the file.
func ConfigErrors(w io.Writer, c Colors, errs config.Errors) {
	for _, e := range errs {
		text := c.failure(e)
		if excerpt := e.Excerpt(); excerpt != "" {
			text += EscapeBlock(excerpt) + "\n"
		}
		_, _ = io.WriteString(w, text+c.hint(e.Hint)) // who would hear of it?
	}
	if len(errs) > 1 {
		_, _ = io.WriteString(w, count(len(errs), "error")+"\n")
	}
}
