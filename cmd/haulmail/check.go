package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
	"haulmail/fetch"
)

func checkCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:        "check",
		Usage:       "check the config; with --connect, the servers too",
		UsageText:   "haulmail check [--connect] [flags] [ACCOUNT...]",
		Description: "Reads the whole config and tells every mistake. With --connect it also logs in to the accounts, and out again.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "connect", Usage: "resolve the servers, connect, log in"}},
		Action: func(c *cli.Context) error {
			j, err := p.prepare(c, report.Connections)
			if err != nil {
				return err
			}
			p.tellChecked(j)
			if !c.Bool("connect") {
				return nil
			}
			j.engine = fetch.Check
			return j.run(c.Context)
		},
	}
}

// tellChecked answers whoever asked whether the config is right.
func (p *program) tellChecked(j *job) {
	n := len(j.config.Accounts)
	switch {
	case j.settings.json:
		report.CheckedJSON(p.out, j.config.File, n)
	case j.settings.quiet:
	case n == 1:
		fmt.Fprintf(p.out, "%s: 1 account, no errors\n", report.Escape(j.config.File))
	default:
		fmt.Fprintf(p.out, "%s: %d accounts, no errors\n", report.Escape(j.config.File), n)
	}
	_ = p.out.Flush() // before passwords are asked for and errors told; Output remembers its failure
}
