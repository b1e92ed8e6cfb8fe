package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// The groups of the commands, in the order of the help.
const (
	categoryMail  = "Mail"
	categorySetUp = "Set up"
	categoryState = "State"
	categoryOther = "Other"
)

var categories = []string{categoryMail, categorySetUp, categoryState, categoryOther}

// helpWidth is the width of every help text, in columns: what a terminal has at least.
const helpWidth = 80

// printHelp fills a template with an app or a command. It takes the place of urfave/cli's printer, which swallows errors.
func printHelp(w io.Writer, text string, of any) {
	t := template.New("help").Funcs(template.FuncMap{
		"commands": commandLines, "fewFlags": fewFlags, "flags": flagLines, "groups": flagGroups, "own": ownFlags, "common": sharedFlags,
		"wrap": func(text string) string { return wrapped(text, "") },
	})
	if err := template.Must(t.Parse(text)).Execute(w, of); err != nil {
		panic(err) // w is an Output, which never fails: only the template can be wrong
	}
}

// commandLines gives the commands that are not hidden, a group behind another.
func commandLines(app *cli.App) string {
	var lines strings.Builder
	for _, category := range categories {
		heading := category
		for _, c := range app.Commands {
			if c.Category == category && !c.Hidden {
				fmt.Fprintf(&lines, "%-9s %-10s  %s\n", heading, c.Name, c.Usage)
				heading = ""
			}
		}
	}
	return lines.String()
}

// fewFlags gives the flags that everybody should know besides the common ones: those of fetch that have no group of their own.
func fewFlags(app *cli.App) []cli.Flag {
	for _, g := range flagGroups(ownFlags(app.Command("fetch").Flags)) {
		if g.Heading == mainFlags {
			return g.Flags
		}
	}
	return nil
}

// flagGroup is a heading and the flags below it.
type flagGroup struct {
	Heading string
	Flags   []cli.Flag
}

// mainFlags is the heading of the flags that name no category.
const mainFlags = "Flags"

// flagGroups puts flags that can be shown into the groups that their categories name, in the order in which these occur.
func flagGroups(flags []cli.Flag) []flagGroup {
	var groups []flagGroup
	for _, f := range flags {
		if !isVisible(f) {
			continue
		}
		heading := mainFlags
		if c, ok := f.(cli.CategorizableFlag); ok && c.GetCategory() != "" {
			heading = c.GetCategory()
		}
		i := slices.IndexFunc(groups, func(g flagGroup) bool { return g.Heading == heading })
		if i < 0 {
			i = len(groups)
			groups = append(groups, flagGroup{Heading: heading})
		}
		groups[i].Flags = append(groups[i].Flags, f)
	}
	return groups
}

// flagLines gives "  -c, --config FILE    read the config from FILE  [$HAULMAIL_CONFIG]" for each flag that is not hidden.
func flagLines(flags []cli.Flag) string {
	const column = 21 // for the names; longer ones have a line of their own
	flags = slices.DeleteFunc(slices.Clone(flags), func(f cli.Flag) bool { return !isVisible(f) })
	indent := strings.Repeat(" ", column+4)
	var lines strings.Builder
	for _, f := range flags {
		names, usage := flagText(f)
		if len(names) > column {
			fmt.Fprintf(&lines, "  %s\n", names)
			names = ""
		}
		fmt.Fprintf(&lines, "  %-*s  %s\n", column, names, strings.TrimLeft(wrapped(usage, indent), " "))
	}
	return lines.String()
}

// flagText gives a flag's names, with what its value is, and what it does.
func flagText(f cli.Flag) (names, usage string) {
	d := f.(cli.DocGenerationFlag)
	for _, name := range f.Names() {
		if len(name) == 1 {
			names = "-" + name + ", " + names
		} else {
			names += "--" + name + ", "
		}
	}
	names = strings.TrimSuffix(names, ", ")
	if strings.HasPrefix(names, "--") {
		names = "    " + names
	}
	value, usage := valueOf(f)
	if value != "" {
		names += " " + value
	}
	if env := d.GetEnvVars(); len(env) > 0 {
		usage += "  [$" + env[0] + "]"
	}
	return names, usage
}

// valueOf gives what a flag's value is, "" for one that takes none, and what the flag does.
func valueOf(f cli.Flag) (value, usage string) {
	usage = f.(cli.DocGenerationFlag).GetUsage()
	parts := strings.Split(usage, "`")
	if len(parts) != 3 {
		return "", usage
	}
	value, usage = parts[1], strings.Join(parts, "")
	if words, ok := strings.CutSuffix(usage, ": "+value); ok { // "one|other": once is enough
		usage = words
	}
	return value, usage
}

// wrapped breaks text into lines of helpWidth, each behind indent. A line that begins with a blank stays as it is, an empty one ends a
// paragraph.
func wrapped(text, indent string) string {
	var lines []string
	line := ""
	end := func() {
		if line != "" {
			lines = append(lines, indent+line)
		}
		line = ""
	}
	for _, raw := range strings.Split(text, "\n") {
		if raw == "" || raw[0] == ' ' {
			end()
			lines = append(lines, raw)
			continue
		}
		for word := range strings.FieldsSeq(raw) {
			if line != "" && utf8.RuneCountInString(indent+line+" "+word) > helpWidth {
				end()
			}
			line = strings.TrimSpace(line + " " + word)
		}
	}
	end()
	return strings.Join(lines, "\n")
}

func isVisible(f cli.Flag) bool {
	v, ok := f.(cli.VisibleFlag)
	return !ok || v.IsVisible()
}

// ownFlags gives the flags that not every command has.
func ownFlags(flags []cli.Flag) []cli.Flag { return splitFlags(flags, false) }

// sharedFlags gives the flags that every command has.
func sharedFlags(flags []cli.Flag) []cli.Flag { return splitFlags(flags, true) }

func splitFlags(flags []cli.Flag, shared bool) []cli.Flag {
	names := flagNames(append(commonFlags(), helpFlag()))
	return slices.DeleteFunc(slices.Clone(flags), func(f cli.Flag) bool { return slices.Contains(names, f.Names()[0]) != shared })
}
