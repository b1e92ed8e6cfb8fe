package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completer knows what may be typed next. It has no table of its own: flags and commands are the app's, the words behind a command are
// those of its usage line, and the values of a flag stand in its usage text: "FILE", "DIR", or "one|other".
type completer struct {
	app      *cli.App
	accounts func(config string) []string // of a config file, of the usual one for ""
}

// completion is what may stand at the cursor.
type completion struct {
	kind   string // "words", "files" or "folders"
	prefix string // of the word at the cursor, that stays as it is: "--tls="
	words  []candidate
}

type candidate struct{ text, about string }

// typedLine is what stands in front of the cursor, as far as it matters.
type typedLine struct {
	command *cli.Command // nil as long as none was named
	words   []string     // the others that are no flags
	pending cli.Flag     // the flag whose value comes next, or nil
	config  string
	oneOff  bool
	ended   bool // by "--": no flags follow
}

// complete gives what may take the place of the last word of a line, the first being the program.
func (m completer) complete(words []string) completion {
	if len(words) < 2 {
		return completion{kind: "words"}
	}
	before, current := words[1:len(words)-1], words[len(words)-1]
	line := m.read(before)
	name, _, valued := strings.Cut(current, "=")
	var may completion
	switch flag := m.find(strings.TrimPrefix(name, "--")); {
	case line.pending != nil:
		may = valuesOf(line.pending)
	case valued && !line.ended && strings.HasPrefix(name, "--") && flag != nil:
		may = valuesOf(flag)
		may.prefix = name + "="
	case strings.HasPrefix(current, "-") && !line.ended:
		may = completion{kind: "words", words: m.flags(line.command)}
	default:
		may = m.positional(line)
	}
	may.words = slices.DeleteFunc(may.words, func(c candidate) bool { return !strings.HasPrefix(may.prefix+c.text, current) })
	return may
}

// read reads what was typed as parseArgs does, but takes mistakes for what they may become.
func (m completer) read(words []string) typedLine {
	var line typedLine
	for _, word := range words {
		switch {
		case line.pending != nil:
			line.note(line.pending, word)
			line.pending = nil
		case line.ended:
			line.words = append(line.words, word)
		case word == "--":
			line.ended = true
		case strings.HasPrefix(word, "--"):
			name, value, given := strings.Cut(word[2:], "=")
			line.flag(m.find(name), value, given)
		case strings.HasPrefix(word, "-") && len(word) > 1:
			m.short(&line, word[1:])
		case line.command == nil && len(line.words) == 0 && m.app.Command(word) != nil:
			line.command = m.app.Command(word)
		default:
			line.words = append(line.words, word)
		}
	}
	return line
}

// short reads -n, -vn, -cFILE.
func (m completer) short(line *typedLine, letters string) {
	for i, letter := range letters {
		f := m.find(string(letter))
		if value := letters[i+len(string(letter)):]; f != nil && takesValue(f) {
			line.flag(f, strings.TrimPrefix(value, "="), value != "")
			return
		}
	}
}

// flag notes a flag, with its value if that was given in the same word.
func (l *typedLine) flag(f cli.Flag, value string, given bool) {
	switch {
	case f == nil || !takesValue(f):
	case given:
		l.note(f, value)
	default:
		l.pending = f
	}
}

func (l *typedLine) note(f cli.Flag, value string) {
	switch f.Names()[0] {
	case "config":
		l.config = value
	case "url":
		l.oneOff = true
	}
}

func (m completer) find(name string) cli.Flag { return (&argReader{app: m.app}).find(name) }

// flags gives the flags of a command, those of the default one for none.
func (m completer) flags(command *cli.Command) []candidate {
	all := m.app.Flags
	if command == nil {
		all = slices.Concat(all, ownFlags(m.app.Command("fetch").Flags))
	} else {
		all = command.Flags
	}
	var found []candidate
	for _, f := range all {
		if isVisible(f) {
			found = append(found, candidate{"--" + f.Names()[0], strings.ReplaceAll(f.(cli.DocGenerationFlag).GetUsage(), "`", "")})
		}
	}
	return found
}

// valuesOf gives what a flag takes, as its usage text has it.
func valuesOf(f cli.Flag) completion {
	switch kind := placeholder(f); {
	case kind == "FILE":
		return completion{kind: "files"}
	case kind == "DIR":
		return completion{kind: "folders"}
	case strings.Contains(kind, "|"):
		may := completion{kind: "words"}
		for value := range strings.SplitSeq(kind, "|") {
			may.words = append(may.words, candidate{value, ""})
		}
		return may
	}
	return completion{kind: "words"}
}

// placeholder gives what stands between the backquotes of a flag's usage text.
func placeholder(f cli.Flag) string {
	if parts := strings.Split(f.(cli.DocGenerationFlag).GetUsage(), "`"); len(parts) == 3 {
		return parts[1]
	}
	return ""
}

// positional gives what, other than flags, may come next.
func (m completer) positional(line typedLine) completion {
	command, found := line.command, []candidate(nil)
	if command == nil {
		command = m.app.Command("fetch")
		if len(line.words) == 0 {
			found = m.commands()
		}
	}
	for usage := range strings.SplitSeq(command.UsageText, "\n") {
		for _, kind := range nextSlot(slots(usage), line.words) {
			if kind == "FILE" {
				return completion{kind: "files"}
			}
			found = append(found, m.fill(kind, line)...)
		}
	}
	return completion{kind: "words", words: distinct(found)}
}

// fill gives the words for one alternative of a usage line.
func (m completer) fill(kind string, line typedLine) []candidate {
	switch {
	case kind == "COMMAND":
		return m.commands()
	case kind == "ACCOUNT" && !line.oneOff:
		var found []candidate
		for _, name := range m.accounts(line.config) {
			if !slices.Contains(line.words, name) {
				found = append(found, candidate{name, "account"})
			}
		}
		return found
	case kind == strings.ToLower(kind):
		return []candidate{{kind, ""}}
	}
	return nil
}

func (m completer) commands() []candidate {
	var found []candidate
	for _, c := range m.app.Commands {
		if !c.Hidden {
			found = append(found, candidate{c.Name, c.Usage})
		}
	}
	return found
}

// distinct leaves out the words that stand there already: usage lines share their beginnings.
func distinct(all []candidate) []candidate {
	var found []candidate
	for _, c := range all {
		if !slices.ContainsFunc(found, func(f candidate) bool { return f.text == c.text }) {
			found = append(found, c)
		}
	}
	return found
}

// slot is one place of a usage line: its alternatives, in lower case as they are typed, in upper case for something else.
type slot struct {
	kinds   []string
	repeats bool
}

var usageWord = regexp.MustCompile(`\[[^\]]*\]|\S+`)

// slots reads what stands behind the command in a usage line: "haulmail seen list [--failed] [flags] [ACCOUNT...]". Flags are no slots.
func slots(usage string) []slot {
	var found []slot
	for i, word := range usageWord.FindAllString(usage, -1) {
		inner := strings.Trim(word, "[]")
		if i < 2 || strings.HasPrefix(inner, "-") || inner == "flags" {
			continue // the program, the command
		}
		inner, repeats := strings.CutSuffix(inner, "...")
		found = append(found, slot{strings.Split(strings.ReplaceAll(inner, " ", ""), "|"), repeats})
	}
	return found
}

// nextSlot gives the alternatives of the slot that follows words, none where the words are not of that usage.
func nextSlot(slots []slot, words []string) []string {
	for _, word := range words {
		if len(slots) == 0 {
			return nil
		}
		literal := slices.ContainsFunc(slots[0].kinds, func(k string) bool { return k == strings.ToLower(k) })
		if literal && !slices.Contains(slots[0].kinds, word) {
			return nil
		}
		if !slots[0].repeats {
			slots = slots[1:]
		}
	}
	if len(slots) == 0 {
		return nil
	}
	return slots[0].kinds
}

// accountsForCompletion gives the names of the accounts in a config file as it stands in a line, "~" and all; none of one that has a
// mistake. Only a plain file is opened: a pipe would have us wait.
func accountsForCompletion(path string) []string {
	home := findHome()
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		path = filepath.Join(home, rest)
	}
	path = cmp.Or(path, os.Getenv("HAULMAIL_CONFIG"))
	if path == "" {
		path, _ = usualConfig(home)
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	cfg, err := loadConfig(context.Background(), settings{config: path}, home)
	if err != nil {
		return nil
	}
	return cfg.Names()
}
