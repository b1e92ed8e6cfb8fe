package main

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"haulmail/config"
	"haulmail/fetch"
)

// A one-off is a run on an account that stands in no config: --url names its maildrop, and a few flags say what its keys would.

// oneOffFlags gives the flags of a one-off. The commands that take it share them, so that a command line for one of these can be
// given to another. deletes is what the command makes of --delete, "" for nothing: then it does not have that flag.
func oneOffFlags(deletes string) []cli.Flag {
	const group = "One-off, without a config"
	flags := []cli.Flag{
		&cli.StringFlag{Name: "url", Category: group, Usage: "the maildrop of `URL`: pops://me@pop.example.org"},
		&cli.StringFlag{Name: "maildir", Category: group, Usage: "the Maildir `DIR` for its mail"},
		&cli.StringFlag{Name: "tls", Category: group, Usage: "the way of TLS; pop:// goes without by none: `implicit|starttls|none`"},
		&cli.StringFlag{Name: "tls-fingerprint", Category: group, Usage: "trust the server with this `PIN`"},
		&cli.StringFlag{Name: "password-command", Category: group, Usage: "the password is what `CMD` prints; else you are asked"},
		&cli.BoolFlag{Name: "no-state", Category: group, Usage: "keep no state beside the Maildir, in DIR.haulmail"},
	}
	if deletes != "" {
		flags = append(flags, &cli.StringFlag{Name: "delete", Category: group, Usage: deletes + ": never, fetched or an `AGE`"})
	}
	return flags
}

// oneOffKeys are the flags of a one-off that stand for the account key of that name.
var oneOffKeys = []string{"maildir", "tls", "tls-fingerprint", "password-command", "delete"}

// readConfig gives the config of a run: a file, or what the flags say of a one-off.
func (p *program) readConfig(c *cli.Context, s settings, home string, names []string) (*config.Config, error) {
	for _, name := range names {
		if strings.Contains(name, "://") { // not shown: it may hold a password
			return nil, &usageError{"a URL is not the name of an account", "write it behind --url: haulmail " + c.Command.Name + " --url URL --maildir DIR"}
		}
	}
	if c.IsSet("url") {
		return oneOffConfig(c, s, home, names)
	}
	for _, flag := range append([]string{"no-state"}, oneOffKeys...) {
		if c.IsSet(flag) {
			return nil, &usageError{"--" + flag + " is for a one-off, and needs --url", "an account has it from the config: haulmail config example"}
		}
	}
	cfg, err := loadConfig(c.Context, s, home)
	if err != nil {
		return nil, p.noConfig(c, err)
	}
	return cfg, nil
}

// oneOffConfig gives the config that consists of the account of --url. Its state is kept beside its Maildir: in it, mail readers would
// take a folder for a mailbox.
func oneOffConfig(c *cli.Context, s settings, home string, names []string) (*config.Config, error) {
	switch {
	case len(names) > 0:
		return nil, &usageError{"--url and the name of an account together", "leave one of them out"}
	case s.config != os.Getenv("HAULMAIL_CONFIG"):
		return nil, &usageError{"--url and --config together", "leave one of them out: --url needs no config"}
	case c.Bool("no-state") && s.stateDir != os.Getenv("HAULMAIL_STATE_DIR"):
		return nil, &usageError{"--no-state and --state-dir together", "leave one of them out"}
	case c.Bool("no-state") && c.IsSet("delete") && c.String("delete") != "never":
		return nil, &usageError{"--no-state and --delete together", "leave --no-state out: only a kept state can tell what may go"}
	case c.Command.Name == "fetch" && !c.IsSet("maildir"):
		return nil, &usageError{"--url needs a Maildir for the mail", "say where: --maildir DIR"}
	}
	keys := map[string]string{}
	for _, flag := range oneOffKeys {
		if c.IsSet(flag) {
			keys[strings.ReplaceAll(flag, "-", "_")] = c.String(flag)
		}
	}
	cfg, err := config.OneOff(c.String("url"), home, keys)
	if bad, ok := errors.AsType[*config.Error](err); ok {
		return nil, &usageError{bad.Message, bad.Hint}
	}
	if err != nil {
		return nil, err
	}
	if maildir := cfg.Accounts[0].Maildir; maildir != "" {
		cfg.StateDir = maildir + ".haulmail"
	}
	return cfg, nil
}

// oneOffWords gives the flags that name the account of --url on another command line, for hints; nil where there is none. A command
// for the password is left out: people write secrets into it.
func oneOffWords(c *cli.Context) []string {
	if !c.IsSet("url") {
		return nil
	}
	words := []string{"--url", c.String("url")}
	for _, flag := range oneOffKeys {
		if c.IsSet(flag) && flag != "password-command" {
			words = append(words, "--"+flag, c.String(flag))
		}
	}
	switch dir := c.String("state-dir"); {
	case c.Bool("no-state"):
		words = append(words, "--no-state")
	case dir != "":
		words = append(words, "--state-dir", dir)
	}
	return words
}

// isStateless tells whether what a run knows is forgotten at its end: by --no-state, and for a look at a maildrop without a Maildir.
func isStateless(c *cli.Context) bool {
	return c.IsSet("url") && (c.Bool("no-state") || !c.IsSet("maildir"))
}

// forget puts the state of a job where it is gone at the end, and there the Maildir of a look at a maildrop alone would be.
func (j *job) forget() error {
	folder, err := scratch.make()
	j.options.StateDir = folder
	for _, a := range j.accounts {
		a.Maildir = cmp.Or(a.Maildir, filepath.Join(folder, "none"))
	}
	return err
}

// scratchFolder is a private folder that goes with the process, however that ends: but not by SIGKILL.
type scratchFolder struct {
	mu   sync.Mutex
	path string // "" while there is none
}

var scratch scratchFolder

// make makes the folder.
func (f *scratchFolder) make() (path string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path, err = os.MkdirTemp("", "haulmail-"); err != nil {
		return "", &fetch.Error{Doing: "make a folder for a state that is not kept", Class: fetch.IO, Err: err}
	}
	return f.path, nil
}

// remove removes the folder and what is in it. Safe from any goroutine, at any time.
func (f *scratchFolder) remove() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path != "" {
		_ = os.RemoveAll(f.path) // what cannot be removed holds nothing of worth
		f.path = ""
	}
}
