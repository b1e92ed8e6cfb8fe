package main

import (
	"context"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
	"haulmail/fetch"
)

func catCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:      "cat",
		Category:  categoryMail,
		Usage:     "print one message from the server",
		UsageText: "haulmail cat [--headers] [flags] ACCOUNT UID|NUMBER",
		Description: "Prints one message as it would lie in the Maildir, its lines ending in LF, and changes nothing: it is not recorded as " +
			"fetched, and not deleted. On a terminal control characters are escaped.\n\n" +
			"The message goes by its UID as list shows it. A word that is no UID there is a number of list; '#3' is always the number 3.",
		Flags:  append([]cli.Flag{&cli.BoolFlag{Name: "headers", Usage: "print its header alone (TOP)"}}, oneOffFlags("")...),
		Action: p.cat,
	}
}

func (p *program) cat(c *cli.Context) error {
	account, word := c.Args().Slice(), ""
	if n := len(account); n > 0 {
		account, word = account[:n-1], account[n-1]
	}
	switch {
	case word == "", len(account) == 0 && !c.IsSet("url"):
		return &usageError{"cat needs an account and a message", "haulmail cat ACCOUNT UID; haulmail list ACCOUNT shows the UIDs"}
	case len(account) > 1:
		return &usageError{"cat prints one message", "haulmail help cat"}
	case c.Bool("json"):
		return &usageError{"cat prints the message itself, not JSON", "haulmail list --json tells of messages"}
	}
	j, err := p.newJob(c, account, report.Messages)
	if err != nil {
		return err
	}
	return j.cat(c.Context, fetch.Wanted{
		Word: word, Headers: c.Bool("headers"),
		Shown: func(uid []byte) string { return report.Escape(string(uid)) },
	})
}

// cat writes the message to standard output as it comes: nothing gathers in memory, and whoever closes a pipe ends it.
func (j *job) cat(ctx context.Context, m fetch.Wanted) error {
	typed, err := askPasswords(ctx, j.accounts)
	if err != nil {
		return err
	}
	r := report.New(j.reportOptions())
	from := j.secrets(typed)
	j.options.Password, j.options.Renew, j.options.Report = from.password, from.renew, r.Event
	if j.settings.verbose > 1 {
		j.options.Wire = r.Wire
	}
	out := &pipe{w: os.Stdout}
	if isTerminal(os.Stdout) {
		out.w = &escaping{os.Stdout}
	}
	a := j.accounts[0]
	err = fetch.Cat(ctx, a, j.options, m, out)
	if out.err != nil {
		j.out.Fail(out.err) // told as any other failure of standard output
		return nil
	}
	if err == nil {
		return nil
	}
	result := fetch.Result{Account: a.Name, Err: err}
	r.Event(fetch.Done{Result: result})
	if stopped := context.Cause(ctx); stopped != nil {
		r.Note(stopped.Error())
	}
	return &toldError{code: resultsCode([]fetch.Result{result}, fetch.Patience{}, context.Cause(ctx))}
}

// pipe is a writer that remembers its failure: the engine must not take it for one of a Maildir.
type pipe struct {
	w   io.Writer
	err error
}

func (p *pipe) Write(b []byte) (n int, err error) {
	n, p.err = p.w.Write(b)
	return n, p.err
}

// escaping shows text on a terminal, which must not be steered by mail. It is given whole lines, but for overlong ones.
type escaping struct{ w io.Writer }

func (e *escaping) Write(b []byte) (int, error) {
	if _, err := io.WriteString(e.w, report.EscapeBlock(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}
