package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
)

// Profiles of a whole run, for those who work on haulmail. Their flags stand in CONTRIBUTING.md and not in the help.

// profileRate is how many octets are allocated from one sample of --memprofile to the next.
const profileRate = 4 << 10

// profile is one of the kinds: what begins it, and what ends it with all of it in the file.
type profile struct {
	flag  string
	begin func(io.Writer) error
	end   func(io.Writer) error
}

var profiles = []profile{
	{
		"cpuprofile",
		pprof.StartCPUProfile,
		func(io.Writer) error { pprof.StopCPUProfile(); return nil },
	},
	{
		"memprofile",
		func(io.Writer) error { runtime.MemProfileRate = profileRate; return nil },
		func(w io.Writer) error { return pprof.Lookup("allocs").WriteTo(w, 0) },
	},
	{
		"trace",
		trace.Start,
		func(io.Writer) error { trace.Stop(); return nil },
	},
}

func profileFlags() []cli.Flag {
	var flags []cli.Flag
	for _, kind := range profiles {
		flags = append(flags, &cli.StringFlag{Name: kind.flag, Usage: "write a profile of the run to `FILE`", Hidden: true})
	}
	return flags
}

// profiled does what a command does and writes the profiles that were asked for, also when it fails.
func profiled(do cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) (err error) {
		end, err := beginProfiles(c)
		defer func() {
			if failed := end(); failed != nil {
				report.Error(os.Stderr, false, fmt.Errorf("write a profile: %w", failed), "")
				if err == nil {
					err = &toldError{code: exitIO}
				}
			}
		}()
		if err != nil {
			return err
		}
		return do(c)
	}
}

// beginProfiles begins the profiles that were asked for; end ends those that were begun.
func beginProfiles(c *cli.Context) (end func() error, err error) {
	var ends []func() error
	end = func() (err error) {
		for _, one := range ends {
			err = errors.Join(err, one())
		}
		return err
	}
	for _, kind := range profiles {
		path := c.String(kind.flag)
		if path == "" {
			continue
		}
		f, err := os.Create(path)
		if err != nil {
			return end, &usageError{fmt.Sprintf("--%s: %v", kind.flag, err), ""}
		}
		if err := kind.begin(f); err != nil {
			return end, errors.Join(fmt.Errorf("--%s: %w", kind.flag, err), f.Close())
		}
		ends = append(ends, func() error { return errors.Join(kind.end(f), f.Close()) })
	}
	return end, nil
}
