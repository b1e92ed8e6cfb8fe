package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
	"haulmail/config"
	"haulmail/fetch"
	"haulmail/fetch/token"
)

func loginCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "login",
		Category:  categorySetUp,
		Usage:     "sign in with OAuth and keep the token, or keep a password",
		UsageText: "haulmail login [--browser] [flags] ACCOUNT",
		Description: "For an account with oauth: leads you through signing in to its provider, once. The token is kept in the state folder,\n" +
			"and every run refreshes it when that is due. For one with password_keyring: asks for the password and keeps it there.",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "browser", Usage: "sign in by a browser, though the provider has codes to type, too"}},
		Action: p.login,
	}
}

func (p *program) login(c *cli.Context) error {
	if c.Args().Len() != 1 {
		return &usageError{"login needs one account", "haulmail login ACCOUNT"}
	}
	j, err := p.newJob(c, c.Args().Slice(), report.Messages)
	if err != nil {
		return err
	}
	a := j.accounts[0]
	if a.OAuth == "" && a.Password.Keyring == "" {
		return &usageError{fmt.Sprintf("there is nothing to sign in to for account %q", a.Name), "login is for accounts with oauth or password_keyring"}
	}
	if !isTerminal(os.Stdin) {
		return &usageError{"login is a talk with a person, and standard input is no terminal", "run it in a terminal; through ssh, with ssh -t"}
	}
	if a.OAuth == "" {
		return j.keepPassword(c.Context, a)
	}
	return j.signIn(c.Context, a, c.Bool("browser"))
}

// keepPassword asks for the password of an account and puts it into the keyring.
func (j *job) keepPassword(ctx context.Context, a *config.Account) error {
	typed, err := ask(ctx, passwordQuestion(a))
	if err != nil {
		return err
	}
	if err := j.secrets(nil).source.Keep(ctx, a, typed); err != nil {
		return fetch.Explain(ctx, a, j.options, "keep the password", err)
	}
	j.tell("%s: the password is in the keyring, under %q\n", a.Name, a.Password.Keyring)
	return nil
}

// signIn leads a person through signing in to the account's provider.
func (j *job) signIn(ctx context.Context, a *config.Account, browser bool) error {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("talk with a person: %w", err)
	}
	fmt.Fprintf(tty, "Signing in to %s for %s (%s).\n", report.Escape(a.OAuth), report.Escape(a.Name), report.Escape(a.Username))
	from := j.secrets(nil)
	granted, err := from.keeper.SignIn(ctx, a, person(tty, browser))
	if err != nil {
		return fetch.Explain(ctx, a, j.options, "sign in", err)
	}
	j.tell("%s: signed in; the token is in %s\n", a.Name, granted.Path)
	if !granted.Refreshable {
		until := "its end"
		if !granted.Expiry.IsZero() {
			until = granted.Expiry.Local().Format(time.DateTime)
		}
		report.Error(os.Stderr, j.colors, fmt.Errorf("%s: warning: the provider gave nothing to refresh the token with, it is good until %s", a.Name, until),
			"ask the provider for offline access, as a rule by a scope such as offline_access")
	}
	return nil
}

// person shows on a terminal what to do, and reads from it.
func person(tty io.ReadWriter, browser bool) token.Person {
	return token.Person{
		Browser: browser,
		ShowCode: func(address, code string, until time.Time) {
			fmt.Fprintf(tty, "\n  open  %s\n  type  %s\n\nWaiting until you have, %s at most …\n",
				report.Escape(address), report.Escape(code), time.Until(until).Round(time.Second))
		},
		ShowAddress: func(address string) {
			fmt.Fprintf(tty, "\nOpen this address in a browser on this machine:\n\n  %s\n\n"+
				"A browser on another machine ends at an address that it cannot reach: paste that here, and press Enter.\n", report.Escape(address))
		},
		Paste: func(ctx context.Context) (string, error) { return readLine(ctx, tty) },
	}
}

// readLine reads a line that may be empty no longer than ctx; the read that goes on then ends with the process.
func readLine(ctx context.Context, from io.Reader) (string, error) {
	const longest = 16 << 10
	return heeding(ctx, func() (string, error) {
		lines := bufio.NewReader(io.LimitReader(from, longest))
		for {
			text, err := lines.ReadString('\n')
			if text = strings.TrimSpace(text); text != "" || err != nil {
				return text, err
			}
		}
	})
}

// tell answers a person on standard output, unless they want to hear of errors only.
func (j *job) tell(format string, words ...any) {
	if !j.settings.quiet && !j.settings.json {
		_, _ = io.WriteString(j.out, report.EscapeBlock(fmt.Sprintf(format, words...))) // Output remembers its failure
	}
}
