// Command haulmail hauls mail from POP3 maildrops into Maildirs: never twice, never lost, silent from cron.
//
// This package is the command and nothing else: flags (app.go, args.go), one file for each subcommand, exit codes (exit.go),
// signals, the terminal. What happens to mail is decided by package fetch; how it looks, by package report. Only here is
// anything printed, is the environment read, does the process end.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"haulmail/cmd/haulmail/report"
)

func main() { os.Exit(run(os.Args)) }

// run is one whole run of the command; it gives the exit code.
func run(argv []string) (code int) {
	runtime.MemProfileRate = 0 // see profile.go
	defer func() {
		if defect := recover(); defect != nil {
			code = tellDefect(os.Stderr, defect)
		}
	}()
	// A closed pipe is an error like any other: it must not kill a run half-way. Notify instead of Ignore, which children inherit.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := withSignals(context.Background())
	defer stop()
	out := report.NewOutput(os.Stdout)
	p := &program{out: out, colors: colored("auto", os.Stderr)}
	err := p.execute(ctx, argv)
	return conclude(err, out.Flush(), os.Stderr, p.colors)
}
