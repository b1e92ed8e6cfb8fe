package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haulmail/cmd/haulmail/report"
	"haulmail/config"
)

// refusal gives how "haulmail WORDS" is refused, as people read it: the messages and the hints, a line each.
func refusal(t *testing.T, words string) string {
	t.Helper()
	var text strings.Builder
	p := &program{out: report.NewOutput(&text)}
	err := p.execute(context.Background(), append([]string{"haulmail"}, strings.Fields(words)...))
	if err == nil {
		t.Fatalf("haulmail %s is not refused", words)
	}
	code, hint := errorCode(err)
	lines := []string{err.Error(), hint}
	if all, ok := errors.AsType[config.Errors](err); ok {
		lines = nil
		for _, e := range all {
			lines = append(lines, e.Message, e.Hint)
		}
	}
	if code != exitUsage && code != exitConfig {
		t.Errorf("haulmail %s: exit code %d", words, code)
	}
	return strings.Join(lines, "\n")
}

// Whoever mistypes a word is told the one that was most likely meant.
func TestMeant(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte(`
[account.personal]
server = "127.0.0.1:1"
tls = "none"
username = "me"
maildir = "/nowhere"
`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HAULMAIL_CONFIG", file)
	for words, meant := range map[string]string{
		// commands
		"fecth":         "did you mean: haulmail fetch",
		"lst":           "did you mean: haulmail list",
		"chekc":         "did you mean: haulmail check",
		"confg":         "did you mean: haulmail config",
		"lgoin":         "did you mean: haulmail login",
		"sene":          "did you mean: haulmail seen",
		"hlep":          "did you mean: haulmail help",
		"versoin":       "did you mean: haulmail version",
		"statsu":        "did you mean: haulmail status",
		"cta":           "did you mean: haulmail cat",
		"compeltion":    "did you mean: haulmail completion",
		"help fecth":    "did you mean: haulmail help fetch",
		"man":           "haulmail help --man | man -l -",
		"help man":      "haulmail help --man | man -l -",
		"init":          "haulmail help shows the commands, haulmail status the accounts",
		"list man":      "haulmail help shows the commands, haulmail status the accounts",
		"personal list": "a command comes first: haulmail list",
		// subcommands
		"seen lst":           "did you mean: haulmail seen list",
		"seen rtry":          "did you mean: haulmail seen retry",
		"seen verfy":         "did you mean: haulmail seen verify",
		"seen exprot":        "did you mean: haulmail seen export",
		"seen add --connect": "it belongs to: haulmail seen verify",
		"config shwo":        "did you mean: haulmail config show",
		"config pth":         "did you mean: haulmail config path",
		"config exampel":     "did you mean: haulmail config example",
		// flags
		"--dry-rnu":         "did you mean --dry-run?",
		"--dryrun":          "did you mean --dry-run?",
		"-dry-run":          "a long flag has two dashes: --dry-run",
		"--verbos":          "did you mean --verbose?",
		"--quite":           "did you mean --quiet?",
		"--confg x":         "did you mean --config?",
		"--state_dir x":     "did you mean --state-dir?",
		"list --jsno":       "did you mean --json?",
		"check --conect":    "did you mean --connect?",
		"list --connect":    "it belongs to: haulmail check and seen",
		"seen list --faild": "did you mean --failed?",
		"login --borwser":   "did you mean --browser?",
		// words of flags
		"--color alwys":   `did you mean "always"?`,
		"completion tcsh": "write bash, zsh or fish",
		"completion bsh":  "did you mean: haulmail completion bash",
		"help --mna":      "did you mean --man?",
		"--limt 3":        "did you mean --limit?",
		"--limit 0":       `write a number from 1 on, such as 100, or "none"`,
		"--limit -1":      `write a number from 1 on, such as 100, or "none"`,
		"--keep":          "haulmail help shows the flags",
		"list --print0":   "it belongs to: haulmail fetch",
		// accounts
		"persnal":             `did you mean "personal"?`,
		"fetch personl":       `did you mean "personal"?`,
		"list PERSONAL":       `did you mean "personal"?`,
		"config show persona": `did you mean "personal"?`,
	} {
		if got := refusal(t, words); !strings.HasSuffix(got, "\n"+meant) {
			t.Errorf("haulmail %s: %s", words, got)
		}
	}
}

// A mistyped word of a flag is answered as that of its key.
func TestMeantByFlags(t *testing.T) {
	for words, meant := range map[string]string{
		"--order newst":   `did you mean "newest"?`,
		"--tls startls":   `did you mean "starttls"?`,
		"--delete fetchd": `did you mean "fetched"?`,
		"--max-size noen": `did you mean "none"?`,
		"--since noen":    `did you mean "none"?`,
	} {
		if got := refusal(t, words+" --url pop://me@127.0.0.1:1 --maildir m"); !strings.Contains(got, meant) {
			t.Errorf("haulmail %s: %s", words, got)
		}
	}
}

// A mistyped key, or a mistyped word of a key, is answered with the right one: every key and every word there is.
func TestMeantInConfig(t *testing.T) {
	t.Setenv("HAULMAIL_CONFIG", "")
	file := filepath.Join(t.TempDir(), "config.toml")
	mistyped := func(word string) string { // two letters in the middle change places
		i := len(word) / 2
		for i > 1 && word[i] == word[i-1] {
			i--
		}
		return word[:i-1] + word[i:i+1] + word[i-1:i] + word[i+1:]
	}
	tell := func(table, line string) string {
		text := "[account.a]\nserver = \"h\"\nusername = \"u\"\nmaildir = \"/m\"\n"
		switch table {
		case config.TableAccount:
			text += line
		case config.TableOAuth:
			text += "[oauth.google]\nclient_id = \"1\"\n" + line
		default:
			text = line + "\n" + text
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return refusal(t, "check -c "+file)
	}
	for _, k := range config.Reference() {
		if len(k.Name) < 3 {
			continue // "ip" is too short to be guessed
		}
		if got, want := tell(k.Table, mistyped(k.Name)+" = "+k.Example), fmt.Sprintf("did you mean %q?", k.Name); !strings.Contains(got, want) {
			t.Errorf("%s for %s: %s", mistyped(k.Name), k.Name, got)
		}
		for _, w := range k.Words {
			if len(w) < 4 {
				continue
			}
			if got, want := tell(k.Table, fmt.Sprintf("%s = %q", k.Name, mistyped(w))), fmt.Sprintf("did you mean %q?", w); !strings.Contains(got, want) {
				t.Errorf("%s = %q for %q: %s", k.Name, mistyped(w), w, got)
			}
		}
	}
}
