package main

import (
	"encoding/json"
	"maps"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/manual"
	"haulmail/cmd/haulmail/report"
	"haulmail/config"
)

// page gives a manual page as it is printed.
func page(t *testing.T, words ...string) string {
	t.Helper()
	return helpOf(t, append([]string{"help", "--man"}, words...)...)
}

// section gives the text of a manual page from the line .Sh name to the next one.
func section(t *testing.T, page, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, ".Sh "+name+"\n")
	if !ok {
		t.Fatalf("no section %s", name)
	}
	text, _, _ := strings.Cut(rest, "\n.Sh ")
	return text
}

// words gives what the first group of a pattern finds in text.
func words(pattern, text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found[m[1]] = true
	}
	return found
}

// same fails unless the manual tells of what there is, and of nothing else.
func same(t *testing.T, what string, told, there map[string]bool) {
	t.Helper()
	for word := range there {
		if !told[word] {
			t.Errorf("the manual lacks the %s %q", what, word)
		}
	}
	for word := range told {
		if !there[word] {
			t.Errorf("the manual tells of the %s %q, which does not exist", what, word)
		}
	}
	if len(there) == 0 {
		t.Errorf("there is no %s at all", what)
	}
}

func TestManualHasEveryFlag(t *testing.T) {
	app, _ := testApp()
	there := map[string]bool{}
	for _, f := range (&argReader{app: app}).all() {
		if !isVisible(f) {
			continue
		}
		for _, name := range f.Names() {
			if len(name) > 1 {
				name = "-" + name
			}
			there[name] = true
		}
	}
	options, _, _ := strings.Cut(page(t), ".Sh ENVIRONMENT") // examples for other programs come behind that
	same(t, "flag", words(`\bFl (\S+)`, options), there)
	// Each flag has an item of its own, where it is told what it does.
	items := map[string]bool{}
	for item := range words(`(?m)^\.It ((?:Fl|Cm help Fl) .*)$`, options) {
		maps.Copy(items, words(`\bFl (\S+)`, item))
	}
	same(t, "item of the flag", items, there)
}

// The words that may follow a command stand in its usage line.
func TestManualHasEveryCommand(t *testing.T) {
	app, _ := testApp()
	there := map[string]bool{}
	for _, c := range app.Commands {
		if c.Hidden {
			continue
		}
		there[c.Name] = true
		for verb := range words(`(?m)^\s*haulmail `+c.Name+` ([a-z]{3,})\b`, "haulmail "+strings.TrimPrefix(c.UsageText, "haulmail ")) {
			there[c.Name+" "+verb] = true
		}
	}
	told := words(`(?m)^\.It Cm ([a-z]+(?: [a-z]{3,})?)`, section(t, page(t), "COMMANDS"))
	for _, c := range []string{"config", "seen"} {
		delete(there, c) // only with a word behind it
	}
	there["completion bash"] = there["completion"]
	delete(there, "completion")
	same(t, "command", told, there)
}

func TestManualHasEveryKey(t *testing.T) {
	sections := map[string]string{"": "KEYS ABOVE THE TABLES", config.TableAccount: "KEYS OF AN ACCOUNT", config.TableOAuth: "KEYS OF A PROVIDER"}
	there := map[string]map[string]bool{}
	for _, k := range config.Reference() {
		if there[k.Table] == nil {
			there[k.Table] = map[string]bool{}
		}
		there[k.Table][k.Name] = true
		text := section(t, page(t, "config"), sections[k.Table])
		_, item, _ := strings.Cut(text, "\n.It Ic "+k.Name+"\n")
		item, _, _ = strings.Cut(item, "\n.It ")
		for _, w := range k.Words {
			if !strings.Contains(item, w) {
				t.Errorf("%s lacks the word %q", k.Name, w)
			}
		}
		if fallback := strings.Trim(k.Default, `"`); !strings.Contains(item, fallback) {
			t.Errorf("%s lacks its default %s", k.Name, fallback)
		}
	}
	for table, name := range sections {
		same(t, "key", words(`(?m)^\.It Ic (\S+)$`, section(t, page(t, "config"), name)), there[table])
	}
}

func TestManualHasEveryExitCode(t *testing.T) {
	there := map[string]bool{"0": true, "129": true, "130": true, "143": true}
	for _, code := range []int{
		exitUsage, exitData, exitNoInput, exitNoHost, exitUnavailable, exitSoftware, exitCantCreate, exitIO, exitTemporary, exitProtocol, exitNoPerm, exitConfig,
	} {
		there[strconv.Itoa(code)] = true
	}
	told := map[string]bool{}
	for items := range words(`(?m)^\.It ([0-9 ,]+)$`, section(t, page(t), "EXIT STATUS")) {
		for code := range strings.SplitSeq(items, " , ") {
			told[code] = true
		}
	}
	same(t, "exit code", told, there)
}

// The variables that the program reads, and those that it gives to others.
func TestManualHasEveryVariable(t *testing.T) {
	there := map[string]bool{
		"HOME": true, "XDG_CONFIG_HOME": true, "XDG_STATE_HOME": true, "NETRC": true, "CREDENTIALS_DIRECTORY": true, "NO_COLOR": true, "TERM": true,
		"HAULMAIL_ACCOUNT": true, "HAULMAIL_SERVER": true, "HAULMAIL_USERNAME": true, "HAULMAIL_PORT": true,
	}
	app, _ := testApp()
	for _, f := range (&argReader{app: app}).all() {
		for _, name := range f.(cli.DocGenerationFlag).GetEnvVars() {
			there[name] = true
		}
	}
	same(t, "variable", words(`\bEv (\S+)`, section(t, page(t), "ENVIRONMENT")), there)
}

func TestManualHasEveryField(t *testing.T) {
	var schema struct {
		OneOf []map[string]string `json:"oneOf"`
		Defs  map[string]struct {
			Properties map[string]any
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(report.Schema), &schema); err != nil {
		t.Fatal(err)
	}
	events, fields := map[string]bool{}, map[string]bool{}
	for _, ref := range schema.OneOf {
		events[strings.TrimPrefix(ref["$ref"], "#/$defs/")] = true
	}
	for _, def := range schema.Defs {
		for name, property := range def.Properties {
			fields[name] = true
			if nested, ok := property.(map[string]any)["items"].(map[string]any); ok {
				more, _ := nested["properties"].(map[string]any)
				for name := range more {
					fields[name] = true
				}
			}
		}
	}
	text := section(t, page(t), "JSON OUTPUT")
	same(t, "event", words(`(?m)^\.It Cm (\S+)$`, text), events)
	same(t, "field", words(`(?m)^\.It Va (\S+)$`, text), fields)
}

func TestManualHasEveryTemplateField(t *testing.T) {
	text := section(t, page(t), "TEMPLATES")
	help := words(`\.([A-Z][A-Za-z]+)\b`, strings.ReplaceAll(formatHelp[strings.Index(formatHelp, "Its fields"):], "text/template", ""))
	same(t, "template's field", words(`(?m)^\.Va \.([A-Z]\S+)`, text), help)
	functions := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(words(`(?m)^\.It Ic (\S+)`, text))) {
		if _, err := report.ParseFormat(map[bool]string{true: "{{tab}}", false: "{{" + name + " .Date}}"}[name == "tab"], nil); err != nil && strings.Contains(err.Error(), "not defined") {
			t.Errorf("the manual tells of the function %s: %v", name, err)
		}
		functions[name] = true
	}
	if want := map[string]bool{"json": true, "size": true, "age": true, "tab": true, "quote": true}; !reflect.DeepEqual(functions, want) {
		t.Errorf("functions %v, want %v", functions, want)
	}
}

// The pages are good mdoc, and fit a terminal.
func TestManualIsShown(t *testing.T) {
	mandoc := need(t, "mandoc", "mandoc")
	for name, text := range map[string]string{"haulmail.1": page(t), "haulmail.toml.5": page(t, "config")} {
		lint := exec.Command(mandoc, "-T", "lint", "-W", "warning")
		lint.Stdin = strings.NewReader(text)
		if out, err := lint.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		show := exec.Command(mandoc, "-T", "ascii", "-O", "width=80")
		show.Stdin = strings.NewReader(text)
		out, err := show.Output()
		if err != nil {
			t.Fatal(err)
		}
		shown := regexp.MustCompile(".\b").ReplaceAllString(string(out), "")
		for line := range strings.Lines(shown) {
			if len(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("%s is wider than 80 columns: %s", name, line)
			}
		}
		if len(shown) < 5000 {
			t.Errorf("%s shows %d bytes", name, len(shown))
		}
	}
}

// The config in haulmail.toml(5) can be read.
func TestManualExamples(t *testing.T) {
	for _, block := range regexp.MustCompile(`(?s)\.Bd -literal[^\n]*\n(.*?)\.Ed`).FindAllStringSubmatch(manual.Config, -1) {
		if _, err := config.Parse("config.toml", "/home/me", []byte(block[1]), 0o600); err != nil {
			t.Errorf("%v\n%s", err, block[1])
		}
	}
}
