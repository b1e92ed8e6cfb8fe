package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
)

// helpOf gives what "haulmail WORDS" prints.
func helpOf(t *testing.T, words ...string) string {
	t.Helper()
	var text strings.Builder
	p := &program{out: report.NewOutput(&text)}
	app := newApp(p)
	app.Setup()
	var err error
	if p.line, err = parseArgs(app, append([]string{"haulmail"}, words...)); err != nil {
		t.Fatalf("haulmail %q: %v", words, err)
	}
	if err := app.Run(p.line.argv); err != nil {
		t.Fatalf("haulmail %q: %v", words, err)
	}
	if err := p.out.Flush(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// Every help text fits a terminal of 80 columns, and the first one shows at a glance what there is.
func TestHelpFits(t *testing.T) {
	app, _ := testApp()
	texts := map[string]string{"help": helpOf(t, "help")}
	for _, c := range app.Commands {
		if c.Hidden {
			continue
		}
		texts[c.Name+" --help"] = helpOf(t, c.Name, "--help")
		texts["help "+c.Name] = helpOf(t, "help", c.Name)
		if c.Name != "help" && texts["help "+c.Name] != texts[c.Name+" --help"] {
			t.Errorf("haulmail help %s and haulmail %s --help differ", c.Name, c.Name)
		}
		if !strings.Contains(texts["help"], fmt.Sprintf(" %-10s  %s\n", c.Name, c.Usage)) {
			t.Errorf("haulmail help lacks %s: is its category one of %q?", c.Name, categories)
		}
	}
	for _, f := range (&argReader{app: app}).all() {
		if d := f.(cli.DocGenerationFlag); takesValue(f) && strings.Count(d.GetUsage(), "`") != 2 {
			t.Errorf("--%s does not name its value: %q", f.Names()[0], d.GetUsage())
		}
	}
	for what, text := range texts {
		for i, line := range strings.Split(text, "\n") {
			if n := utf8.RuneCountInString(line); n > 80 {
				t.Errorf("haulmail %s: line %d has %d columns: %s", what, i+1, n, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("haulmail %s: line %d ends in a blank: %q", what, i+1, line)
			}
		}
		if !strings.HasSuffix(text, "\n") || strings.Contains(text, "\n\n\n") {
			t.Errorf("haulmail %s: blank lines too many, or no end:\n%s", what, text)
		}
	}
	if n := strings.Count(texts["help"], "\n"); n > 60 {
		t.Errorf("haulmail help has %d lines", n)
	}
}
