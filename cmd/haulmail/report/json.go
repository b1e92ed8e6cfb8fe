package report

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"haulmail/config"
	"haulmail/fetch"
)

// jsonVersion changes when a field is renamed, removed or gets another meaning; new events and fields do not change it.
const jsonVersion = 1

// jsonLines shows events as JSON, one object a line.
type jsonLines struct {
	screen   *screen
	now      func() time.Time
	started  time.Time
	patience fetch.Patience
	looking  bool // what servers show and offer was asked for
	servers  map[string]string
}

func newJSONLines(s *screen, o Options) *jsonLines {
	j := &jsonLines{screen: s, now: o.Now, started: o.Now(), patience: o.Patience, looking: o.Show == Connections, servers: map[string]string{}}
	for _, a := range o.Accounts {
		j.servers[a.Name] = a.Server
	}
	return j
}

// begin tells, before anything else, what run this is.
func (j *jsonLines) begin(o Options) {
	line := jsonRun{jsonHead: j.head("run"), Version: o.Version, Accounts: []string{}, DryRun: o.DryRun}
	for _, a := range o.Accounts {
		line.Accounts = append(line.Accounts, text(a.Name))
	}
	j.print(line)
}

func (j *jsonLines) event(e fetch.Event) {
	switch e := e.(type) {
	case fetch.Connected:
		j.print(jsonConnected{j.of("connected", e.Account), address(e), text(e.Through), e.Took.Milliseconds()})
	case fetch.LoggedIn:
		j.print(jsonLogin{j.of("login", e.Account), j.servers[e.Account], e.TLS, text(e.Mechanism), e.Pipelining})
	case fetch.Retrying:
		j.print(jsonWaiting{j.of("waiting", e.Account), text(e.Err.Error()), e.In.Milliseconds(), e.Left})
	case fetch.Healed:
		j.print(jsonHealed{j.of("healed", e.Account), e.Runs, e.Since.UTC().Format(time.RFC3339)})
	case fetch.Recovered:
		j.print(jsonRecovered{j.of("recovered", e.Account), e.Delivered, e.Finished, e.Again})
	case fetch.Rebuilt:
		j.print(jsonRebuilt{j.of("rebuilt", e.Account), e.Recognised, e.Again})
	case fetch.Listed:
		j.print(jsonAccount{j.of("account", e.Account), j.servers[e.Account], e.Total, e.Bytes, e.Get, e.GetBytes, e.Delete, e.Skip})
	case fetch.Chosen:
		j.later(jsonChoice{
			j.of("choice", e.Account), e.Number, uid(e.UID), known(e.Size), e.Action.String(), e.Reason.String(), text(e.Text),
			second(e.Fetched), second(e.Reached), facts(&fetch.Facts{Facts: e.Header}),
		})
	case fetch.Skipped:
		j.later(jsonSkip{j.of("skip", e.Account), uid(e.UID), known(e.Size), e.Reason.String(), text(e.Text)})
	case fetch.Delivered:
		j.later(jsonMessage{j.of("message", e.Account), uid(e.UID), bytesAsText(e.Path()), bytesAsText(e.Key), e.Size, facts(e.Facts)})
	case fetch.Removed:
		j.later(jsonDelete{j.of("delete", e.Account), uid(e.UID), known(e.Size)})
	case fetch.Committed:
		j.print(jsonCommit{j.of("commit", e.Account), e.Messages, e.Bytes, e.Took.Milliseconds()})
	case fetch.Warning:
		j.print(jsonWarning{j.of("warning", e.Account), text(e.Text)})
	case fetch.Done:
		j.done(e.Result)
	default:
		if j.looking {
			j.look(e)
		}
		j.state(e)
	}
}

// look tells what servers show and offer.
func (j *jsonLines) look(e fetch.Event) {
	switch e := e.(type) {
	case fetch.Resolved:
		addrs := []string{}
		for _, a := range e.Addrs {
			addrs = append(addrs, a.String())
		}
		j.print(jsonResolved{j.of("resolved", e.Account), text(e.Host), addrs, e.Took.Milliseconds()})
	case fetch.Found:
		j.print(jsonFound{j.of("found", e.Account), text(e.Domain), texts(e.Servers)})
	case fetch.Shown:
		shown := jsonShown{jsonOf: j.of("certificate", e.Account), Trusted: e.Trusted, Pin: e.Pin}
		for _, c := range e.Chain {
			shown.Chain = append(shown.Chain, jsonCert{
				text(c.Subject), text(c.Issuer), texts(c.Names),
				c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339),
			})
		}
		j.print(shown)
	case fetch.Offered:
		j.print(jsonOffered{j.of("offered", e.Account), texts(e.Capabilities), texts(e.Mechanisms), text(e.Expire), text(e.LoginDelay)})
	}
}

func (j *jsonLines) done(r fetch.Result) {
	j.failure(r)
	j.print(jsonResult{
		jsonOf: j.of("result", r.Account), Class: fetch.ClassOf(r.Err).String(), Maildir: bytesAsText(r.Maildir), Total: r.Total,
		Messages: r.Messages, Bytes: r.Received, Deleted: r.Deleted, Failed: r.Failed, Later: r.Later,
		DryRun: r.DryRun, Get: r.Get, Delete: r.Delete, MS: r.Took.Milliseconds(),
	})
}

// failure tells what went wrong with an account, if anything.
func (j *jsonLines) failure(r fetch.Result) {
	class := fetch.ClassOf(r.Err)
	if class != fetch.None && !j.patience.With(class) {
		line := jsonError{
			jsonHead: j.head("error"), Account: text(r.Account), Class: class.String(),
			Error: text(why(r.Err)), Hint: text(Hint(r.Err)), Temporary: temporary(class),
		}
		if e, ok := errors.AsType[*fetch.Error](r.Err); ok {
			line.Step = text(e.Doing)
		}
		j.print(line)
	}
}

func (j *jsonLines) finish(results []fetch.Result, code int) {
	end := jsonDone{jsonHead: j.head("done"), MS: j.now().Sub(j.started).Milliseconds(), Exit: code}
	for _, r := range results {
		end.Messages += r.Messages
		end.Bytes += r.Received
		end.Deleted += r.Deleted
		switch class := fetch.ClassOf(r.Err); {
		case class == fetch.None:
			end.OK++
		case !j.patience.With(class):
			end.Failed++
		}
	}
	j.print(end)
}

func (j *jsonLines) head(event string) jsonHead {
	return jsonHead{jsonVersion, event, j.now().UTC().Format(time.RFC3339Nano)}
}

func (j *jsonLines) of(event, account string) jsonOf { return jsonOf{j.head(event), text(account)} }

func (j *jsonLines) print(v any) { j.screen.print(jsonLine(v)) }

// later is print for events that come by the hundred thousand; the next printed one, such as their batch's commit, takes them along.
func (j *jsonLines) later(v any) { j.screen.printLater(jsonLine(v)) }

// answerJSON gives the JSON lines of a command that is no run.
func answerJSON(out *Output) *jsonLines {
	return newJSONLines(&screen{out: out}, Options{Now: time.Now})
}

// ConfigJSON tells the mistakes of a config file as JSON lines, and as the last one how the command ends.
func ConfigJSON(out *Output, errs config.Errors, code int) {
	j := answerJSON(out)
	for _, e := range errs {
		j.print(jsonError{
			jsonHead: j.head("error"), Class: fetch.Config.String(), Step: "read the config",
			Error: text(e.Message), Hint: text(e.Hint), File: text(e.File), Line: e.Line, Col: e.Col,
		})
	}
	j.finish(nil, code)
}

// RefusalJSON tells as JSON lines why a command does nothing at all, for which a wrong command line has the class "usage", and as the last
// one how it ends.
func RefusalJSON(out *Output, err error, hint, class string, code int) {
	j := answerJSON(out)
	line := jsonError{jsonHead: j.head("error"), Class: class, Step: "read the config", Error: text(err.Error()), Hint: text(hint)}
	if class == ClassUsage {
		line.Step = "read the command line"
	}
	if e, ok := errors.AsType[*fetch.Error](err); ok {
		line.Account, line.Step, line.Error, line.Temporary = text(e.Account), text(e.Doing), text(why(err)), temporary(e.Class)
	}
	j.print(line)
	j.finish(nil, code)
}

// CheckedJSON tells that a config file has no mistakes.
func CheckedJSON(out *Output, file string, accounts int) {
	j := answerJSON(out)
	j.print(jsonCheck{j.head("check"), text(file), accounts})
}

func uid(b []byte) jsonUID {
	if utf8.Valid(b) {
		return jsonUID{UID: string(b)}
	}
	return jsonUID{UID: Escape(string(b)), UIDHex: hex.EncodeToString(b)}
}

// known gives a size, nil for one that is not known.
func known(size int64) *int64 {
	if size < 0 {
		return nil
	}
	return &size
}

// facts gives what a message says of itself; package header has made it UTF-8.
func facts(f *fetch.Facts) jsonFacts {
	if f == nil {
		return jsonFacts{}
	}
	return jsonFacts{f.Hash, f.MessageID, f.From, f.Subject, second(f.Date)}
}

// text is a string for JSON: as it is, unless it is not UTF-8.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return Escape(s)
}

// texts is text for each of a list, which is never null.
func texts(list []string) []string {
	all := make([]string, len(list))
	for i, s := range list {
		all[i] = text(s)
	}
	return all
}

// jsonLine gives v as one line in which every character without a shape is escaped the JSON way: a script reads back what the
// server sent, and a terminal is not led astray.
func jsonLine(v any) string {
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("report: an event that cannot be JSON: %v", err))
	}
	line := make([]byte, 0, raw.Len())
	for _, r := range raw.String() {
		switch {
		case r == '\n' || strconv.IsPrint(r):
			line = utf8.AppendRune(line, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			line = fmt.Appendf(line, `\u%04x\u%04x`, high, low)
		default:
			line = fmt.Appendf(line, `\u%04x`, r)
		}
	}
	return string(line)
}
