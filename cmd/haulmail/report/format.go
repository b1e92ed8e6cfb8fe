package report

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"al.essio.dev/pkg/shellescape"

	"haulmail/fetch"
)

// Format is how a message is shown by --format: a line each.
type Format struct {
	template *template.Template
	uses     map[string]bool // the fields that stand in it
	whole    bool            // the message as a whole does, with all of its fields
}

// message is what a template sees of a message. What is not known is empty: a path before a message is fetched, a header that nobody asked
// for.
type message struct {
	Account   string
	UID       string // as list shows it, control characters escaped
	Number    int    // on the server, in this session
	Path      string
	Key       string // the file's name
	Size      int64  // octets of the file; of one that is not fetched, by LIST
	Hash      string
	MessageID string
	From      string
	Subject   string
	Date      moment
	Action    string // get, delete, skip
	Reason    string // in a word; of list
}

// moment is a time that a template shows in RFC 3339, and as nothing where it is not known.
type moment struct{ time.Time }

func (m moment) String() string { return second(m.Time) }

// MarshalJSON gives the same between quotes.
func (m moment) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(m.String())), nil }

// headerFields are those that only a message's content tells.
var headerFields = []string{"Hash", "MessageID", "From", "Subject", "Date"}

// ParseFormat reads a template (text/template). An unknown field or function is an error, wherever in the template it stands.
func ParseFormat(text string, now func() time.Time) (*Format, error) {
	t, err := template.New("format").Funcs(formatFuncs(now)).Parse(text)
	if err != nil {
		return nil, plainly(err)
	}
	f := &Format{template: t, uses: map[string]bool{}}
	for _, defined := range t.Templates() {
		if defined.Tree != nil {
			f.find(defined.Root, true)
		}
	}
	known := names(reflect.TypeFor[message]())
	for _, field := range slices.Sorted(maps.Keys(f.uses)) {
		if !slices.Contains(known, field) && !slices.Contains(names(reflect.TypeFor[moment]()), field) {
			return nil, fmt.Errorf("no field .%s; there are .%s", field, strings.Join(known, " ."))
		}
	}
	// What only running it shows, such as a function with too few arguments, is a mistake before any mail is fetched, too.
	return f, plainly(t.Execute(io.Discard, sample))
}

// sample is a message to try a template on.
var sample = message{
	Account: "personal", UID: "0001f3a2537c8e11", Number: 3481, Path: "/home/me/Mail/personal/new/1795479656.M113126Q1.example,S=51234,W=52011",
	Key: "1795479656.M113126Q1.example,S=51234,W=52011", Size: 51234, Hash: "sha256:" + strings.Repeat("0", 64),
	MessageID: "20261123110001.1795@mail.example.org", From: "Ann Example <ann@example.org>", Subject: "The minutes of the meeting on Monday",
	Date: moment{time.Date(2026, 11, 23, 11, 0, 1, 0, time.UTC)}, Action: fetch.Get.String(), Reason: fetch.ReasonNew.String(),
}

// names gives what a template may write behind a dot for a value of that type.
func names(t reflect.Type) []string {
	var all []string
	for f := range t.Fields() {
		all = append(all, f.Name)
	}
	for m := range t.Methods() {
		all = append(all, m.Name)
	}
	return all
}

// find notes the fields below a node. There the dot is the message, or what a with or a range has made of it.
func (f *Format) find(node parse.Node, dotIsMessage bool) {
	if value := reflect.ValueOf(node); !value.IsValid() || value.IsNil() {
		return
	}
	switch n := node.(type) {
	case *parse.ListNode:
		for _, child := range n.Nodes {
			f.find(child, dotIsMessage)
		}
	case *parse.ActionNode:
		f.find(n.Pipe, dotIsMessage)
	case *parse.PipeNode:
		for _, command := range n.Cmds {
			for _, arg := range command.Args {
				f.find(arg, dotIsMessage)
			}
		}
	case *parse.DotNode:
		f.whole = f.whole || dotIsMessage
	case *parse.FieldNode:
		f.uses[n.Ident[0]] = true
	case *parse.VariableNode:
		switch {
		case n.Ident[0] != "$":
		case len(n.Ident) > 1:
			f.uses[n.Ident[1]] = true
		default:
			f.whole = true
		}
	case *parse.ChainNode:
		f.find(n.Node, dotIsMessage)
	case *parse.TemplateNode:
		f.find(n.Pipe, false) // the fields are found where that template is defined
	case *parse.IfNode:
		f.findBranch(&n.BranchNode, dotIsMessage, dotIsMessage)
	case *parse.WithNode:
		f.findBranch(&n.BranchNode, dotIsMessage, false)
	case *parse.RangeNode:
		f.findBranch(&n.BranchNode, dotIsMessage, false)
	}
}

func (f *Format) findBranch(n *parse.BranchNode, dotIsMessage, within bool) {
	f.find(n.Pipe, dotIsMessage)
	f.find(n.List, within)
	f.find(n.ElseList, dotIsMessage)
}

// NeedsFacts tells whether it shows something that only a message's content tells.
func (f *Format) NeedsFacts() bool {
	return f.whole || slices.ContainsFunc(headerFields, func(name string) bool { return f.uses[name] })
}

// plainly takes text/template's way of speaking from an error.
func plainly(err error) error {
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "template: "), "format:")
	if _, rest, found := strings.Cut(text, ": executing "); found {
		if _, why, found := strings.Cut(rest, ": "); found {
			text = why
		}
	} else if _, rest, found := strings.Cut(text, ": "); found {
		text = rest
	}
	return fmt.Errorf("%s", text)
}

// formatFuncs are the functions of a template.
func formatFuncs(now func() time.Time) template.FuncMap {
	return template.FuncMap{
		"json":  func(v any) string { return strings.TrimSuffix(jsonLine(v), "\n") },
		"size":  size,
		"age":   func(m moment) string { return age(m.Time, now()) },
		"tab":   tabbed,
		"quote": quote,
	}
}

// age gives how long ago a time is in its largest unit, "" for none: "5m", "3h", "12d".
func age(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	switch d := now.Sub(t); {
	case d < time.Hour:
		return fmt.Sprintf("%dm", max(int(d.Minutes()), 0))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
}

// tabbed gives its arguments with tabs between them, or a tab if there are none.
func tabbed(values ...any) string {
	if len(values) == 0 {
		return "\t"
	}
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = strings.ReplaceAll(fmt.Sprint(v), "\t", " ")
	}
	return strings.Join(words, "\t")
}

// quote makes one word of a value for a POSIX shell.
func quote(v any) string {
	return shellescape.Quote(fmt.Sprint(v))
}

// formatted is what --format and --print0 show: one line a message that is safe on disk; for list, and for a dry run of fetch, one a
// message that is listed or would be fetched.
type formatted struct {
	screen *screen
	format *Format // nil for the path alone
	end    string  // of a line
	list   bool
}

func newFormatted(s *screen, o Options) *formatted {
	f := &formatted{screen: s, format: o.Format, end: "\n", list: o.Show == Messages}
	if o.Print0 {
		f.end = "\x00"
	}
	return f
}

func (f *formatted) event(e fetch.Event) {
	switch e := e.(type) {
	case fetch.Chosen:
		if f.list || e.Action == fetch.Get {
			f.line(message{
				Account: e.Account, UID: Escape(string(e.UID)), Number: e.Number, Size: max(e.Size, 0),
				MessageID: e.Header.MessageID, From: e.Header.From, Subject: e.Header.Subject, Date: moment{e.Header.Date},
				Action: e.Action.String(), Reason: e.Reason.String(),
			})
		}
	case fetch.Delivered:
		m := message{
			Account: e.Account, UID: Escape(string(e.UID)), Number: e.Number, Path: e.Path(), Key: e.Key, Size: e.Size, Action: fetch.Get.String(),
		}
		if e.Facts != nil {
			m.Hash, m.MessageID, m.From, m.Subject, m.Date = e.Facts.Hash, e.Facts.MessageID, e.Facts.From, e.Facts.Subject, moment{e.Facts.Date}
		}
		f.line(m)
	case fetch.Committed, fetch.Done:
		_ = f.screen.out.Flush() // remembered by Output
	}
}

// line shows a message. What it says reaches a terminal escaped, and a script as it is.
func (f *formatted) line(m message) {
	if f.format == nil {
		f.print(m.Path)
		return
	}
	var line strings.Builder
	if err := f.format.template.Execute(&line, m); err != nil {
		// Whoever reads the lines has to know that one is missing; the mail is safe, and the next line may be well.
		f.screen.out.Fail(&FormatError{fmt.Errorf("a message of %s (UID %s) is not shown by --format: %w", Escape(m.Account), m.UID, plainly(err))})
		return
	}
	f.print(line.String())
}

func (f *formatted) print(line string) {
	if f.screen.outTTY {
		f.screen.print(EscapeBlock(line) + f.end)
		return
	}
	f.screen.printLater(line + f.end)
}

func (f *formatted) finish([]fetch.Result, int) {}

// FormatError is a template that cannot show a message.
type FormatError struct{ err error }

func (e *FormatError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *FormatError) Unwrap() error { return e.err }
