package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"haulmail/cmd/haulmail/report"
	"haulmail/config"
	"haulmail/config/nearest"
	"haulmail/fetch"
)

// job is what the commands that are about accounts have in common: some accounts, and how the engine is to treat them.
type job struct {
	out      *report.Output
	colors   report.Colors
	settings settings
	config   *config.Config
	accounts []*config.Account
	named    bool // the accounts were named: one that is busy is a failure
	fresh    bool // there is no state, and none is kept
	home     string
	show     report.Show
	format   *report.Format // of --format, or nil
	print0   bool
	engine   engine // fetch.Run, fetch.Check and so on
	offline  bool   // no server is asked
	options  fetch.Options
	exits    exitWishes
	jitter   time.Duration // sleep for a random part of it first
}

// engine is what a job has done with its accounts.
type engine func(context.Context, []*config.Account, fetch.Options) []fetch.Result

// prepare makes the job of a command whose words name accounts.
func (p *program) prepare(c *cli.Context, show report.Show) (*job, error) {
	return p.newJob(c, c.Args().Slice(), show)
}

// tellInJSON tells a script that asked for JSON why the command ends so, unless its report has done that.
func (p *program) tellInJSON(err error) {
	if _, told := errors.AsType[*toldError](err); err == nil || told {
		return
	}
	code, hint := errorCode(err)
	if errs, ok := errors.AsType[config.Errors](err); ok {
		report.ConfigJSON(p.out, errs, code)
	} else {
		report.RefusalJSON(p.out, err, hint, errorClass(err), code)
	}
}

// newJob reads flags and config and chooses the accounts of those names, all for none.
func (p *program) newJob(c *cli.Context, names []string, show report.Show) (*job, error) {
	s, err := readSettings(c)
	if err != nil {
		return nil, err
	}
	home := findHome()
	cfg, err := p.readConfig(c, s, home, names)
	if err != nil {
		return nil, err
	}
	accounts, err := p.chooseAccounts(cfg, names, c.App)
	if err != nil {
		return nil, err
	}
	j := &job{
		out: p.out, colors: p.colors, settings: s, config: cfg, accounts: accounts, named: len(names) > 0 || c.IsSet("url"), fresh: isStateless(c),
		home: home, show: show, engine: fetch.Run,
		options: fetch.Options{
			Jobs: cfg.Jobs, PerServer: cfg.PerServer, Wait: s.wait, Config: s.config, State: s.stateDir, OneOff: oneOffWords(c), Environ: programEnviron(cfg.Accounts), Step: killStep(),
		},
	}
	if s.jobs > 0 {
		j.options.Jobs = s.jobs
	}
	if j.options.StateDir, err = findState(s, cfg, home); err != nil {
		return nil, err
	}
	if j.options.Hostname, err = os.Hostname(); err != nil {
		j.options.Hostname = "localhost" // part of a file name, and no reason to leave mail where it is
	}
	return j, nil
}

// noConfig says why there is no config. A word that was most likely meant as a command is the nearer reason.
func (p *program) noConfig(c *cli.Context, err error) error {
	word := c.Args().First()
	if _, ok := errors.AsType[*noConfigError](err); ok && !p.line.named && word != "" && nearest.To(word, commandNames(c.App)) != "" {
		return unknownAccount(word, true, nil, c.App)
	}
	return err
}

// run lets the engine do the job and tells how it went. Its error is a *toldError, or one that came before any account.
func (j *job) run(ctx context.Context) error {
	typed, err := j.ask(ctx)
	if err != nil {
		return err
	}
	if j.fresh {
		if err := j.forget(); err != nil {
			return err
		}
		defer scratch.remove()
	}
	if j.settings.json {
		j.options.Facts, j.options.EachSkip = true, j.settings.verbose > 0
	}
	r := report.New(j.reportOptions())
	if err := j.sleepIn(ctx, r); err != nil {
		return err
	}
	j.options.Report = sparing(min(len(j.accounts), j.options.Jobs), r.Event)
	from := j.secrets(typed)
	j.options.Password, j.options.Renew = from.password, from.renew
	if j.settings.verbose > 1 {
		j.options.Wire = r.Wire
	}
	unwatch := context.AfterFunc(ctx, func() { noteSignal(ctx, r) })
	results := j.engine(ctx, j.accounts, j.options)
	unwatch()
	stopped := context.Cause(ctx)
	code := j.exits.failureCode(resultsCode(results, j.patience(), stopped))
	well := code == exitOK
	if well {
		code = j.exits.successCode(results)
	}
	r.Finish(results, code)
	if stopped != nil {
		r.Note(j.farewell(stopped))
	}
	if code == exitOK {
		return nil
	}
	return &toldError{code: code, well: well}
}

// farewell says that the run was stopped. Only a fetch leaves something behind: what had arrived and was not yet told of is a part of the rest.
func (j *job) farewell(stopped error) string {
	if j.show == report.Summaries && !j.options.DryRun {
		return stopped.Error() + "; what was fetched is safe, the rest comes with the next run"
	}
	return stopped.Error()
}

// ask asks for the passwords that have to be typed, if any account has to log in.
func (j *job) ask(ctx context.Context) (map[string]config.Secret, error) {
	if j.offline {
		return nil, nil
	}
	return askPasswords(ctx, j.accounts)
}

// patience is a fetch's alone. An account that another run holds is left to that run by a fetch of all accounts. What error_after holds
// back is held back from cron: a person at a terminal is told.
func (j *job) patience() fetch.Patience {
	fetches := j.show == report.Summaries
	return fetch.Patience{Busy: fetches && !j.named, Held: fetches && !atTerminal()}
}

func (j *job) reportOptions() report.Options {
	o := report.Options{
		Out: j.out, Err: os.Stderr, OutTTY: isTerminal(os.Stdout), Live: canDraw(os.Stderr), Size: screenSize, Colors: j.colors,
		Quiet: j.settings.quiet, Verbose: j.settings.verbose, JSON: j.settings.json, Format: j.format, Print0: j.print0,
		Show: j.show, Patience: j.patience(), DryRun: j.options.DryRun, Version: versionName(), Fresh: j.fresh, Home: j.home,
		Headers: j.options.Headers, Width: columns(os.Stdout),
	}
	for _, a := range j.accounts {
		o.Accounts = append(o.Accounts, report.Account{
			Name: a.Name, Server: a.Server.String(), Deletes: a.Delete.Mode == config.DeleteFetched,
		})
	}
	return o
}

// noteSignal tells a person at once that their signal was heard: what is being written is finished first.
func noteSignal(ctx context.Context, r *report.Report) {
	if _, ok := errors.AsType[*signalError](context.Cause(ctx)); ok && isTerminal(os.Stderr) {
		r.Stopping()
	}
}
