package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"al.essio.dev/pkg/shellescape"
	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
	"haulmail/config"
	"haulmail/config/nearest"
	"haulmail/fetch"
)

// seenAdd marks messages as fetched.
func (p *program) seenAdd(c *cli.Context, words []string) error {
	j, uids, err := p.newChange(c, "add", words)
	if err != nil {
		return err
	}
	if c.Bool("all") {
		return j.mend(c, fetch.AddListed, true)
	}
	return j.mend(c, func(ctx context.Context, accounts []*config.Account, o fetch.Options) []fetch.Result {
		return fetch.Add(ctx, accounts, o, uids)
	}, false)
}

// seenForget has messages fetched again. A UID that names none that was fetched is a mistake, and nothing is changed then.
func (p *program) seenForget(c *cli.Context, words []string) error {
	j, _, err := p.newChange(c, "forget", words)
	if err != nil {
		return err
	}
	if c.Bool("all") {
		return j.mend(c, fetch.ForgetAll, false)
	}
	names, err := j.chooseNames(c.Context, words[1:])
	if err != nil {
		return j.failed(c.Context, err)
	}
	return j.mend(c, func(ctx context.Context, accounts []*config.Account, o fetch.Options) []fetch.Result {
		return fetch.Forget(ctx, accounts, o, names)
	}, false)
}

// newChange reads "ACCOUNT UID..." or "ACCOUNT --all".
func (p *program) newChange(c *cli.Context, verb string, words []string) (j *job, uids [][]byte, err error) {
	usage := "haulmail seen " + verb + " ACCOUNT --all, or UIDs in place of --all"
	switch {
	case len(words) == 0:
		return nil, nil, &usageError{"seen " + verb + " needs an account", usage}
	case len(words) == 1 && !c.Bool("all"):
		return nil, nil, &usageError{"seen " + verb + " needs UIDs, or --all", usage}
	case len(words) > 1 && c.Bool("all"):
		return nil, nil, &usageError{"UIDs and --all together", "leave one of them out"}
	case slices.Contains(words[1:], ""):
		return nil, nil, &usageError{"an empty UID", "haulmail seen list " + shellescape.Quote(words[0]) + " shows them"}
	}
	for _, word := range words[1:] {
		uids = append(uids, []byte(word))
	}
	j, err = p.newJob(c, words[:1], report.States)
	return j, uids, err
}

// mend does something to the states of a job's accounts, or looks at them.
func (j *job) mend(c *cli.Context, do engine, connect bool) error {
	j.engine, j.offline = do, !connect
	j.options.DryRun = c.Bool("dry-run")
	return j.run(c.Context)
}

// chooseNames gives what the words name of the messages that the account's state knows. A word is a UID, or the UID as it is shown.
func (j *job) chooseNames(ctx context.Context, words []string) (names [][]byte, err error) {
	const mostLookedAt = 10_000 // for one that was meant
	var shown []string
	met := map[string]bool{}
	err = fetch.EachName(ctx, j.accounts[0], j.options, func(name []byte) {
		uid := string(name)
		escaped := report.Escape(uid)
		if slices.Contains(words, uid) || slices.Contains(words, escaped) {
			met[uid], met[escaped] = true, true
			names = append(names, []byte(uid))
		}
		if len(shown) < mostLookedAt {
			shown = append(shown, escaped)
		}
	})
	if err != nil {
		return nil, err
	}
	for _, word := range words {
		if met[word] {
			continue
		}
		account := j.accounts[0].Name
		e := &usageError{fmt.Sprintf("no fetched message of %s has the UID %q", account, word), "haulmail seen list " + shellescape.Quote(account) + " shows them"}
		if near := nearest.To(word, shown); near != "" {
			e.hint = fmt.Sprintf("did you mean %q?", near)
		}
		return nil, e
	}
	return names, nil
}

// failed tells why the job's account could not be looked at. A mistake in the words is left to be told.
func (j *job) failed(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*fetch.Error](err); !ok {
		return err
	}
	r := report.NewSeen(j.reportOptions())
	result := fetch.Result{Account: j.accounts[0].Name, Maildir: j.accounts[0].Maildir, Err: err}
	r.Done(result)
	return j.endSeen(ctx, r, []fetch.Result{result})
}

// seenRebuild marks as fetched what the Maildirs hold of the listings.
func (p *program) seenRebuild(c *cli.Context, words []string) error {
	j, err := p.newJob(c, words, report.States)
	if err != nil {
		return err
	}
	return j.mend(c, fetch.Rebuild, true)
}

// seenVerify looks how states, Maildirs and listings go together.
func (p *program) seenVerify(c *cli.Context, words []string) error {
	j, err := p.newJob(c, words, report.States)
	if err != nil {
		return err
	}
	ask := c.Bool("connect")
	return j.mend(c, func(ctx context.Context, accounts []*config.Account, o fetch.Options) []fetch.Result {
		return fetch.Verify(ctx, accounts, o, ask)
	}, ask)
}

// seenExport prints a state as text, once all of it was read.
func (p *program) seenExport(c *cli.Context, words []string) error {
	if len(words) != 1 {
		return &usageError{"seen export needs one account", "haulmail seen export ACCOUNT > FILE"}
	}
	j, err := p.newJob(c, words, report.States)
	if err != nil {
		return err
	}
	if j.settings.json {
		return &usageError{"seen export has a form of its own", "as JSON: haulmail seen list --json " + shellescape.Quote(words[0])}
	}
	return j.export(c.Context)
}

// seenImport adds what a text has of messages that are not known.
func (p *program) seenImport(c *cli.Context, words []string) error {
	if len(words) < 1 || len(words) > 2 {
		return &usageError{"seen import needs an account, and at most one file", "haulmail seen import ACCOUNT [FILE]"}
	}
	j, err := p.newJob(c, words[:1], report.States)
	if err != nil {
		return err
	}
	from := os.Stdin
	switch {
	case len(words) == 2 && words[1] != "-":
		if from, err = openText(c.Context, words[1]); err != nil {
			return err
		}
		defer from.Close()
	case len(words) == 1 && isTerminal(os.Stdin):
		return &usageError{"seen import has nothing to read", "haulmail seen import ACCOUNT FILE"}
	}
	return j.mend(c, func(ctx context.Context, accounts []*config.Account, o fetch.Options) []fetch.Result {
		return fetch.Import(ctx, accounts, o, from)
	}, false)
}

// openText opens a file, which may be a pipe that nobody writes into yet.
func openText(ctx context.Context, path string) (*os.File, error) {
	f, err := heeding(ctx, func() (*os.File, error) { return os.Open(path) })
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, &unreadableError{err, "name a file that haulmail seen export has written"}
	}
	return f, nil
}

// export prints the state of the job's account. It is kept until the state is closed again: who reads the output may take their time.
func (j *job) export(ctx context.Context) error {
	var text bytes.Buffer
	unsettled, err := fetch.Export(ctx, j.accounts[0], j.options, &text)
	if err != nil {
		return j.failed(ctx, err)
	}
	if unsettled > 0 {
		report.Error(os.Stderr, j.colors, fmt.Errorf("%s: warning: %d messages that a run was cut off with are not in it", j.accounts[0].Name, unsettled),
			"the next fetch settles them: export again after it")
	}
	_, err = j.out.Write(text.Bytes())
	return err
}
