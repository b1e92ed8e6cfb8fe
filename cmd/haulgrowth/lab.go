package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// eachAccount is how many messages an account has when the number of accounts is what grows.
const eachAccount = 10

// byDefault is how many accounts haulmail does at once if the config does not say otherwise.
const byDefault = 16

// lab measures one binary.
type lab struct {
	binary     string
	peakmemory string // the small program that starts it, see cmd/haulmail/testdata/peakmemory
	dir        string
	rounds     int
}

// size is what a run is measured at.
type size struct {
	accounts int
	atOnce   int
	messages int // of each account
}

// row is what a kind of run costs at one size.
type row struct {
	kind kind
	size
	cost
}

// kind is what a run finds.
type kind string

const (
	allNew   kind = "all new"
	allKnown kind = "nothing new"
)

// cost is what one run takes.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // octets of memory, its own and no other process's
}

func newLab(binary, peakmemory, dir string, rounds int) (l *lab, err error) {
	l = &lab{binary, peakmemory, dir, rounds}
	if rounds < 1 {
		return nil, fmt.Errorf("--rounds %d: want 1 or more", rounds)
	}
	for _, path := range []*string{&l.binary, &l.peakmemory, &l.dir} {
		if *path == "" {
			return nil, errors.New("--haulmail, --peakmemory and --dir are needed")
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// measure gives a row for each size and kind, those that it has when an error ends it.
func (l *lab) measure(ctx context.Context, messages, accounts []int) (rows []row, err error) {
	var sizes []size
	for _, n := range messages {
		sizes = append(sizes, size{1, 1, n})
	}
	for _, n := range accounts {
		if n > byDefault {
			sizes = append(sizes, size{n, byDefault, eachAccount})
		}
		sizes = append(sizes, size{n, n, eachAccount})
	}
	for _, s := range sizes {
		more, err := l.measureSize(ctx, s)
		rows = append(rows, more...)
		if err != nil {
			return rows, fmt.Errorf("%d accounts with %d messages: %w", s.accounts, s.messages, err)
		}
	}
	return rows, nil
}

// measureSize fetches the mail of one server, and then looks for new mail that is not there. What an earlier measurement has fetched is
// not fetched again.
func (l *lab) measureSize(ctx context.Context, s size) (rows []row, err error) {
	dir := filepath.Join(l.dir, fmt.Sprintf("%d-accounts-%d-at-once-%d-messages", s.accounts, s.atOnce, s.messages))
	addr, stop, err := startServer(ctx, s.accounts, s.messages)
	if err != nil {
		return nil, err
	}
	defer func() {
		if stopped := stop(); err == nil {
			err = stopped
		}
	}()
	_, err = os.Stat(dir)
	fresh := os.IsNotExist(err)
	if err := writeConfig(dir, addr, s); err != nil {
		return nil, err
	}
	if fresh {
		c, err := l.run(ctx, dir)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{allNew, s, c})
	}
	if err := delivered(dir, s.accounts, s.messages); err != nil {
		return rows, err
	}
	var costs []cost
	for range l.rounds {
		c, err := l.run(ctx, dir)
		if err != nil {
			return rows, err
		}
		costs = append(costs, c)
	}
	return append(rows, row{allKnown, s, median(costs)}), nil
}

func writeConfig(dir, addr string, s size) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "state_dir = \"state\"\njobs = %d\nper_server = %d\n[defaults]\nserver = %q\ntls = \"none\"\npassword = %q\n", s.atOnce, s.atOnce, addr, password)
	for i := range s.accounts {
		fmt.Fprintf(&text, "[account.%s]\nusername = %q\nmaildir = \"Mail/%[1]s\"\n", userName(i), userName(i))
	}
	return os.WriteFile(filepath.Join(dir, "config.toml"), []byte(text.String()), 0o600)
}

// run is one run of the binary, which has to say nothing.
func (l *lab) run(ctx context.Context, dir string) (cost, error) {
	told := filepath.Join(dir, "cost")
	cmd := exec.CommandContext(ctx, l.peakmemory, told, l.binary, "-c", filepath.Join(dir, "config.toml"))
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) > 0 {
		return cost{}, fmt.Errorf("%s: %v\n%s", cmd, err, out)
	}
	text, err := os.ReadFile(told)
	if err != nil {
		return cost{}, err
	}
	var c cost
	_, err = fmt.Sscan(string(text), &c.peak, &c.wall, &c.cpu)
	return c, err
}

// delivered checks that all the mail is there, once.
func delivered(dir string, accounts, messages int) error {
	for i := range accounts {
		folder, err := os.Open(filepath.Join(dir, "Mail", userName(i), "new"))
		if err != nil {
			return err
		}
		n := 0
		for names := []string{""}; len(names) > 0; n += len(names) {
			names, _ = folder.Readdirnames(1000)
		}
		if err := folder.Close(); err != nil {
			return err
		}
		if n != messages {
			return fmt.Errorf("%s holds %d messages, want %d", folder.Name(), n, messages)
		}
	}
	return nil
}

// median gives the median of each part of the costs.
func median(costs []cost) cost {
	middle := func(of func(cost) int64) int64 {
		var all []int64
		for _, c := range costs {
			all = append(all, of(c))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return cost{
		wall: time.Duration(middle(func(c cost) int64 { return int64(c.wall) })),
		cpu:  time.Duration(middle(func(c cost) int64 { return int64(c.cpu) })),
		peak: middle(func(c cost) int64 { return c.peak }),
	}
}
