package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
)

func listCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "list",
		Category:  categoryMail,
		Usage:     "show what is on the server and what fetch would do",
		UsageText: "haulmail list [flags] [ACCOUNT...]",
		Description: "Prints one line a message: account, number, size, what fetch would do with it and why, and its UID.\n" +
			"It decides as fetch does, and changes nothing.\n\n" + formatHelp,
		Flags: slices.Concat([]cli.Flag{formatFlag()}, oneOffFlags(), selectionFlags()),
		Action: func(c *cli.Context) error {
			j, err := p.prepare(c, report.Messages)
			if err != nil {
				return err
			}
			if err := p.inJSON(c, applySelection(c, j.accounts)); err != nil {
				return err
			}
			j.options.DryRun = true
			if err := j.readFormat(c); err != nil {
				return p.inJSON(c, err)
			}
			return j.run(c.Context)
		},
	}
}
