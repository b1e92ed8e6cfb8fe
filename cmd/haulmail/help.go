package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

	"github.com/urfave/cli/v2"

	"haulmail/config"
)

// rootTemplate and commandTemplate are the help texts; a test holds them as people see them.
const (
	rootTemplate = `haulmail — {{.Usage}}

Usage:  haulmail [fetch] [flags] [ACCOUNT...]
        haulmail COMMAND [flags] [ARGS]

Commands:
{{range .Commands}}{{printf "  %-9s %s" .Name .Usage}}
{{end}}
Flags, before or after the command:
{{flags .Flags}}
Flags of fetch:
{{flags (own (index .Commands 0).Flags)}}
Files:
  the config, unless -c or $HAULMAIL_CONFIG names another:
    $XDG_CONFIG_HOME/haulmail/config.toml, usually ~/.config/haulmail/config.toml
  the state, unless --state-dir, $HAULMAIL_STATE_DIR or the config's state_dir (in this order) names another folder:
    $XDG_STATE_HOME/haulmail/, usually ~/.local/state/haulmail/

Exit codes:
  0 all went well, new mail or none    70 a defect of haulmail
  64 the command line is wrong         73 a Maildir cannot be made
  65 damaged state or mail             74 a disk or pipe failed, or is full
  66 no config file that can be read   75 a failure that may pass: try again
  68 a server's name does not exist    76 a server does not keep to POP3
  69 a server or its certificate is    77 a login was refused
     not to be had                     78 the config is wrong

First time?  haulmail help config > config.toml  gives a commented config to start from.
`
	commandTemplate = `haulmail {{.Name}} — {{.Usage}}

Usage:  {{.UsageText}}
{{with .Description}}
{{.}}
{{end}}{{with own .Flags}}
Flags:
{{flags .}}{{end}}
Flags of every command:
{{flags (common .Flags)}}`
)

func helpCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     `show help on a command; "help config" prints a sample config`,
		UsageText: "haulmail help [COMMAND | config]",
		Action: func(c *cli.Context) error {
			switch topic := c.Args().First(); {
			case c.Args().Len() > 1:
				return &usageError{"help takes one command", ""}
			case topic == "":
				return p.rootHelp(c)
			case topic == "config":
				_, err := io.WriteString(p.out, config.Example())
				return err
			default:
				return helpOn(c, topic)
			}
		},
	}
}

func helpOn(c *cli.Context, topic string) error {
	command := c.App.Command(topic)
	if command == nil {
		e := &usageError{fmt.Sprintf("no command %q to help with", topic), "haulmail help shows all commands"}
		if near := nearest(topic, commandNames(c.App)); near != "" {
			e.hint = fmt.Sprintf("did you mean %q?", near)
		}
		return e
	}
	printHelp(c.App.Writer, commandTemplate, command)
	return nil
}

func (p *program) rootHelp(c *cli.Context) error {
	printHelp(c.App.Writer, rootTemplate, c.App)
	return nil
}

func commandNames(app *cli.App) []string {
	var names []string
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	return names
}

// printHelp fills a template with an app or a command. It takes the place of urfave/cli's printer, which swallows errors.
func printHelp(w io.Writer, text string, of any) {
	t := template.New("help").Funcs(template.FuncMap{"flags": flagLines, "own": ownFlags, "common": sharedFlags})
	if err := template.Must(t.Parse(text)).Execute(w, of); err != nil {
		panic(err) // w is an Output, which never fails: only the template can be wrong
	}
}

// flagLines gives "  -c, --config FILE    read the config from FILE  [$HAULMAIL_CONFIG]" for each flag that is not hidden.
func flagLines(flags []cli.Flag) string {
	var lines strings.Builder
	for _, f := range flags {
		if !isVisible(f) {
			continue
		}
		d := f.(cli.DocGenerationFlag)
		names := "    --" + f.Names()[0]
		if len(f.Names()) > 1 {
			names = "-" + f.Names()[1] + ", --" + f.Names()[0]
		}
		usage := d.GetUsage()
		if parts := strings.Split(usage, "`"); len(parts) == 3 {
			names += " " + parts[1]
			usage = strings.Join(parts, "")
		}
		if env := d.GetEnvVars(); len(env) > 0 {
			usage += "  [$" + env[0] + "]"
		}
		fmt.Fprintf(&lines, "  %-20s %s\n", names, usage)
	}
	return lines.String()
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
