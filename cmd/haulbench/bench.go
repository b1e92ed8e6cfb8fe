package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"haulmail/cmd/haulbench/delay"
)

// bench is one run of the benchmark.
type bench struct {
	server     *popServer
	runner     runner
	clients    []client
	rounds     int
	peerRounds int // of the slow clients
	dir        string
	scratch    string // in memory, where there is such a file system
	progress   io.Writer
	mailboxes  map[string]*mailbox // by folder
}

// measurement is one run of a client.
type measurement struct {
	round int
	sample
	wrote bool // a file or a folder was changed; only told of known mailboxes
}

// row is all that was measured of one client in one scenario.
type row struct {
	client    client
	runs      []measurement
	known     *job  // in which all mail has been fetched; nil where mail is new
	failed    error // why there are no further runs
	syncs     int   // calls of class fsync in a run of its own
	uncounted error // why they are not known
}

// result is a scenario with its rows.
type result struct {
	scenario scenario
	octets   int64 // of all mail
	rows     []*row
}

// run measures the clients at a scenario in turns: every client once in each round. A client that fails is left out from
// then on.
func (b *bench) run(ctx context.Context, s scenario) (result, error) {
	f, err := b.prepare(s)
	if err != nil {
		return result{}, fmt.Errorf("%s: prepare: %w", s.name, err)
	}
	if s.roundTrip > 0 {
		relay, err := delay.Listen(fmt.Sprintf("%s:%d", b.server.host, f.port), s.roundTrip)
		if err != nil {
			return result{}, err
		}
		defer relay.Close()
		f.port = relay.Port()
	}
	res := result{scenario: s}
	for _, m := range f.mail {
		res.octets += m.octets
	}
	for _, c := range b.clients {
		res.rows = append(res.rows, &row{client: c, uncounted: errors.New("it did not come to that")})
	}
	steps := []func(context.Context, *row) error{f.makeKnown}
	for round := 1; round <= b.rounds; round++ {
		steps = append(steps, func(ctx context.Context, r *row) error { return f.measure(ctx, r, round) })
	}
	steps = append(steps, f.count)
	for _, step := range steps {
		for _, r := range res.rows {
			if r.failed != nil {
				continue
			}
			if r.failed = step(ctx, r); ctx.Err() != nil {
				return res, context.Cause(ctx)
			}
			if r.failed != nil {
				fmt.Fprintf(b.progress, "%s %s: %v\n", s.name, r.client.name, r.failed)
			}
		}
	}
	return res, nil
}
