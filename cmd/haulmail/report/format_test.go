package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"haulmail/fetch"
	"haulmail/fetch/header"
)

// aMessage is one that was delivered three days before clock, with quotes and blanks where scripts stumble.
func aMessage() fetch.Delivered {
	return fetch.Delivered{
		Account: "work", Number: 7, UID: []byte("u\x1b7"), Maildir: "/home/me/My Mail", Key: "1795435202.H5", Size: 4404019, At: clock(),
		Facts: &fetch.Facts{Hash: "sha256:9f86", Facts: header.Facts{
			MessageID: "1@example.org", From: `"O'Neil" <o@example.org>`, Subject: "Grüße\u202e <b>", Date: clock().Add(-72 * time.Hour),
		}},
	}
}

func TestFormat(t *testing.T) {
	for _, test := range []struct{ template, want string }{
		{"", "\n"},
		{"{{.Account}} {{.Number}} {{.UID}}", `work 7 u\x1b7` + "\n"},
		{"{{.Path}}|{{.Key}}", "/home/me/My Mail/new/1795435202.H5|1795435202.H5\n"},
		{"{{.Size}} {{size .Size}}", "4404019 4.2 MiB\n"},
		{"{{.Hash}} {{.MessageID}}", "sha256:9f86 1@example.org\n"},
		{"{{.Date}} {{age .Date}} {{.Date.Year}}", "2026-11-20T11:00:01Z 3d 2026\n"},
		{"{{tab .UID .Size .Action .Reason}}{{tab}}.", "u\\x1b7\t4404019\tget\t\t.\n"},
		{"rm {{quote .Path}} {{quote .From}}", `rm '/home/me/My Mail/new/1795435202.H5' '"O'"'"'Neil" <o@example.org>'` + "\n"},
		{"{{json .Subject}} {{json .Date}}", `"Grüße\u202e <b>" "2026-11-20T11:00:01Z"` + "\n"},
		{"{{.Subject}}", "Grüße\u202e <b>\n"},
		{"{{if gt .Size 100}}large{{else}}{{.Key}}{{end}}", "large\n"},
		{`{{define "x"}}{{.UID}}{{end}}{{template "x" .}}`, `u\x1b7` + "\n"},
	} {
		if got := formatOne(t, test.template, Options{}); got != test.want {
			t.Errorf("%s: %q, want %q", test.template, got, test.want)
		}
	}
}

// formatOne shows aMessage by a template.
func formatOne(t *testing.T, template string, o Options) string {
	t.Helper()
	var err error
	if o.Format, err = ParseFormat(template, clock); err != nil {
		t.Fatalf("%s: %v", template, err)
	}
	return show(t, o, aMessage(), fetch.Committed{Account: "work", Messages: 1})
}

// show gives what standard output has of events.
func show(t *testing.T, o Options, events ...fetch.Event) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	o.Out, o.Err, o.Now = NewOutput(&stdout), &stderr, clock
	r := New(o)
	for _, e := range events {
		r.Event(e)
	}
	r.Finish(nil, 0)
	if err := o.Out.Flush(); err != nil {
		t.Fatal(err)
	}
	return stdout.String()
}

func TestFormatEndsLines(t *testing.T) {
	for _, test := range []struct {
		name     string
		template string
		o        Options
		want     string
	}{
		{"by NUL", "{{.Key}}", Options{Print0: true}, "1795435202.H5\x00"},
		{"on a terminal, escaped", "{{.Subject}}{{tab}}\x1b", Options{OutTTY: true}, "Grüße\\u202e <b>\t\\x1b\n"},
	} {
		if got := formatOne(t, test.template, test.o); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	if got, want := show(t, Options{Print0: true, Verbose: 1}, aMessage()), "/home/me/My Mail/new/1795435202.H5\x00"; got != want {
		t.Errorf("paths alone: %q, want %q", got, want)
	}
}

// list shows every message, a dry run those that would be fetched; nothing else stands between them.
func TestFormatOfChoices(t *testing.T) {
	format, err := ParseFormat("{{.UID}} {{.Size}} {{.Action}} {{.Reason}}{{.Path}}{{.Date}}{{age .Date}}", clock)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(t, Options{Format: format, Show: Messages}, aDryRun()...), "u-1 51234 get new\nu 2\\n 123456789 skip seen\nh\\xff1 1 delete old\n"; got != want {
		t.Errorf("list: %q, want %q", got, want)
	}
	if got, want := show(t, Options{Format: format, OutTTY: true}, aDryRun()...), "u-1 51234 get new\n"; got != want {
		t.Errorf("dry run: %q, want %q", got, want)
	}
	if got := show(t, Options{Format: format, Verbose: 1, OutTTY: true}, fetch.Done{Result: fetch.Result{Account: "work", Messages: 3}}); got != "" {
		t.Errorf("a summary came between the lines: %q", got)
	}
}

// A template is refused before anything is fetched, wherever its mistake stands.
func TestFormatMistakes(t *testing.T) {
	for _, test := range []struct{ template, why string }{
		{"{{.UID", "unclosed action"},
		{"{{.Foo}}", "no field .Foo; there are .Account .UID "},
		{"{{if .Path}}a{{else}}{{.Foo}}{{end}}", "no field .Foo;"},
		{`{{define "never"}}{{$.Foo}}{{end}}`, "no field .Foo;"},
		{"{{with .Date}}{{(index .Foo 1).Bar}}{{end}}", "no field .Foo;"},
		{"{{range .Foo}}{{end}}", "no field .Foo;"},
		{"{{shell .UID}}", `function "shell" not defined`},
		{"{{quote}}", "wrong number of args for quote: want 1 got 0"},
		{"{{size .Path}}", "wrong type"},
		{"{{.UID.Foo}}", "can't evaluate field Foo"},
	} {
		if _, err := ParseFormat(test.template, clock); err == nil || !strings.Contains(err.Error(), test.why) || strings.Contains(err.Error(), "template:") {
			t.Errorf("%s: %v, want %s", test.template, err, test.why)
		}
	}
}

func TestFormatNeedsFacts(t *testing.T) {
	for template, want := range map[string]bool{
		"{{.Path}} {{.Size}}": false, "{{.Path}} {{.Hash}}": true, "{{if .UID}}{{$.Subject}}{{end}}": true,
		// The message as a whole, and a dot that is something else.
		"{{json .}}": true, "{{with .Path}}{{json $}}{{end}}": true, "{{$m := .}}{{$m.Subject}}": true, "{{if .UID}}{{. | json}}{{end}}": true,
		`{{define "m"}}{{json .}}{{end}}{{template "m" .}}`: true, "{{with .Path}}{{.}}{{end}}{{range .Number}}{{.}}{{end}}": false,
	} {
		f, err := ParseFormat(template, clock)
		if err != nil || f.NeedsFacts() != want {
			t.Errorf("%s: %v, %v", template, f.NeedsFacts(), err)
		}
	}
}

// A template that fails on one message leaves the others shown, and the failure is remembered.
func TestFormatFailsOnOneMessage(t *testing.T) {
	format, err := ParseFormat("{{if eq .Number 7}}{{index .UID 99}}{{end}}{{.Number}}", clock)
	if err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	o := Options{Out: NewOutput(&stdout), Err: &stdout, Format: format}
	r := New(o)
	r.Event(aMessage())
	next := aMessage()
	next.Number = 8
	r.Event(next)
	r.Finish(nil, 0)
	failed, ok := errors.AsType[*FormatError](o.Out.Flush())
	if !ok || stdout.String() != "8\n" || !strings.Contains(failed.Error(), `work (UID u\x1b7) is not shown by --format: `) {
		t.Errorf("%v, shown %q", failed, stdout.String())
	}
}
