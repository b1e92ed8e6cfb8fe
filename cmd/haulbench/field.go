package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// field is a scenario prepared: the mail is at the server.
type field struct {
	scenario
	*bench
	users []string
	mail  []*mailbox // of each user
	holds tally      // of all users
	port  int
	dir   string
}

// prepare makes the mail, puts it before the server and has the server look at it.
func (b *bench) prepare(s scenario) (*field, error) {
	fmt.Fprintf(b.progress, "%s %s: making the mail\n", s.name, s.what)
	f := &field{scenario: s, bench: b, holds: tally{}, port: b.server.plainPort, dir: filepath.Join(b.dir, s.name)}
	if s.tls {
		f.port = b.server.tlsPort
	}
	for n := range s.mailboxes {
		m, err := b.mailbox(s, n)
		if err != nil {
			return nil, err
		}
		user, err := b.maildrops(s).next()
		if err != nil {
			return nil, err
		}
		f.users, f.mail = append(f.users, user), append(f.mail, m)
		f.holds.add(m.holds)
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the scenario's folder: %w", err)
	}
	return f, errors.Join(f.runner.own(f.dir), f.fill())
}

// mailbox makes a mailbox, unless a scenario before had the same.
func (b *bench) mailbox(s scenario, number int) (*mailbox, error) {
	dir := filepath.Join(b.dir, "mail", fmt.Sprintf("%s-%d-%d", s.mail.name, s.messages, number))
	if b.mailboxes[dir] == nil {
		m, err := makeMailbox(dir, s.mail, s.messages, number)
		if err != nil {
			return nil, err
		}
		b.mailboxes[dir] = m
	}
	return b.mailboxes[dir], nil
}

func (b *bench) maildrops(s scenario) *maildrops {
	if s.mbox {
		return &b.server.mboxes
	}
	return &b.server.maildirs
}

// fill puts the mail before the server. All that the server does at its first look at new mail is done then.
func (f *field) fill() (err error) {
	for i, user := range f.users {
		if f.mbox {
			err = f.server.putMbox(user, f.mail[i], f.runner.as)
		} else {
			err = f.server.put(user, f.mail[i])
		}
		if err != nil {
			return err
		}
	}
	return f.look(f.messages)
}

// look sees that the server has so many messages for each user.
func (f *field) look(want int) error {
	for _, user := range f.users {
		switch got, err := f.server.look(user); {
		case err != nil:
			return err
		case got != want:
			return fmt.Errorf("the server has %d messages for %s, want %d", got, user, want)
		}
	}
	return nil
}

// job makes a folder for a client's run and configures the client in it.
func (f *field) job(c client, name string) (job, error) {
	j := job{
		dir:  filepath.Join(f.dir, name),
		host: f.server.host, port: f.port, tls: f.tls, ca: f.server.ca,
		users: f.users, password: f.server.password, deletes: f.deletes,
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return job{}, fmt.Errorf("make a run's folder: %w", err)
	}
	if err := errors.Join(j.makeMaildirs(), c.configure(j), f.runner.own(j.dir)); err != nil {
		return job{}, err
	}
	return j, nil
}

// makeKnown has a client fetch a known mailbox before it is timed at it.
func (f *field) makeKnown(ctx context.Context, r *row) error {
	if !f.known {
		return nil
	}
	f.say("%s makes all mail known", r.client.name)
	j, err := f.job(r.client, r.client.name)
	if err != nil {
		return err
	}
	if j.scratch, err = os.MkdirTemp(f.scratch, "first-"); err != nil {
		return fmt.Errorf("make a scratch folder: %w", err)
	}
	defer os.RemoveAll(j.scratch)
	if err := f.runner.own(j.scratch); err != nil {
		return err
	}
	r.known = &j
	if r.client.first != nil {
		_, err := f.runner.measure(ctx, j, r.client.first(j), 0)
		return err
	}
	if _, err := f.runner.measure(ctx, j, r.client.command(j), 0); err != nil {
		return err
	}
	return f.compare(j, r.client)
}

// measure times one run and looks at what it has done.
func (f *field) measure(ctx context.Context, r *row, round int) error {
	if r.client.slow && round > f.peerRounds {
		return nil
	}
	var took sample
	wrote, err := f.watch(r, fmt.Sprintf("%d-%s", round, r.client.name), func(j job) (err error) {
		took, err = f.runner.measure(ctx, j, r.client.command(j), r.client.nothingNew)
		return err
	})
	if err != nil {
		return err
	}
	r.runs = append(r.runs, measurement{round, took, wrote})
	f.say("round %d: %s %.3f s", round, r.client.name, took.Wall.Seconds())
	return nil
}

// count counts the calls of class fsync. What goes wrong there does not undo the runs before.
func (f *field) count(ctx context.Context, r *row) error {
	_, r.uncounted = f.watch(r, "calls-"+r.client.name, func(j job) (err error) {
		r.syncs, err = f.runner.countSyncs(ctx, j, r.client.command(j), r.client.nothingNew)
		return err
	})
	if r.uncounted != nil {
		f.say("%s: fsyncs are not counted: %v", r.client.name, r.uncounted)
	}
	return nil
}

// watch gives a client a job, and sees that the job was done. wrote says whether anything was changed in the job's
// folder; it is only told of known mail, where nothing has to be.
func (f *field) watch(r *row, name string, run func(job) error) (wrote bool, err error) {
	if f.known {
		return watchKnown(*r.known, run)
	}
	j, err := f.job(r.client, name)
	if err != nil {
		return false, err
	}
	if err := run(j); err != nil {
		return false, err
	}
	if err := f.compare(j, r.client); err != nil || !f.deletes {
		return false, err
	}
	if err := f.look(0); err != nil {
		return false, fmt.Errorf("after all was deleted: %w", err)
	}
	return false, f.fill()
}

// watchKnown sees that nothing is delivered where all mail is known.
func watchKnown(j job, run func(job) error) (wrote bool, err error) {
	before, err := fingerprint(j.dir)
	if err != nil {
		return false, err
	}
	had, err := countFiles(j.maildirs()...)
	if err != nil {
		return false, err
	}
	if err := run(j); err != nil {
		return false, err
	}
	switch has, err := countFiles(j.maildirs()...); {
	case err != nil:
		return false, err
	case has != had:
		return false, fmt.Errorf("%d messages were delivered, though all mail was known", has-had)
	}
	after, err := fingerprint(j.dir)
	return after != before, err
}

// compare looks whether a run has delivered what was put in.
func (f *field) compare(j job, c client) error {
	delivered, err := tallyFiles(c.adds, j.maildirs()...)
	if err != nil {
		return err
	}
	return f.holds.compare(delivered)
}

// say tells how far the benchmark is.
func (f *field) say(format string, args ...any) {
	fmt.Fprintf(f.progress, "%s "+format+"\n", append([]any{f.name}, args...)...)
}
