package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/manual"
	"haulmail/cmd/haulmail/report"
	"haulmail/config/nearest"
)

// rootTemplate and commandTemplate are the help texts; a test holds them as people see them. layout.go has their functions.
const (
	rootTemplate = `haulmail — {{.Usage}}

Usage:  haulmail [fetch] [flags] [ACCOUNT...]
        haulmail COMMAND [flags] [ARGS]

{{commands .}}
Flags, before or after the command:
{{flags .Flags}}
Flag of fetch and seen:
{{flags (fewFlags .)}}
More flags of fetch:  haulmail help fetch
All of it:            haulmail help --man | man -l -

Files:
  the config is the file of -c or $HAULMAIL_CONFIG, or else
    $XDG_CONFIG_HOME/haulmail/config.toml, usually ~/.config/haulmail/…
  the state is in the folder of --state-dir, $HAULMAIL_STATE_DIR or the
  config's state_dir, or else in
    $XDG_STATE_HOME/haulmail/, usually ~/.local/state/haulmail/

Exit codes:
  0 all went well, new mail or none    70 a defect of haulmail
  64 the command line is wrong         73 a Maildir cannot be made
  65 damaged state, mail or import     74 a disk or pipe failed, or is full
  66 a file that cannot be read        75 a failure that may pass: try again
  68 a server's name does not exist    76 a server does not keep to POP3
  69 a server or its certificate is    77 a login was refused
     not to be had                     78 the config is wrong
  129, 130, 143 stopped by SIGHUP, SIGINT, SIGTERM

First time?  haulmail config example > config.toml  gives a commented config.
`
	commandTemplate = `haulmail {{.Name}} — {{.Usage}}

Usage:  {{.UsageText}}
{{with .Description}}
{{wrap .}}
{{end}}{{range groups (own .Flags)}}
{{.Heading}}:
{{flags .Flags}}{{end}}
Flags of every command:
{{flags (common .Flags)}}`
)

// readManual is the line that shows the manual.
const readManual = "haulmail help --man | man -l -"

func helpCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "help",
		Category:  categoryOther,
		Usage:     "show help on a command, or the manual",
		UsageText: "haulmail help [COMMAND]\n        haulmail help json\n        haulmail help --man [config]",
		Description: "help json prints the JSON Schema of the lines of --json. With --man, the manual page " +
			"haulmail(1), or with the word config haulmail.toml(5), to be shown by a viewer:\n\n" +
			"  haulmail help --man | man -l -",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "man", Usage: "print a manual page (mdoc)"}},
		Action: func(c *cli.Context) error {
			if err := noJSON(c, "help prints text"); err != nil {
				return err
			}
			switch topic := c.Args().First(); {
			case c.Bool("man"):
				return p.printManual(c.Args().Slice())
			case topic == "":
				return p.rootHelp(c)
			case topic == "json" && c.Args().Len() == 1:
				_, err := io.WriteString(p.out, report.Schema)
				return err
			default:
				return helpOn(c, topic)
			}
		},
	}
}

// printManual prints the manual page that words name.
func (p *program) printManual(words []string) error {
	page, err := manual.Config, error(nil)
	switch {
	case len(words) == 0:
		page, err = manual.Command(report.Schema)
	case len(words) > 1 || words[0] != "config":
		return &usageError{"there is no such manual page", "haulmail help --man, or haulmail help --man config"}
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.out, page)
	return err
}

// helpOn shows the help of a command. The word behind one that has subcommands may name one of these.
func helpOn(c *cli.Context, topic string) error {
	command := c.App.Command(topic)
	if command == nil {
		e := &usageError{fmt.Sprintf("no command %q to help with", topic), "haulmail help shows all commands"}
		if near := nearest.To(topic, commandNames(c.App)); topic == "man" {
			e.hint = readManual
		} else if near != "" {
			e.hint = fmt.Sprintf("did you mean: haulmail help %s", near)
		}
		return e
	}
	if words := c.Args().Tail(); len(words) > 1 || len(words) == 1 && !strings.Contains(command.UsageText, "haulmail "+topic+" "+words[0]) {
		return &usageError{"help takes one command", "haulmail help " + topic}
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
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}
