package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
	"haulmail/fetch"
)

func checkCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "check",
		Category:  categorySetUp,
		Usage:     "check the config; with --connect, the servers too",
		UsageText: "haulmail check [--connect] [flags] [ACCOUNT...]",
		Description: "Reads the whole config and the files that it names, and tells every mistake. With --connect it also logs in to the " +
			"accounts, and out again, and tells what their servers show and offer.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "connect", Usage: "resolve the servers, connect, log in"},
		}, oneOffFlags("checked, nothing is deleted")...),
		Action: func(c *cli.Context) error {
			j, err := p.prepare(c, report.Connections)
			if err != nil {
				return err
			}
			if !c.Bool("connect") {
				if err := j.checkFiles(c.Context); err != nil {
					return err
				}
				p.tellChecked(j)
				return nil
			}
			if j.options.OneOff == nil {
				p.tellChecked(j)
			}
			j.engine = fetch.Check
			return j.run(c.Context)
		},
	}
}

// checkFiles reads the files that the config names, and tells what is wrong with them.
func (j *job) checkFiles(ctx context.Context) error {
	j.options.Password = j.secrets(nil).password
	results := fetch.CheckFiles(ctx, j.accounts, j.options)
	code := resultsCode(results, fetch.Patience{}, context.Cause(ctx))
	if code == exitOK {
		return nil
	}
	r := report.New(j.reportOptions())
	for _, result := range results {
		if result.Err != nil {
			r.Event(fetch.Done{Result: result})
		}
	}
	r.Finish(results, code)
	return &toldError{code: code}
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
