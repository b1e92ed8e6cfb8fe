package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"haulmail/config/nearest"
)

// The shells' own part of completion is small: it hands the line to the hidden command __complete, which knows commands, flags and
// accounts as every run does, and offers what that prints.

//go:embed completion/haulmail.bash
var bashCompletion string

//go:embed completion/haulmail.zsh
var zshCompletion string

//go:embed completion/haulmail.fish
var fishCompletion string

func completionCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Category:  categoryOther,
		Usage:     "print the completion for a shell",
		UsageText: "haulmail completion bash|zsh|fish",
		Description: "Completes commands, flags, their values and the names of the accounts in the config. To install it, for bash, zsh or fish:\n\n" +
			"  mkdir -p ~/.local/share/bash-completion/completions\n" +
			"  haulmail completion bash > ~/.local/share/bash-completion/completions/haulmail\n\n" +
			"  haulmail completion zsh > \"${fpath[1]}/_haulmail\"\n\n" +
			"  mkdir -p ~/.config/fish/completions\n" +
			"  haulmail completion fish > ~/.config/fish/completions/haulmail.fish\n\n" +
			"It counts from the next shell on. For bash without the package bash-completion, and where no folder of zsh's fpath is yours, have\n" +
			"the shell's start read it: source <(haulmail completion bash)",
		Action: func(c *cli.Context) error {
			scripts := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
			script, ok := scripts[c.Args().First()]
			if !ok || c.Args().Len() != 1 {
				e := &usageError{"completion needs the name of a shell", "haulmail completion bash, zsh or fish"}
				if c.Args().Len() == 1 {
					e.message, e.hint = fmt.Sprintf("no completion for %q", c.Args().First()), "write bash, zsh or fish"
				}
				if near := nearest.To(c.Args().First(), []string{"bash", "zsh", "fish"}); near != "" {
					e.hint = "did you mean: haulmail completion " + near
				}
				return e
			}
			if err := noJSON(c, "completion prints a script"); err != nil {
				return err
			}
			_, err := io.WriteString(p.out, script)
			return err
		},
	}
}

// completeCommand is what the shells' completions call: haulmail __complete -- SHELL LINE [REPLACED], LINE up to the cursor, and what of it
// bash will replace. It prints "words", "files" or "folders", and for words each on a line of its own, for bash as it is to be put into
// the line, else with its meaning behind a tab. It never fails, asks nobody, and reads nothing but the config.
func completeCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:   "__complete",
		Hidden: true,
		Action: func(c *cli.Context) error {
			line := splitLine(c.Args().Get(1))
			may := completer{app: c.App, accounts: accountsForCompletion}.complete(line.words)
			fmt.Fprintln(p.out, may.kind)
			for _, w := range may.words {
				switch c.Args().Get(0) {
				case "bash":
					fmt.Fprintln(p.out, line.replacement(may.prefix+w.text, c.Args().Get(2)))
				case "fish":
					fmt.Fprintf(p.out, "%s\t%s\n", may.prefix+w.text, w.about)
				default:
					fmt.Fprintf(p.out, "%s\t%s\n", w.text, w.about)
				}
			}
			return nil
		},
	}
}

// shellLine is the beginning of a line as it was typed into a shell.
type shellLine struct {
	words []string // what they mean; the last one is where the cursor is, and may be ""
	last  string   // the last one as it was typed
}

// splitLine splits what was typed at blanks, as shells do, and takes quotes and backslashes away. Nothing is expanded: who completes does
// not want a command in the line to run.
func splitLine(text string) shellLine {
	var line shellLine
	text = strings.TrimLeft(text, " \t")
	for start := 0; ; {
		value, length, _ := readWord(text[start:])
		line.words = append(line.words, value)
		if start += length; start == len(text) {
			line.last = text[start-length:]
			return line
		}
		start += len(text[start:]) - len(strings.TrimLeft(text[start:], " \t"))
	}
}

// readWord reads a word up to a blank that is not quoted. quote is the quotation mark that is open at its end, or 0.
func readWord(text string) (value string, length int, quote byte) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote == '\'' && c != quote, quote == '"' && c != quote && c != '\\':
			b.WriteByte(c)
		case c == quote:
			quote = 0
		case c == '\\':
			if i++; i < len(text) {
				b.WriteByte(text[i])
			}
		case c == '\'', c == '"':
			quote = c
		case c == ' ', c == '\t':
			return b.String(), i, 0
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), len(text), quote
}

// needsQuotes says whether a shell may not take r as it is.
func needsQuotes(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+@%:,", r)
}

// replacement gives what bash is to put in place of replaced, the end of the line, so that the last word means word. bash replaces from a
// character of its own choice on: "=", "@" and ":" end a word for it, and an open quotation mark stays.
func (l shellLine) replacement(word, replaced string) string {
	kept, _, quote := readWord(strings.TrimSuffix(l.last, replaced))
	rest, ok := strings.CutPrefix(word, kept)
	if !ok {
		return "" // bash has another line than we have
	}
	var b strings.Builder
	for _, r := range rest {
		if quote == 0 && needsQuotes(r) || quote == '"' && strings.ContainsRune("\"\\$`", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
