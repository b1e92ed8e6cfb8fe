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
			&cli.BoolFlag{Name: "adopt", Category: "When a server has changed", Usage: "go on although the server or user of an account has changed"},
			&cli.BoolFlag{Name: "accept-key", Category: "When a server has changed", Usage: "accept the new key of a server with tls_trust = \"first-use\""},
			formatFlag(),
			print0Flag(),
		}, cronFlags(), oneOffFlags(), selectionFlags()),
		Action: func(c *cli.Context) error {
			j, err := p.prepare(c, report.Summaries)
			if err != nil {
				return err
			}
			if err := j.readCron(c); err != nil {
				return p.inJSON(c, err)
			}
			if err := p.inJSON(c, applySelection(c, j.accounts)); err != nil {
				return err
			}
			j.options.DryRun = c.Bool("dry-run")
			j.options.Adopt = c.Bool("adopt")
			j.options.AcceptKey = c.Bool("accept-key")
			if err := j.readFormat(c); err != nil {
				return p.inJSON(c, err)
			}
			return j.run(c.Context)
		},
	}
}
