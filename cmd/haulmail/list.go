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
		Description: "Prints one line a message: account, number, size, age, what fetch would do with it and why, and its UID.\n" +
			"It decides as fetch does, and changes nothing. The age is that since the fetch; with --headers, that since the message reached the mailbox.\n" +
			"A terminal that is too narrow for all columns of --headers shows no reason and no UID.\n\n" + formatHelp,
		Flags: slices.Concat([]cli.Flag{
			&cli.BoolFlag{Name: "headers", Usage: "ask for each header (TOP): from, subject, age"}, formatFlag(),
		}, oneOffFlags("what a fetch would delete"), selectionFlags()),
		Action: func(c *cli.Context) error {
			j, err := p.prepare(c, report.Messages)
			if err != nil {
				return err
			}
			if err := p.applySelection(c, j.accounts); err != nil {
				return err
			}
			j.options.DryRun = true
			if err := j.readFormat(c); err != nil {
				return err
			}
			j.options.Headers = j.options.Headers || c.Bool("headers")
			return j.run(c.Context)
		},
	}
}
