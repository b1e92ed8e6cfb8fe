package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"haulmail/cmd/haulmail/report"
)

// What may follow a line: the last word is where the cursor is.
func TestComplete(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"haulmail ch", "check"},
		{"haulmail wo", "work"},
		{"haulmail work ", "me@example.org my account"},
		{"haulmail work fe", ""},
		{"haulmail list my", "my account"},
		{"haulmail list 'my account' wo", "work"},
		{"haulmail login w", "work"},
		{"haulmail version ", ""},
		{"haulmail nonsense ch", ""},
		{"haulmail help ch", "check"},
		{"haulmail help check ", ""},
		{"haulmail completion ", "bash zsh fish"},
		{"haulmail seen retr", "retry"},
		{"haulmail seen retry w", "work"},
		{"haulmail seen retry work ", ""},
		{"haulmail seen nonsense w", ""},

		{"haulmail --dry", "--dry-run"},
		{"haulmail --conn", ""},
		{"haulmail check --conn", "--connect"},
		{"haulmail check --dry", ""},
		{"haulmail list --conf", "--config"},
		{"haulmail __c", ""},
		{"haulmail --mem", ""},
		{"haulmail -- --dry", ""},
		{"haulmail -- wo", "work"},

		{"haulmail -q wo", "work"},
		{"haulmail -j 4 wo", "work"},
		{"haulmail --jobs=4 wo", "work"},
		{"haulmail -j wo", ""},
		{"haulmail -vj 4 list wo", "work"},
		{"haulmail --tls ", "implicit starttls none"},
		{"haulmail --tls st", "starttls"},
		{"haulmail --tls=st", "--tls=starttls"},
		{"haulmail --tls=implicit ch", "check"},
		{"haulmail --nonsense=i", ""},
		{"haulmail --url pop://me@x li", "list"},
		{"haulmail --url pop://me@x wo", ""},
		{"haulmail cat wo", "work"},
		{"haulmail cat work wo", ""},
		{"haulmail list --url pop://me@x ", ""},
		{"haulmail --url ", ""},

		{"haulmail -c ", "files"},
		{"haulmail -vc ", "files"},
		{"haulmail --config=", "files"},
		{"haulmail --config x list wo", "work of x"},
		{"haulmail --config=x list wo", "work of x"},
		{"haulmail list -cx wo", "work of x"},
		{"haulmail list -c 'a b' wo", "work of a b"},
		{"haulmail --maildir ", "folders"},
		{"haulmail --state-dir=/tm", "folders"},

		{"haulmail", ""},
		{"", ""},
	} {
		if got := completeLine(c.line); got != c.want {
			t.Errorf("%q is followed by %q, want %q", c.line, got, c.want)
		}
	}
}

// completeLine gives the words that may follow, or what else may. The config "" has three accounts, each other one has "work of …".
func completeLine(line string) string {
	accounts := func(config string) []string {
		if config == "" {
			return []string{"work", "me@example.org", "my account"}
		}
		return []string{"work of " + config}
	}
	may := completer{app: newApp(&program{}), accounts: accounts}.complete(splitLine(line).words)
	if may.kind != "words" {
		return may.kind
	}
	var words []string
	for _, w := range may.words {
		words = append(words, may.prefix+w.text)
	}
	return strings.Join(words, " ")
}

// Every command that a person sees is completed by its own usage line, and each alternative there has a meaning.
func TestUsageLinesCanBeCompleted(t *testing.T) {
	known := []string{"ACCOUNT", "COMMAND", "UID", "NUMBER", "FILE"}
	for _, c := range newApp(&program{}).Commands {
		for line := range strings.SplitSeq(c.UsageText, "\n") {
			for _, s := range slots(line) {
				for _, kind := range s.kinds {
					if kind != strings.ToLower(kind) && !slices.Contains(known, kind) {
						t.Errorf("%s: nobody knows what %q is", strings.TrimSpace(line), kind)
					}
				}
			}
		}
	}
}

// bash puts a replacement where it thinks that a word begins: what it then has means the word that was chosen.
func TestReplacement(t *testing.T) {
	for _, c := range []struct{ line, replaced, word, want string }{
		{"haulmail wo", "wo", "work", "work"},
		{"haulmail ", "", "my account", `my\ account`},
		{"haulmail my", "my", "my account", `my\ account`},
		{`haulmail my\ a`, `my\ a`, "my account", `my\ account`},
		{`haulmail "my a`, "my a", "my account", "my account"},
		{"haulmail 'my", "my", "my account", "my account"},
		{"haulmail me@ex", "@ex", "me@example.org", "@example.org"},
		{"haulmail --tls=im", "im", "--tls=implicit", "implicit"},
		{"haulmail --tls=", "", "--tls=implicit", "implicit"},
		{"haulmail x", "y", "work", ""},
	} {
		if got := splitLine(c.line).replacement(c.word, c.replaced); got != c.want {
			t.Errorf("%q: for %q bash gets %q, want %q", c.line, c.word, got, c.want)
		}
	}
}

// However a word is quoted, it is read as what it means.
func TestSplitLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-zé "'\\$@=-]{1,8}`), 1, 5).Draw(t, "words")
		var typed []string
		for _, w := range words {
			switch rapid.IntRange(0, 2).Draw(t, "quoting") {
			case 0:
				w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
			case 1:
				w = `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(w) + `"`
			default:
				w = strings.NewReplacer(`"`, `\"`, `\`, `\\`, "'", `\'`, " ", `\ `).Replace(w)
			}
			typed = append(typed, w)
		}
		if got := splitLine(strings.Join(typed, "  ")).words; !slices.Equal(got, words) {
			t.Fatalf("%q is read as %q", words, got)
		}
	})
}

// Completion says nothing of what is wrong, waits for nothing, and makes nothing.
func TestCompletionIsSilent(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken.toml")
	if err := os.WriteFile(broken, []byte("[account.work]\nserver = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{pipe, broken, dir, filepath.Join(dir, "nowhere")} {
		var out strings.Builder
		began := time.Now()
		o := report.NewOutput(&out)
		p := &program{out: o}
		err := p.execute(context.Background(), []string{"haulmail", "__complete", "--", "zsh", "haulmail list -c " + file + " "})
		if err != nil || o.Flush() != nil || out.String() != "words\n" || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %q, %v", file, out.String(), err)
		}
	}
	if left := entries(t, dir); len(left) != 2 {
		t.Errorf("%q is there", left)
	}
}

// A usage line tells what follows: words of its own, accounts, files, as often as it says.
func TestCompleteByUsage(t *testing.T) {
	app := newApp(&program{})
	app.Command("seen").UsageText = "haulmail seen add|forget [-n] [flags] ACCOUNT --all|UID...\n" +
		"        haulmail seen rebuild [ACCOUNT...]\n        haulmail seen import [-n] ACCOUNT [FILE]"
	m := completer{app: app, accounts: func(string) []string { return []string{"work", "home"} }}
	for _, c := range []struct{ line, want string }{
		{"haulmail seen ", "words add forget rebuild import"},
		{"haulmail seen forget ", "words work home"},
		{"haulmail seen forget -n work ", "words"},
		{"haulmail seen rebuild work ", "words home"},
		{"haulmail seen import work ", "files"},
		{"haulmail seen import work file ", "words"},
	} {
		may := m.complete(splitLine(c.line).words)
		got := may.kind
		for _, w := range may.words {
			got += " " + w.text
		}
		if got != c.want {
			t.Errorf("%q is followed by %q, want %q", c.line, got, c.want)
		}
	}
}

// entries gives the names in a folder.
func entries(t *testing.T, folder string) []string {
	t.Helper()
	all, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}
