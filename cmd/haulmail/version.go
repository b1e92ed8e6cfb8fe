package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// version is set by the build of a release: -ldflags "-X main.version=1.0.0".
var version = ""

func versionCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "version",
		Category:  categoryOther,
		Usage:     "show the version",
		UsageText: "haulmail version",
		Action: func(c *cli.Context) error {
			if err := cmp.Or(noWords(c), noJSON(c, "version prints a line of text")); err != nil {
				return err
			}
			fmt.Fprintf(p.out, "haulmail %s (%s %s/%s)\n", versionName(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}

// versionName gives the release, or what the go command noted about the build.
func versionName() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
