package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
	"haulmail/config"
	"haulmail/fetch"
)

// What a fetch that cron or a script starts may ask for: another exit code, and a start that is not everybody's.

func cronFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "exit-new", Category: "From cron", Usage: "exit with `N` if all went well and new mail came"},
		&cli.BoolFlag{Name: "temp-ok", Category: "From cron", Usage: "exit 0 after failures that may pass (75)"},
		&cli.StringFlag{Name: "jitter", Category: "From cron", Usage: "sleep a random `TIME` up to this before the start"},
	}
}

// readCron puts the flags of cronFlags into a job, and the config's jitter where it counts.
func (j *job) readCron(c *cli.Context) (err error) {
	j.exits = exitWishes{newMail: c.Int("exit-new"), tempOK: c.Bool("temp-ok")}
	if c.IsSet("exit-new") && !j.exits.mayBeNew() {
		return &usageError{
			fmt.Sprintf("--exit-new %d means something else", j.exits.newMail),
			"write a number from 1 to 255, but none of 64 to 78 and 126 to 192",
		}
	}
	j.jitter, err = timeFlag(c, "jitter")
	if plain := !j.named && !c.Bool("dry-run") && !atTerminal(); plain && !c.IsSet("jitter") {
		j.jitter = time.Duration(j.config.Jitter)
	}
	return err
}

// atTerminal says whether a person seems to have started us.
func atTerminal() bool {
	return slices.ContainsFunc([]*os.File{os.Stdin, os.Stdout, os.Stderr}, isTerminal)
}

// sleepIn waits for a random part of the job's jitter. When ctx ends it gives its cause.
func (j *job) sleepIn(ctx context.Context, r *report.Report) error {
	if j.jitter <= 0 {
		return nil
	}
	d := rand.N(j.jitter)
	if j.settings.verbose > 0 {
		r.Note(fmt.Sprintf("starting in %s (jitter of up to %s)", d.Round(time.Second/10), config.Duration(j.jitter)))
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// exitWishes are the exit codes that a script would rather have. The zero value wants none.
type exitWishes struct {
	newMail int  // of a run in which all went well and new mail came; 0 for none of its own
	tempOK  bool // failures that may pass are none
}

// mayBeNew tells whether newMail can be told from every other exit code.
func (w exitWishes) mayBeNew() bool {
	n := w.newMail
	ours := n >= exitUsage && n <= exitConfig
	theShells := n >= 126 && n <= exitSignal+64 // not found, not executable, ended by one of the 64 signals
	return n >= 1 && n <= 255 && !ours && !theShells
}

// failureCode gives what is left of a run's exit code; exitOK if nothing is.
func (w exitWishes) failureCode(code int) int {
	if w.tempOK && code == exitTemporary {
		return exitOK
	}
	return code
}

// successCode gives the exit code of a run in which nothing failed that counts.
func (w exitWishes) successCode(results []fetch.Result) int {
	if slices.ContainsFunc(results, func(r fetch.Result) bool { return r.Messages > 0 }) {
		return w.newMail
	}
	return exitOK
}
