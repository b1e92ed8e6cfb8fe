// Command haulgrowth measures how the cost of a run grows: with the messages of a mailbox, and with the accounts. It drives the built
// haulmail as a user does, against a scripted server in a process of its own, and prints a table.
//
//	haulgrowth --haulmail BINARY --peakmemory BINARY --dir DIR [--messages 1000,10000] [--accounts 1,10,100] [--rounds 3] [--svg FILE]
//
// scripts/growth builds and calls it. The folders that it makes stay: removing a million files slows a disk down for minutes.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newApp().RunContext(ctx, os.Args)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "haulgrowth: %v\n", err)
		os.Exit(1)
	}
}

func newApp() *cli.App {
	return &cli.App{
		Name: "haulgrowth", Usage: "measure how the cost of a run grows", UsageText: "haulgrowth --haulmail BINARY --peakmemory BINARY --dir DIR [flags]",
		HideVersion: true, HideHelpCommand: true, ErrWriter: io.Discard, ExitErrHandler: func(*cli.Context, error) {},
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "haulmail", Usage: "the `BINARY` to measure"},
			&cli.StringFlag{Name: "peakmemory", Usage: "`BINARY` of cmd/haulmail/testdata/peakmemory"},
			&cli.StringFlag{Name: "dir", Usage: "`DIR` for mailboxes and states, which stay there"},
			&cli.IntSliceFlag{Name: "messages", Value: cli.NewIntSlice(1_000, 10_000, 100_000, 1_000_000), Usage: "sizes of the mailbox"},
			&cli.IntSliceFlag{Name: "accounts", Value: cli.NewIntSlice(1, 10, 100, 1_000), Usage: "numbers of accounts at one server"},
			&cli.IntFlag{Name: "rounds", Value: 3, Usage: "of each run that finds nothing new; the median counts"},
			&cli.StringFlag{Name: "svg", Usage: "draw a plot into `FILE`"},
		},
		Action: func(c *cli.Context) error {
			lab, err := newLab(c.String("haulmail"), c.String("peakmemory"), c.String("dir"), c.Int("rounds"))
			if err != nil {
				return err
			}
			rows, err := lab.measure(c.Context, c.IntSlice("messages"), c.IntSlice("accounts"))
			if len(rows) > 0 {
				writeTable(os.Stdout, rows)
			}
			if err != nil || c.String("svg") == "" {
				return err
			}
			return drawPlot(c.String("svg"), rows)
		},
		Commands: []*cli.Command{serveCommand()},
	}
}
