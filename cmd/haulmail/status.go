package main

import (
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
	"haulmail/fetch"
)

func statusCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "status",
		Category:  categoryMail,
		Usage:     "show how the last runs ended, and what runs now",
		UsageText: "haulmail status [--check] [flags] [ACCOUNT...]",
		Description: "Prints one line an account: when it was run last and how that ended, when mail was fetched or deleted last and how " +
			"much, how many messages the state knows, how many failed; below it, what is wrong and since when. It asks no server, " +
			"waits for no run and changes nothing.\n\n" +
			"Telling it is a success whatever it tells. With --check it exits as the last run did, with the code of the worst of several accounts, for monitoring: with 0 while error_after holds a failure back, and with 75 from when it was told of until it is over.",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "check", Usage: "exit with the code of the worst last run"}},
		Action: p.status,
	}
}

// status tells how the accounts' last runs ended. Telling it is a success; with --check that of the runs is what counts.
func (p *program) status(c *cli.Context) error {
	j, err := p.newJob(c, c.Args().Slice(), report.Summaries)
	if err != nil {
		return err
	}
	var all []fetch.Status
	var results []fetch.Result
	worst := fetch.None
	for _, a := range j.accounts {
		s, err := fetch.StatusOf(a, j.options)
		all = append(all, s)
		results = append(results, fetch.Result{Account: a.Name, Maildir: a.Maildir, Err: err})
		if c.Bool("check") && s.Class != fetch.Held { // that run exited with 0
			worst = max(worst, s.Class)
		}
	}
	code := resultsCode(results, fetch.Patience{}, nil)
	if code == exitOK {
		code = classCode(worst)
	}
	j.showStatus(all, results, code)
	if code == exitOK {
		return nil
	}
	return &toldError{code: code}
}

func (j *job) showStatus(all []fetch.Status, results []fetch.Result, code int) {
	if j.settings.json {
		report.StatusJSON(j.reportOptions(), all, results, code)
	} else {
		_, _ = io.WriteString(j.out, report.Status(all, time.Now(), columns(os.Stdout))) // Output remembers its failure
	}
	for _, r := range results {
		if r.Err != nil {
			report.Error(os.Stderr, j.colors, r.Err, report.Hint(r.Err))
		}
	}
}
