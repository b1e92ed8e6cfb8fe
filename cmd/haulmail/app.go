package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
	"haulmail/config"
)

// program is what the actions of one run share.
type program struct {
	out    *report.Output
	line   commandLine
	colors report.Colors // of standard error
}

// execute does what argv asks for.
func (p *program) execute(ctx context.Context, argv []string) error {
	app := newApp(p)
	app.Setup() // gives every command its help flag, before argv is read by its flags
	var err error
	if p.line, err = parseArgs(app, argv); err == nil {
		err = p.chooseColors()
	}
	if err == nil {
		err = app.RunContext(ctx, p.line.argv)
	}
	if asksForJSON(argv) {
		p.tellInJSON(err)
	}
	return err
}

// asksForJSON looks for --json in a command line that may be wrong elsewhere.
func asksForJSON(argv []string) bool {
	if i := slices.Index(argv, "--"); i >= 0 {
		argv = argv[:i]
	}
	return slices.Contains(argv, "--json") || slices.Contains(argv, "--json=true")
}

// newApp gives the commands and flags of haulmail. urfave/cli is told to print nothing and to exit nowhere by itself.
func newApp(p *program) *cli.App {
	cli.HelpPrinter = printHelp
	app := &cli.App{
		Name:                      "haulmail",
		Usage:                     "download mail from POP3 servers into Maildirs, once, safely",
		Writer:                    p.out,
		Flags:                     append(commonFlags(), versionFlag(), helpFlag()),
		HideHelp:                  true,
		HideHelpCommand:           true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		OnUsageError:              refuse,
		ExitErrHandler:            func(*cli.Context, error) {},
		CustomAppHelpTemplate:     rootTemplate,
		Action:                    p.rootHelp,
		Commands: []*cli.Command{
			fetchCommand(p), listCommand(p), catCommand(p), checkCommand(p), loginCommand(p), configCommand(p), statusCommand(p), seenCommand(p),
			completionCommand(p), versionCommand(p), helpCommand(p), completeCommand(p),
		},
	}
	for _, c := range app.Commands {
		c.Flags = append(append(c.Flags, commonFlags()...), helpFlag())
		c.HideHelp = true
		c.HideHelpCommand = true // it would shadow an account named help
		c.OnUsageError = refuse  // not inherited
		c.CustomHelpTemplate = commandTemplate
		c.Action = profiled(c.Action)
	}
	return app
}

// commonFlags gives the flags that work before and after every command.
func commonFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "read the config from `FILE`", EnvVars: []string{"HAULMAIL_CONFIG"}},
		&cli.StringFlag{Name: "state-dir", Usage: "keep the state in `DIR`", EnvVars: []string{"HAULMAIL_STATE_DIR"}},
		&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "haul `N` accounts at the same time"},
		&cli.StringFlag{Name: "wait", Usage: "wait up to `TIME` for a run that holds an account"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "errors only, and what was asked for"},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "say more; -vv shows the dialogue", Count: new(int)},
		&cli.StringFlag{Name: "color", Usage: "color errors and hints: `auto|always|never`", DefaultText: "auto"},
		&cli.BoolFlag{Name: "json", Usage: "one JSON object a line on standard output"},
	}, profileFlags()...)
}

func versionFlag() cli.Flag {
	return &cli.BoolFlag{Name: "version", Aliases: []string{"V"}, Usage: "show the version"}
}

func helpFlag() cli.Flag {
	return &cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "show help"}
}

// refuse makes a usage error of what urfave/cli could not read: a number that is none. parseArgs has refused everything else.
func refuse(_ *cli.Context, err error, _ bool) error {
	message := strings.TrimSuffix(strings.TrimSuffix(err.Error(), ": parse error"), ": value out of range")
	return &usageError{strings.Replace(message, " for flag -", " for --", 1), "haulmail help shows the flags"}
}

// settings are the common flags as they were given.
type settings struct {
	config   string // "" is the usual place
	stateDir string // "" is the config's, or the usual place
	jobs     int    // 0 is the config's
	wait     time.Duration
	quiet    bool
	verbose  int
	json     bool
}

func readSettings(c *cli.Context) (settings, error) {
	s := settings{
		config:   c.String("config"),
		stateDir: c.String("state-dir"),
		jobs:     c.Int("jobs"),
		quiet:    c.Bool("quiet"),
		verbose:  c.Count("verbose"),
		json:     c.Bool("json"),
	}
	if c.IsSet("jobs") && (s.jobs < 1 || s.jobs > config.MaxJobs) {
		return s, &usageError{fmt.Sprintf("--jobs is a number from 1 to %d", config.MaxJobs), ""}
	}
	var err error
	if s.wait, err = timeFlag(c, "wait"); err != nil {
		return s, err
	}
	if s.quiet && s.verbose > 0 {
		return s, &usageError{"--quiet and --verbose together", "leave one of them out"}
	}
	return s, nil
}

// timeFlag gives the time that a flag was given, 0 for none.
func timeFlag(c *cli.Context, name string) (time.Duration, error) {
	if !c.IsSet(name) {
		return 0, nil
	}
	d, err := config.ParseDuration(c.String(name))
	if err != nil {
		return 0, &usageError{fmt.Sprintf("--%s %v", name, err), "write a number and its unit, such as 30s or 2m"}
	}
	return time.Duration(d), nil
}

// noJSON refuses --json where what is printed has a form of its own.
func noJSON(c *cli.Context, what string) error {
	if c.Bool("json") {
		return &usageError{what + ", not JSON", "leave --json out"}
	}
	return nil
}

// noWords refuses words after a command that takes none.
func noWords(c *cli.Context) error {
	if c.Args().Present() {
		return &usageError{c.Command.Name + " takes no arguments", "haulmail help " + c.Command.Name}
	}
	return nil
}
