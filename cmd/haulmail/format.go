package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
)

func formatFlag() cli.Flag {
	return &cli.StringFlag{Name: "format", Category: "For scripts", Usage: "print a line a message by `TEMPLATE`"}
}

func print0Flag() cli.Flag {
	return &cli.BoolFlag{Name: "print0", Category: "For scripts", Aliases: []string{"0"}, Usage: "print paths of new mail, each ended by NUL"}
}

// formatHelp tells of templates; fetch's and list's help show it.
const formatHelp = `A TEMPLATE is one of Go's text/template, such as '{{.UID}} {{size .Size}} {{.Path}}'.
Its fields are .Account .UID .Number .Path .Key .Size .Hash .MessageID .From .Subject .Date .Action .Reason,
its functions json, size, age, tab and quote (for a shell).`

// readFormat takes --format and --print0 over into the job. Any mistake in a template is one of the command line.
func (j *job) readFormat(c *cli.Context) error {
	j.print0 = c.Bool("print0")
	switch text := c.String("format"); {
	case (c.IsSet("format") || j.print0) && j.settings.json:
		return &usageError{"--json together with --format or --print0", "leave one of them out"}
	case j.print0 && !c.IsSet("format") && j.options.DryRun:
		return &usageError{"--print0 prints the paths of new mail, of which a dry run has none", "say what to print: --format '{{.UID}}'"}
	case c.IsSet("format"):
		format, err := report.ParseFormat(text, time.Now)
		if err != nil {
			return &usageError{"--format: " + err.Error(), "haulmail help fetch tells of templates"}
		}
		j.format = format
		j.options.Facts, j.options.Headers = format.NeedsFacts(), format.NeedsFacts() && j.options.DryRun
	}
	return nil
}
