package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"haulmail/config"
)

// whichMail is the heading of the selection flags in a help.
const whichMail = "Which mail"

// selectionFlags gives the flags that say, in place of the accounts' keys, which mail a run fetches.
func selectionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "max-size", Category: whichMail, Usage: "leave messages larger than `SIZE`, or \"none\""},
		&cli.StringFlag{Name: "max-messages", Category: whichMail, Aliases: []string{"limit"}, Usage: "fetch no more than `N` messages, or \"none\""},
		&cli.StringFlag{Name: "max-bytes", Category: whichMail, Usage: "fetch no more than `SIZE` in all, or \"none\""},
		&cli.StringFlag{Name: "since", Category: whichMail, Usage: "leave messages older than `AGE`, or \"none\""},
		&cli.StringFlag{Name: "order", Category: whichMail, Usage: "which messages come first: `oldest|newest`"},
		&cli.BoolFlag{Name: "newest", Category: whichMail, Usage: "the same as --order newest"},
		&cli.BoolFlag{Name: "headers-only", Category: whichMail, Usage: "fetch headers alone, delete nothing"},
	}
}

// applySelection sets what the selection flags say in accounts. Its error is a *usageError.
func (p *program) applySelection(c *cli.Context, accounts []*config.Account) error {
	if c.Bool("newest") && c.IsSet("order") && c.String("order") != config.NewestFirst.String() {
		return &usageError{"--newest and --order " + c.String("order") + " together", "leave one of them out"}
	}
	for _, a := range accounts {
		for _, key := range []string{
			config.KeyMaxSize, config.KeyMaxMessages, config.KeyMaxBytes, config.KeySince, config.KeyOrder, config.KeyHeadersOnly,
		} {
			flag := strings.ReplaceAll(key, "_", "-")
			if !c.IsSet(flag) {
				continue
			}
			if err := a.Selection.Set(key, fmt.Sprint(c.Value(flag))); err != nil {
				return badSelection(p.line.asWritten(flag)+" ", err)
			}
		}
		if c.Bool("newest") {
			a.Order = config.NewestFirst
		}
		if err := a.Selection.Check(a.Delete); err != nil {
			return badSelection("account "+a.Name+": ", err)
		}
	}
	return nil
}

// badSelection makes a usage error of a value that a key refuses.
func badSelection(where string, err error) error {
	e := &usageError{where + err.Error(), ""}
	if bad, ok := errors.AsType[*config.ValueError](err); ok {
		e.hint = bad.Hint
	}
	return e
}
