package main

import (
	"context"
	"fmt"
	"slices"

	"al.essio.dev/pkg/shellescape"
	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
	"haulmail/config"
	"haulmail/config/nearest"
	"haulmail/fetch"
)

// seenVerbs are the words that may follow "seen".
var seenVerbs = []verb{
	{"list", (*program).seenList},
	{"retry", (*program).seenRetry},
	{"add", (*program).seenAdd},
	{"forget", (*program).seenForget},
	{"rebuild", (*program).seenRebuild},
	{"verify", (*program).seenVerify},
	{"export", (*program).seenExport},
	{"import", (*program).seenImport},
}

// seenFlags are the flags of seen that only some of the words have. A dry run of those that change nothing is what they are.
var seenFlags = []struct {
	name  string
	verbs []string
}{
	{"failed", []string{"list"}},
	{"all", []string{"add", "forget"}},
	{"connect", []string{"verify"}},
}

func seenCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:     "seen",
		Category: categoryState,
		Usage:    "show and change what is known of earlier runs",
		UsageText: "haulmail seen list [--failed] [flags] [ACCOUNT...]\n" +
			"        haulmail seen retry [-n] [flags] ACCOUNT [UID...]\n" +
			"        haulmail seen add [-n] [flags] ACCOUNT --all|UID...\n" +
			"        haulmail seen forget [-n] [flags] ACCOUNT --all|UID...\n" +
			"        haulmail seen rebuild [-n] [flags] [ACCOUNT...]\n" +
			"        haulmail seen verify [--connect] [flags] [ACCOUNT...]\n" +
			"        haulmail seen export [flags] ACCOUNT\n" +
			"        haulmail seen import [-n] [flags] ACCOUNT [FILE]",
		Description: seenDescription,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "failed", Usage: "list: messages that could not be fetched whole"},
			&cli.BoolFlag{Name: "all", Usage: "add: what the server lists; forget: everything"},
			&cli.BoolFlag{Name: "connect", Usage: "verify: ask the servers for their listings"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done, change nothing"},
		},
		Action: p.seen,
	}
}

const seenDescription = "list prints one line a message that was fetched, with tabs between the fields: account, UID, size, when it was fetched, " +
	"since when the server does not list it. With --failed, the messages that could not be fetched whole: account, UID, how " +
	"often that failed, when it did last, when it is tried again, why it failed.\n\n" +
	"retry has the next run try failed messages at once: all of an account, or those of the given UIDs.\n\n" +
	"add marks messages as fetched without fetching them: those of the given UIDs, as they are typed, or with --all what the server lists now. They are never deleted on the server.\n\n" +
	"forget has the next run fetch messages again, though the Maildir may have them: those of the given UIDs, or with --all everything.\n\n" +
	"rebuild marks as fetched what the server lists and the Maildir has. A run does that by itself where the state was lost.\n\n" +
	"verify looks whether the state, the Maildir and, with --connect, the server go together. It exits with 65 when the " +
	"state is damaged, or when the next run would fetch what the Maildir has.\n\n" +
	"export prints the state as text, a line a message; import adds the messages of such a text that are not known, all of " +
	"them or, where a line is wrong, none. Without FILE, or with -, it reads standard input.\n\n" +
	"A UID is written as list shows it. Only add --all, rebuild and verify --connect ask a server, and none fetches or deletes."

func (p *program) seen(c *cli.Context) error {
	word := c.Args().First()
	for _, f := range seenFlags {
		known := slices.ContainsFunc(seenVerbs, func(v verb) bool { return v.name == word })
		if known && c.Bool(f.name) && !slices.Contains(f.verbs, word) {
			return &usageError{fmt.Sprintf("--%s is not a flag of seen %s", f.name, word), "it belongs to: haulmail seen " + orList(f.verbs)}
		}
	}
	return p.choose(c, seenVerbs)
}

// seenList shows what the accounts' states hold.
func (p *program) seenList(c *cli.Context, names []string) error {
	j, err := p.newJob(c, names, report.Messages)
	if err != nil {
		return err
	}
	r := report.NewSeen(j.reportOptions())
	list := j.listFetched
	if c.Bool("failed") {
		list = j.listFailed
	}
	var results []fetch.Result
	for _, a := range j.accounts {
		result := fetch.Result{Account: a.Name, Maildir: a.Maildir, Err: list(c.Context, a, r)}
		r.Done(result)
		results = append(results, result)
	}
	return j.endSeen(c.Context, r, results)
}

func (j *job) listFetched(ctx context.Context, a *config.Account, r *report.Seen) error {
	n := 0
	err := fetch.EachSeen(ctx, a, j.options, func(m fetch.SeenMessage) {
		n++
		r.Message(a.Name, m)
	})
	if err == nil {
		r.Counted(a.Name, n, "message")
	}
	return err
}

func (j *job) listFailed(ctx context.Context, a *config.Account, r *report.Seen) error {
	failed, err := fetch.Failures(ctx, a, j.options)
	for _, f := range failed {
		r.Failure(a.Name, f)
	}
	if err == nil {
		r.Counted(a.Name, len(failed), "failed message")
	}
	return err
}

// seenRetry has the next run try an account's failed messages, or those named, at once. A UID that names none of them is a mistake, and
// nothing is changed then.
func (p *program) seenRetry(c *cli.Context, words []string) error {
	if len(words) == 0 {
		return &usageError{"seen retry needs an account", "haulmail seen retry ACCOUNT [UID...]"}
	}
	j, err := p.newJob(c, words[:1], report.Messages)
	if err != nil {
		return err
	}
	j.options.DryRun = c.Bool("dry-run")
	a, r := j.accounts[0], report.NewSeen(j.reportOptions())
	failed, err := fetch.Failures(c.Context, a, j.options)
	n := 0
	if err == nil {
		uids, wrong := chooseFailed(failed, words[1:], a.Name)
		if wrong != nil {
			return wrong
		}
		if n = len(uids); !c.Bool("dry-run") {
			n, err = fetch.Retry(c.Context, a, j.options, uids)
		}
	}
	if err == nil {
		r.Retried(a.Name, n)
	}
	result := fetch.Result{Account: a.Name, Maildir: a.Maildir, Err: err}
	r.Done(result)
	return j.endSeen(c.Context, r, []fetch.Result{result})
}

// chooseFailed gives the UIDs of the failed messages that the words name, of all of them for no words. A word is a UID, or the UID as it
// is shown, which for one with control characters is all that can be typed.
func chooseFailed(failed []fetch.FailedMessage, words []string, account string) (uids [][]byte, err error) {
	named := map[string][][]byte{}
	var shown []string
	for _, f := range failed {
		uid := string(f.UID)
		escaped := report.Escape(uid)
		shown = append(shown, escaped)
		named[escaped] = append(named[escaped], f.UID)
		if uid != escaped {
			named[uid] = append(named[uid], f.UID)
		}
		if len(words) == 0 {
			uids = append(uids, f.UID)
		}
	}
	for _, word := range words {
		if len(named[word]) == 0 {
			e := &usageError{fmt.Sprintf("no failed message of %s has the UID %q", account, word), "haulmail seen list --failed " + shellescape.Quote(account) + " shows them"}
			if near := nearest.To(word, shown); near != "" {
				e.hint = fmt.Sprintf("did you mean %q?", near)
			}
			return nil, e
		}
		uids = append(uids, named[word]...)
	}
	return uids, nil
}

// endSeen ends the report and gives the error that is left to use.
func (j *job) endSeen(ctx context.Context, r *report.Seen, results []fetch.Result) error {
	code := resultsCode(results, fetch.Patience{}, context.Cause(ctx))
	r.Finish(results, code)
	if stopped := context.Cause(ctx); stopped != nil {
		r.Note(stopped.Error())
	}
	if code == exitOK {
		return nil
	}
	return &toldError{code: code}
}
