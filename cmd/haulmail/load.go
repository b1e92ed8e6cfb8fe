package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"

	"al.essio.dev/pkg/shellescape"
	"github.com/adrg/xdg"
	"github.com/urfave/cli/v2"

	"haulmail/config"
	"haulmail/config/nearest"
)

// unreadableError is a config file that is there and cannot be read.
type unreadableError struct {
	err  error
	hint string
}

func (e *unreadableError) Error() string { return e.err.Error() }
func (e *unreadableError) Unwrap() error { return e.err }

// findHome gives the user's home folder, or "" where there is none. cron and systemd may start haulmail without $HOME: the user
// database knows it then, and xdg is told.
func findHome() string {
	if home := os.Getenv("HOME"); filepath.IsAbs(home) {
		return home
	}
	u, err := user.Current()
	if err != nil || !filepath.IsAbs(u.HomeDir) {
		return ""
	}
	if os.Setenv("HOME", u.HomeDir) == nil {
		xdg.Reload()
	}
	return u.HomeDir
}

// usualConfig gives where the config is when nobody says.
func usualConfig(home string) (string, error) {
	if home == "" && os.Getenv("XDG_CONFIG_HOME") == "" {
		return "", &usageError{"no home folder is known", "say where the config is: -c FILE"}
	}
	return filepath.Join(xdg.ConfigHome, "haulmail", "config.toml"), nil
}

// findState gives the absolute folder of the state: by flag or environment, then by the config, then the usual one.
func findState(s settings, cfg *config.Config, home string) (string, error) {
	switch {
	case s.stateDir != "":
		return filepath.Abs(s.stateDir)
	case cfg.StateDir != "":
		return cfg.StateDir, nil
	case home == "" && os.Getenv("XDG_STATE_HOME") == "":
		return "", &usageError{"no home folder is known", "say where the state is: --state-dir DIR"}
	}
	return filepath.Join(xdg.StateHome, "haulmail"), nil
}

// loadConfig reads the config file that s or the usual place names.
func loadConfig(ctx context.Context, s settings, home string) (*config.Config, error) {
	cfg, _, err := explainConfig(ctx, s, home)
	return cfg, err
}

// explained is a config, and where its values come from.
type explained struct {
	config  *config.Config
	origins *config.Origins
}

// explainConfig is loadConfig that also tells where each value comes from.
func explainConfig(ctx context.Context, s settings, home string) (*config.Config, *config.Origins, error) {
	path := s.config
	if path == "" {
		var err error
		if path, err = usualConfig(home); err != nil {
			return nil, nil, err
		}
	}
	read, err := heeding(ctx, func() (c explained, err error) {
		c.config, c.origins, err = config.Explain(path, home)
		return c, err
	})
	switch {
	case err == nil:
		return read.config, read.origins, nil
	case ctx.Err() != nil:
		return nil, nil, context.Cause(ctx)
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, &noConfigError{path}
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, &unreadableError{err, "ls -ld " + shellescape.Quote(barrier(path)) + " shows whom it belongs to"}
	}
	if _, ok := errors.AsType[config.Errors](err); ok {
		return nil, nil, err
	}
	return nil, nil, &unreadableError{err, "name another file with -c FILE"}
}

// barrier gives what keeps a path from being read: the folder that cannot be entered, or what the path names itself.
func barrier(path string) string {
	for {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrPermission) {
			return path
		}
		above := filepath.Dir(path)
		if above == path {
			return path
		}
		path = above
	}
}

// chooseAccounts gives the accounts of those names, in the order of the file and each once; all of them for no names.
func (p *program) chooseAccounts(cfg *config.Config, names []string, app *cli.App) ([]*config.Account, error) {
	if len(names) == 0 {
		return cfg.Accounts, nil
	}
	for i, name := range names {
		if cfg.Account(name) == nil {
			return nil, unknownAccount(name, i == 0 && !p.line.named, cfg.Names(), app)
		}
	}
	var chosen []*config.Account
	for _, a := range cfg.Accounts {
		if slices.Contains(names, a.Name) {
			chosen = append(chosen, a)
		}
	}
	return chosen, nil
}

// unknownAccount is the error of a word that names no account. Where a command may stand it may have been meant as one.
func unknownAccount(name string, maybeCommand bool, accounts []string, app *cli.App) error {
	e := &usageError{fmt.Sprintf("no account %q in the config", name), "haulmail help shows the commands, haulmail status the accounts"}
	near := nearest.To(name, accounts)
	command := nearest.To(name, commandNames(app))
	switch {
	case app.Command(name) != nil:
		e.hint = fmt.Sprintf("a command comes first: haulmail %s", name)
	case near != "" && (!maybeCommand || nearest.To(name, []string{near, command}) == near):
		e.hint = fmt.Sprintf("did you mean %q?", near)
	case maybeCommand:
		e.message = fmt.Sprintf("no command and no account %q", name)
		if name == "man" {
			e.hint = readManual
		} else if command != "" {
			e.hint = fmt.Sprintf("did you mean: haulmail %s", command)
		}
	}
	return e
}
