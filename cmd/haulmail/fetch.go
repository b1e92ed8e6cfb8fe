package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
)

func fetchCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:        "fetch",
		Category:    categoryMail,
		Usage:       "download new mail (the default)",
		UsageText:   "haulmail [fetch] [flags] [ACCOUNT...]",
		Description: "Downloads the new mail of all accounts, or of those named. Off a terminal success is silent.\n\n" + formatHelp,
		Flags: slices.Concat([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done, change nothing"},
		}, selectionFlags(), []cli.Flag{formatFlag(), print0Flag()}, cronFlags(), oneOffFlags("delete on the server"), changeFlags()),
		Action: func(c *cli.Context) error {
			j, err := p.prepare(c, report.Summaries)
			if err != nil {
				return err
			}
			if err := j.readCron(c); err != nil {
				return err
			}
			if err := p.applySelection(c, j.accounts); err != nil {
				return err
			}
			j.options.DryRun = c.Bool("dry-run")
			j.options.Adopt = c.Bool("adopt")
			j.options.AcceptKey = c.Bool("accept-key")
			if err := j.readFormat(c); err != nil {
				return err
			}
			return j.run(c.Context)
		},
	}
}

// changeFlags gives the flags by which a person accepts that a server is not what it was.
func changeFlags() []cli.Flag {
	const group = "When a server has changed"
	return []cli.Flag{
		&cli.BoolFlag{Name: "adopt", Category: group, Usage: "go on although an account's server or user is another"},
		&cli.BoolFlag{Name: "accept-key", Category: group, Usage: "accept a server's new key (tls_trust = \"first-use\")"},
	}
}
