package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
)

func testApp() (*cli.App, *strings.Builder) {
	var out strings.Builder
	app := newApp(&program{out: report.NewOutput(&out)})
	app.Setup()
	return app, &out
}

// A flag works wherever it stands. What urfave/cli is given is in the one order that it reads rightly.
func TestArgs(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", "fetch --"},
		{"fetch", "fetch --"},
		{"work", "fetch -- work"},
		{"work home", "fetch -- work home"},
		{"fetch work -n", "fetch --dry-run -- work"},
		{"work -n", "fetch --dry-run -- work"},
		{"-n", "fetch --dry-run --"},
		{"-n fetch work", "fetch --dry-run -- work"},
		{"fetch work --dry-run home", "fetch --dry-run -- work home"},
		{"fetch -q", "fetch --quiet --"},
		{"-q list", "list --quiet --"},
		{"list work -q", "list --quiet -- work"},
		{"-vv", "fetch --verbose --verbose --"},
		{"-v list -v", "list --verbose --verbose --"},
		{"-vnj4 work", "fetch --verbose --dry-run --jobs=4 -- work"},
		{"-j 4 work", "fetch --jobs=4 -- work"},
		{"work -j=4", "fetch --jobs=4 -- work"},
		{"-c FILE check", "check --config=FILE --"},
		{"-cFILE check", "check --config=FILE --"},
		{"check --config FILE", "check --config=FILE --"},
		{"check --config=FILE", "check --config=FILE --"},
		{"check --config=a=b", "check --config=a=b --"},
		{"-c list list", "list --config=list --"},
		{"--config=-x fetch", "fetch --config=-x --"},
		{"--limit -1", "fetch --max-messages=-1 --"},
		{"-j 2 -j 3", "fetch --jobs=2 --jobs=3 --"},
		{"--version --json -q", "version --json --"},
		{"fetch -c -", "fetch --config=- --"},
		{"--dry-run=false work", "fetch --dry-run=false -- work"},
		{"check work --connect", "check --connect -- work"},
		{"fetch list", "fetch -- list"},
		{"fetch help", "fetch -- help"},
		{"work list", "fetch -- work list"},
		{"-- list", "fetch -- list"},
		{"fetch -- -n", "fetch -- -n"},
		{"fetch work -- -n --json", "fetch -- work -n --json"},
		{"-", "fetch -- -"},
		{"--version", "version --"},
		{"list -V work", "version --"},
		{"--help", "--help"},
		{"work -n -h", "--help"},
		{"list -h", "list --help --"},
		{"list work -h", "list --help --"},
		{"seen --failed list work", "seen --failed -- list work"},
		{"seen retry work list -- -q", "seen -- retry work list -q"},
		{"help list", "help -- list"},
	} {
		app, _ := testApp()
		line, err := parseArgs(app, append([]string{"haulmail"}, strings.Fields(test.in)...))
		if err != nil {
			t.Errorf("haulmail %s: %v", test.in, err)
			continue
		}
		if want := append([]string{"haulmail"}, strings.Fields(test.want)...); !slices.Equal(line.argv, want) {
			t.Errorf("haulmail %s: handed on as %q, want %q", test.in, line.argv, want)
		}
	}
}

func TestArgsRefused(t *testing.T) {
	for _, test := range []struct{ in, message, hint string }{
		{"--dry-rnu", `unknown flag "--dry-rnu"`, "did you mean --dry-run?"},
		{"work --jsno", `unknown flag "--jsno"`, "did you mean --json?"},
		{"--frobnicate", `unknown flag "--frobnicate"`, "haulmail help shows the flags"},
		{"-x", `unknown flag "-x"`, "haulmail help shows the flags"},
		{"-nx work", `unknown flag "-x"`, "haulmail help shows the flags"},
		{"--n", `unknown flag "--n"`, "haulmail help shows the flags"},
		{"-json", `unknown flag "-json"`, "a long flag has two dashes: --json"},
		{"-config=FILE", `unknown flag "-config=FILE"`, "a long flag has two dashes: --config=FILE"},
		{"list -n", "-n is not a flag of list", "it belongs to: haulmail fetch and seen"},
		{"--connect work", "--connect is not a flag of fetch", "it belongs to: haulmail check and seen"},
		{"check --adopt", "--adopt is not a flag of check", "it belongs to: haulmail fetch"},
		{"fetch -c", "-c needs a value: FILE", "-c FILE: read the config from FILE"},
		{"--config= fetch", "--config needs a value: FILE", "--config FILE: read the config from FILE"},
		{"--color", "--color needs a value: auto|always|never", "--color auto|always|never: color errors and hints"},
		{"--limit -n", `--limit needs a value, not the flag "-n"`, "a value that begins with a dash is written --limit=-n"},
		{"-c a list -c a", "-c stands there twice", "leave one of them out"},
		{"--state-dir a --state-dir=b", "--state-dir stands there twice", "leave one of them out"},
		{"fetch -c --dry-run", `-c needs a value, not the flag "--dry-run"`, "a value that begins with a dash is written --config=--dry-run"},
		{"--dry-run=perhaps", "--dry-run takes no value but true or false", ""},
		{"-n=true", "-n takes no value", ""},
		{"-v -=3", `unknown flag "-="`, "haulmail help shows the flags"},
	} {
		app, _ := testApp()
		_, err := parseArgs(app, append([]string{"haulmail"}, strings.Fields(test.in)...))
		usage, ok := errors.AsType[*usageError](err)
		if !ok || usage.message != test.message || usage.hint != test.hint {
			t.Errorf("haulmail %s: %#v, want %q, hint %q", test.in, err, test.message, test.hint)
		}
	}
}

// What parseArgs hands on has to be read back by urfave/cli as it was meant.
func TestFlagsAreReadBack(t *testing.T) {
	app, _ := testApp()
	line, err := parseArgs(app, []string{"haulmail", "work", "-vv", "-j", "7", "--config", "a b,c", "-n", "--", "-q"})
	if err != nil {
		t.Fatal(err)
	}
	var got settings
	var words []string
	var dry bool
	app.Command("fetch").Action = func(c *cli.Context) error {
		words, dry = c.Args().Slice(), c.Bool("dry-run")
		got, err = readSettings(c)
		return err
	}
	if err := app.Run(line.argv); err != nil {
		t.Fatal(err)
	}
	if want := (settings{config: "a b,c", jobs: 7, verbose: 2}); got != want || !dry || !slices.Equal(words, []string{"work", "-q"}) {
		t.Errorf("got %+v, dry run %v, words %q", got, dry, words)
	}
}

// A flag means the same in every command: parseArgs reads a flag before it knows the command.
func TestFlagsAgree(t *testing.T) {
	app, _ := testApp()
	owner := map[string]string{}
	for _, c := range app.Commands {
		for _, f := range c.Flags {
			what := f.Names()[0]
			if takesValue(f) {
				what += " with a value"
			}
			for _, name := range f.Names() {
				if owner[name] != "" && owner[name] != what {
					t.Errorf("-%s is %s and, in %s, %s", name, owner[name], c.Name, what)
				}
				owner[name] = what
			}
		}
	}
}
