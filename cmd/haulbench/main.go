// Command haulbench times haulmail beside other programs that fetch mail. scripts/bench builds and calls it: it needs a
// POP3 server of scripts/dovecot, the binaries of haulmail and of cmd/haulbench/meter, and a folder.
//
// A scenario (scenario.go) says what mail there is and what is to be done with it; the mail is made from a seed
// (mailbox.go), so it is the same in every run. Each client (clients.go, client_*.go) does it once in every round, in
// turns; what it delivered is compared with what was put in (compare.go), by hash, as a multiset. The meter takes the
// time, the CPU time and the memory; strace counts the calls of class fsync, in a run that is not timed (measure.go).
// What comes out is a table (table.go), and on demand every single measurement as JSON and a plot.
//
// It removes nothing of what it has written to a disk: file systems slow down for minutes after thousands of files were
// removed. It knows nothing of haulmail but the command line.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "haulbench:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	scenarios, clients string // names between commas; "" is all
	rounds, peerRounds int
	scale              float64
	limit              time.Duration
	server, dir        string
	haulmail, meter    string
	commit             string
	jsonFile, svgFile  string
}

func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	app := &cli.App{
		Name: "haulbench", Usage: "time haulmail beside other programs", UsageText: "haulbench [flags]",
		HideVersion: true, HideHelpCommand: true,
		Writer: stdout, ErrWriter: io.Discard, ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error { return err },
		Flags:        o.flags(),
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return fmt.Errorf("unexpected argument %q", c.Args().First())
			}
			if o.rounds < 1 || o.peerRounds < 0 || o.scale <= 0 || o.scale > 1 {
				return errors.New("--rounds is at least 1, --peer-rounds 0 or more, --scale above 0 and up to 1")
			}
			return o.run(c.Context, stdout, stderr)
		},
	}
	return app.RunContext(ctx, args)
}

func (o *options) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "scenario", Destination: &o.scenarios, Usage: "only these `NAMES`, between commas"},
		&cli.StringFlag{Name: "client", Destination: &o.clients, Usage: "only these `NAMES`, between commas"},
		&cli.IntFlag{Name: "rounds", Value: 5, Destination: &o.rounds, Usage: "run each client `N` times"},
		&cli.IntFlag{Name: "peer-rounds", Value: 1, Destination: &o.peerRounds, Usage: "run all but haulmail and mpop `N` times"},
		&cli.Float64Flag{Name: "scale", Value: 1, Destination: &o.scale, Usage: "take this `PART` of the messages, such as 0.01, for a quick look"},
		&cli.DurationFlag{Name: "limit", Value: 3 * time.Minute, Destination: &o.limit, Usage: "end a run that takes longer, and leave that client out of the scenario"},
		&cli.StringFlag{Name: "server", Required: true, Destination: &o.server, Usage: "`DIR` that scripts/dovecot serves from"},
		&cli.StringFlag{Name: "dir", Required: true, Destination: &o.dir, Usage: "`DIR` for the mail and the runs, on the disk that is to be measured"},
		&cli.StringFlag{Name: "haulmail", Required: true, Destination: &o.haulmail, Usage: "the `BINARY`"},
		&cli.StringFlag{Name: "meter", Required: true, Destination: &o.meter, Usage: "the `BINARY`"},
		&cli.StringFlag{Name: "commit", Value: "unknown", Destination: &o.commit, Usage: "the `REVISION` of haulmail"},
		&cli.StringFlag{Name: "json", Destination: &o.jsonFile, Usage: "write every measurement into `FILE`"},
		&cli.StringFlag{Name: "svg", Destination: &o.svgFile, Usage: "draw a plot into `FILE`"},
	}
}

// run is the whole benchmark.
func (o *options) run(ctx context.Context, stdout, stderr io.Writer) error {
	chosen, err := chooseScenarios(o.scenarios, o.scale)
	if err != nil {
		return err
	}
	clients, missing, err := chooseClients(o.clients, allClients(o.haulmail))
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		fmt.Fprintln(stderr, "left out:", strings.Join(missing, ", "))
	}
	b := &bench{
		runner:  runner{meter: o.meter, limit: o.limit},
		clients: clients, rounds: o.rounds, peerRounds: o.peerRounds,
		dir: o.dir, progress: stderr, mailboxes: map[string]*mailbox{},
	}
	if b.server, err = openServer(o.server); err != nil {
		return err
	}
	if b.runner.as, err = unprivileged(b.server.mailUser); err != nil {
		return err
	}
	forget, err := b.takeScratch()
	if err != nil {
		return err
	}
	defer forget()
	rec := record{V: 1, Time: time.Now().UTC(), Commit: o.commit, Machine: machine(o.dir, clients), Scale: o.scale}
	var results []result
	for _, s := range chosen {
		res, broken := b.run(ctx, s)
		if broken != nil {
			err = broken
			break
		}
		results = append(results, res)
	}
	return errors.Join(err, o.tell(stdout, rec, results, clients), failures(results))
}

// tell gives out what was measured in all ways that are asked for.
func (o *options) tell(stdout io.Writer, rec record, results []result, clients []client) error {
	err := printTable(stdout, rec, results, clients)
	if o.jsonFile != "" {
		err = errors.Join(err, writeRecord(o.jsonFile, rec, results))
	}
	if o.svgFile != "" && len(results) > 0 {
		err = errors.Join(err, drawPlot(o.svgFile, results, clients))
	}
	return err
}

// takeScratch finds a folder in memory, or on the disk where there is none.
func (b *bench) takeScratch() (forget func(), err error) {
	for _, place := range []string{"/dev/shm", b.dir} {
		if b.scratch, err = os.MkdirTemp(place, "haulmail-bench-"); err == nil {
			return func() { _ = os.RemoveAll(b.scratch) }, os.Chmod(b.scratch, 0o711)
		}
	}
	return nil, fmt.Errorf("make a scratch folder: %w", err)
}

// failures tells of a haulmail that failed. A peer that did is left out, with a line in the table.
func failures(results []result) (err error) {
	for _, res := range results {
		for _, r := range res.rows {
			broken := r.failed
			if !errors.Is(r.uncounted, exec.ErrNotFound) { // strace may be missing
				broken = cmp.Or(broken, r.uncounted)
			}
			if r.client.name == judged && broken != nil {
				err = errors.Join(err, fmt.Errorf("%s: haulmail: %w", res.scenario.name, broken))
			}
		}
	}
	return err
}
