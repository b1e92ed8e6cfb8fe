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

// The objects, one for each event. Their fields stand in this order on the line. Sizes are octets, ms milliseconds.
type (
	jsonHead struct {
		V     int    `json:"v"`
		Event string `json:"event"`
		T     string `json:"t"`
	}
	jsonOf struct { // an event of an account
		jsonHead
		Account string `json:"account"`
	}
	jsonUID struct {
		UID    string `json:"uid"`
		UIDHex string `json:"uid_hex,omitempty"` // only for a UID that is not UTF-8: then uid has \xff for its odd bytes
	}
	jsonResolved struct { // this and the next three: of check --connect alone
		jsonOf
		Host  string   `json:"host"`
		Addrs []string `json:"addrs"`
		MS    int64    `json:"ms"`
	}
	jsonFound struct {
		jsonOf
		Domain  string   `json:"domain"`
		Servers []string `json:"servers"`
	}
	jsonShown struct {
		jsonOf
		Trusted bool       `json:"trusted"`
		Pin     string     `json:"pin"`
		Chain   []jsonCert `json:"chain"` // the server's own certificate first
	}
	jsonCert struct {
		Subject   string   `json:"subject"`
		Issuer    string   `json:"issuer"`
		Names     []string `json:"names,omitempty"`
		NotBefore string   `json:"not_before"`
		NotAfter  string   `json:"not_after"`
	}
	jsonOffered struct {
		jsonOf
		Capabilities []string `json:"capabilities"`
		Mechanisms   []string `json:"mechanisms"`
		Expire       string   `json:"expire,omitempty"`
		LoginDelay   string   `json:"login_delay,omitempty"`
	}
	jsonConnected struct {
		jsonOf
		Addr    string `json:"addr"`              // of the server, or of the proxy; "" where there is none
		Through string `json:"through,omitempty"` // "proxy", "proxy_command" or a socket's path
		MS      int64  `json:"ms"`
	}
	jsonLogin struct {
		jsonOf
		Server     string `json:"server"`
		TLS        string `json:"tls,omitempty"`
		Mechanism  string `json:"mechanism"`
		Pipelining bool   `json:"pipelining"`
	}
	jsonAccount struct {
		jsonOf
		Server string `json:"server"`
		Total  int    `json:"total"`
		Bytes  int64  `json:"bytes"`
		New    int    `json:"new"`
		ToGet  int64  `json:"new_bytes"`
		Delete int    `json:"delete"`
		Skip   int    `json:"skip"`
	}
	jsonChoice struct {
		jsonOf
		Number int `json:"number"`
		jsonUID
		Size   int64  `json:"size"`
		Action string `json:"action"`
		Reason string `json:"reason"`
	}
	jsonMessage struct {
		jsonOf
		jsonUID
		Size int64  `json:"size"`
		Key  string `json:"key"`
		Path string `json:"path"`
	}
	jsonCommit struct {
		jsonOf
		Messages int   `json:"messages"`
		Bytes    int64 `json:"bytes"`
		MS       int64 `json:"ms"`
	}
	jsonDeleted struct {
		jsonOf
		Messages int `json:"messages"`
	}
	jsonRecovered struct {
		jsonOf
		Delivered int `json:"delivered"`
		Finished  int `json:"finished"`
		Again     int `json:"again"`
	}
	jsonWaiting struct {
		jsonOf
		Error string `json:"error"`
		InMS  int64  `json:"in_ms"`
		Left  int    `json:"left"` // tries, this one included
	}
	jsonHealed struct {
		jsonOf
		Runs  int    `json:"runs"` // that failed
		Since string `json:"since"`
	}
	jsonRebuilt struct {
		jsonOf
		Recognised int `json:"recognised"`
		Again      int `json:"again"`
	}
	jsonWarning struct {
		jsonOf
		Warning string `json:"warning"`
	}
	jsonError struct {
		jsonHead
		Account   string `json:"account,omitempty"`
		Class     string `json:"class"`
		Step      string `json:"step"`
		Error     string `json:"error"`
		Hint      string `json:"hint,omitempty"`
		Temporary bool   `json:"temporary"`
		File      string `json:"file,omitempty"` // a mistake of the config file, and its place
		Line      int    `json:"line,omitempty"`
		Col       int    `json:"col,omitempty"`
	}
	jsonResult struct {
		jsonOf
		Class    string `json:"class"` // "none" when all went well
		Maildir  string `json:"maildir"`
		Total    int    `json:"total"`
		Messages int    `json:"messages"`
		Bytes    int64  `json:"bytes"`
		Deleted  int    `json:"deleted"`
		Failed   int    `json:"failed"`
		DryRun   bool   `json:"dry_run"`
		Get      int    `json:"get"`    // in a dry run: what fetch would get
		Delete   int    `json:"delete"` // and delete
		MS       int64  `json:"ms"`
	}
	jsonCheck struct {
		jsonHead
		File     string `json:"file"`
		Accounts int    `json:"accounts"`
	}
	jsonDone struct {
		jsonHead
		OK       int   `json:"ok"`
		Failed   int   `json:"failed"`
		Messages int   `json:"messages"`
		Bytes    int64 `json:"bytes"`
		Deleted  int   `json:"deleted"`
		MS       int64 `json:"ms"`
		Exit     int   `json:"exit"`
	}
)

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
		j.later(jsonChoice{j.of("choice", e.Account), e.Number, uid(e.UID), e.Size, e.Action.String(), text(e.Reason)})
	case fetch.Delivered:
		j.later(jsonMessage{j.of("message", e.Account), uid(e.UID), e.Size, text(e.Key), text(e.Path())})
	case fetch.Committed:
		j.print(jsonCommit{j.of("commit", e.Account), e.Messages, e.Bytes, e.Took.Milliseconds()})
	case fetch.Deleted:
		j.print(jsonDeleted{j.of("deleted", e.Account), e.Messages})
	case fetch.Warning:
		j.print(jsonWarning{j.of("warning", e.Account), text(e.Text)})
	case fetch.Done:
		j.done(e.Result)
	default:
		if j.looking {
			j.look(e)
		}
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
		jsonOf: j.of("result", r.Account), Class: classWords[fetch.ClassOf(r.Err)], Maildir: text(r.Maildir), Total: r.Total,
		Messages: r.Messages, Bytes: r.Received, Deleted: r.Deleted, Failed: r.Failed,
		DryRun: r.DryRun, Get: r.Get, Delete: r.Delete, MS: r.Took.Milliseconds(),
	})
}

// failure tells what went wrong with an account, if anything.
func (j *jsonLines) failure(r fetch.Result) {
	class := fetch.ClassOf(r.Err)
	if class != fetch.None && !j.patience.With(class) {
		line := jsonError{jsonHead: j.head("error"), Account: text(r.Account), Class: classWords[class], Error: text(why(r.Err)), Hint: text(Hint(r.Err)), Temporary: temporary(class)}
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

// ConfigJSON tells the mistakes of a config file as JSON lines, and as the last one how the command ends.
func ConfigJSON(out *Output, errs config.Errors, code int) {
	j := newJSONLines(&screen{out: out}, Options{Now: time.Now})
	for _, e := range errs {
		j.print(jsonError{
			jsonHead: j.head("error"), Class: classWords[fetch.Config], Step: "read the config",
			Error: text(e.Message), Hint: text(e.Hint), File: text(e.File), Line: e.Line, Col: e.Col,
		})
	}
	j.finish(nil, code)
}

// RefusalJSON tells as JSON lines why a command does nothing at all: its command line, for which the class is "usage", or a config
// that cannot be read; and as the last one how it ends.
func RefusalJSON(out *Output, err error, hint string, usage bool, code int) {
	j := newJSONLines(&screen{out: out}, Options{Now: time.Now})
	line := jsonError{jsonHead: j.head("error"), Class: classWords[fetch.Config], Step: "read the config", Error: text(err.Error()), Hint: text(hint)}
	if usage {
		line.Class, line.Step = "usage", "read the command line"
	}
	j.print(line)
	j.finish(nil, code)
}

// CheckedJSON tells that a config file has no mistakes.
func CheckedJSON(out *Output, file string, accounts int) {
	j := newJSONLines(&screen{out: out}, Options{Now: time.Now})
	j.print(jsonCheck{j.head("check"), text(file), accounts})
}

func uid(b []byte) jsonUID {
	if utf8.Valid(b) {
		return jsonUID{UID: string(b)}
	}
	return jsonUID{UID: Escape(string(b)), UIDHex: hex.EncodeToString(b)}
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
