package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"haulmail/config/nearest"
)

// commandLine is argv sorted out. urfave/cli stops to look for flags at the first word, so that "haulmail fetch work -n" would be
// a real run: argv is therefore read here, once, and handed on in the one order that it reads rightly, with each flag in its
// long form.
type commandLine struct {
	command string            // "" is the root: its help, or nothing was asked for
	named   bool              // the command stands in argv; otherwise it is the default one
	argv    []string          // program, command, --flag=value…, "--", words…
	written map[string]string // the flags as they were written, by their long form: "-n", "--limit"
}

// asWritten gives a flag as it stands in argv, for errors.
func (l commandLine) asWritten(name string) string { return cmp.Or(l.written[name], "--"+name) }

// value gives the last value of a flag that takes one.
func (l commandLine) value(name string) (value string, given bool) {
	for _, word := range l.argv {
		if word == "--" {
			break
		}
		if v, ok := strings.CutPrefix(word, "--"+name+"="); ok {
			value, given = v, true
		}
	}
	return value, given
}

// argReader reads argv by the flags and commands of an app.
type argReader struct {
	app   *cli.App
	line  commandLine
	flags []flagUse
	words []string
}

// flagUse is a flag as it was written.
type flagUse struct {
	flag    cli.Flag
	written string // "-n", "--dry-run": for errors
	value   string // "=FILE" or ""
}

// parseArgs sorts argv out. Every error is a *usageError.
func parseArgs(app *cli.App, argv []string) (commandLine, error) {
	p := &argReader{app: app}
	if err := p.read(argv[1:]); err != nil {
		return commandLine{}, err
	}
	if err := p.belong(); err != nil {
		return commandLine{}, err
	}
	p.line.argv = append(p.line.argv, argv[0])
	if p.line.command != "" {
		p.line.argv = append(p.line.argv, p.line.command)
	}
	p.line.written = map[string]string{}
	for _, use := range p.flags {
		name := use.flag.Names()[0]
		p.line.argv = append(p.line.argv, "--"+name+use.value)
		p.line.written[name] = use.written
	}
	if p.line.command != "" {
		p.line.argv = append(append(p.line.argv, "--"), p.words...)
	}
	return p.line, nil
}

func (p *argReader) read(args []string) error {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		var err error
		switch {
		case arg == "--":
			p.words = append(p.words, args...)
			args = nil
		case strings.HasPrefix(arg, "--"):
			args, err = p.long(arg, args)
		case strings.HasPrefix(arg, "-") && arg != "-":
			args, err = p.short(arg, args)
		case !p.line.named && len(p.words) == 0 && p.app.Command(arg) != nil:
			p.line.command, p.line.named = p.app.Command(arg).Name, true
		default:
			p.words = append(p.words, arg)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// long reads --name, --name=value or --name value; it gives what is left of the arguments.
func (p *argReader) long(arg string, rest []string) ([]string, error) {
	name, value, given := strings.Cut(arg[2:], "=")
	f := p.find(name)
	if f == nil || len(name) == 1 {
		return nil, p.unknown("--" + name)
	}
	use := flagUse{flag: f, written: "--" + name}
	if !takesValue(f) {
		if given && value != "true" && value != "false" {
			return nil, &usageError{fmt.Sprintf("%s takes no value but true or false", use.written), ""}
		}
		if given {
			use.value = "=" + value
		}
		p.flags = append(p.flags, use)
		return rest, nil
	}
	return p.valued(use, value, given, rest)
}

// short reads -n, -vn, -j4, -j 4, -j=4; it gives what is left of the arguments.
func (p *argReader) short(arg string, rest []string) ([]string, error) {
	if name, _, _ := strings.Cut(arg[1:], "="); len(name) > 1 && p.find(name) != nil {
		return nil, &usageError{fmt.Sprintf("unknown flag %q", arg), fmt.Sprintf("a long flag has two dashes: -%s", arg)}
	}
	for letters := arg[1:]; letters != ""; {
		letter := string([]rune(letters)[:1])
		letters = letters[len(letter):]
		f := p.find(letter)
		if f == nil {
			return nil, p.unknown("-" + letter)
		}
		use := flagUse{flag: f, written: "-" + letter}
		if takesValue(f) {
			return p.valued(use, strings.TrimPrefix(letters, "="), letters != "", rest)
		}
		if strings.HasPrefix(letters, "=") {
			return nil, &usageError{use.written + " takes no value", ""}
		}
		p.flags = append(p.flags, use)
	}
	return rest, nil
}

// valued completes a flag that takes a value. A value of its own that looks like a flag is refused: it was meant as one.
func (p *argReader) valued(use flagUse, value string, given bool, rest []string) ([]string, error) {
	if !given && len(rest) > 0 {
		value, rest = rest[0], rest[1:]
		if looksLikeFlag(value) {
			long := use.written
			if !strings.HasPrefix(long, "--") {
				long = "--" + use.flag.Names()[0]
			}
			return nil, &usageError{
				fmt.Sprintf("%s needs a value, not the flag %q", use.written, value),
				fmt.Sprintf("a value that begins with a dash is written %s=%s", long, value),
			}
		}
	}
	if value == "" {
		what, usage := valueOf(use.flag)
		return nil, &usageError{fmt.Sprintf("%s needs a value: %s", use.written, what), fmt.Sprintf("%s %s: %s", use.written, what, usage)}
	}
	if name := use.flag.Names()[0]; slices.Contains(once, name) && p.has(name) {
		return nil, &usageError{use.written + " stands there twice", "leave one of them out"}
	}
	use.value = "=" + value
	p.flags = append(p.flags, use)
	return rest, nil
}

// once are the flags that say where things are. To take the last one, as of other flags, could bring mail to the wrong place.
var once = []string{"config", "state-dir", "url", "maildir"}

// looksLikeFlag says whether a word is a flag rather than a value: "-" is standard input, and "-1" a number.
func looksLikeFlag(word string) bool {
	return len(word) > 1 && word[0] == '-' && (word[1] < '1' || word[1] > '9')
}

// belong settles the command and refuses the flags that it does not have.
func (p *argReader) belong() error {
	switch {
	case p.has("version"):
		p.line.command, p.words = "version", nil
		p.flags = slices.DeleteFunc(p.flags, func(u flagUse) bool { return u.flag.Names()[0] != "json" }) // is refused
		return nil
	case p.line.command == "" && p.has("help"):
		p.flags = slices.DeleteFunc(p.flags, func(u flagUse) bool { return u.flag.Names()[0] != "help" })
		return nil
	case p.line.command == "":
		p.line.command = "fetch"
	}
	if p.has("help") {
		p.words = nil // urfave/cli would look for help on them
	}
	own := p.app.Command(p.line.command).Flags
	for _, use := range p.flags {
		if !slices.Contains(flagNames(own), use.flag.Names()[0]) {
			return p.stranger(use)
		}
	}
	return nil
}

func (p *argReader) has(name string) bool {
	return slices.ContainsFunc(p.flags, func(u flagUse) bool { return u.flag.Names()[0] == name })
}

// stranger is the error of a flag that only other commands have.
func (p *argReader) stranger(use flagUse) error {
	var owners []string
	for _, c := range p.app.Commands {
		if slices.Contains(flagNames(c.Flags), use.flag.Names()[0]) {
			owners = append(owners, c.Name)
		}
	}
	if owners == nil {
		return p.unknown(use.written)
	}
	return &usageError{fmt.Sprintf("%s is not a flag of %s", use.written, p.line.command), "it belongs to: haulmail " + listOf(owners, "and")}
}

// find gives the flag of that name, of the root or of any command.
func (p *argReader) find(name string) cli.Flag {
	for _, f := range p.all() {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func (p *argReader) all() []cli.Flag {
	flags := slices.Clone(p.app.Flags)
	for _, c := range p.app.Commands {
		flags = append(flags, c.Flags...)
	}
	return flags
}

func (p *argReader) unknown(written string) error {
	e := &usageError{fmt.Sprintf("unknown flag %q", written), "haulmail help shows the flags"}
	shown := slices.DeleteFunc(p.all(), func(f cli.Flag) bool { return !isVisible(f) })
	if near := nearest.To(strings.TrimLeft(written, "-"), flagNames(shown)); near != "" && len(written) > 2 {
		e.hint = fmt.Sprintf("did you mean --%s?", near)
	}
	return e
}

func flagNames(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		names = append(names, f.Names()...)
	}
	return names
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}
