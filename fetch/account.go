package fetch

import (
	"cmp"
	"context"
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"haulmail/config"
	"haulmail/fetch/seen"
	"haulmail/maildir"
)

// haul is the run of one account.
type haul struct {
	*engine
	a        *config.Account
	identity seen.Identity
	store    *seen.Store
	box      *maildir.Box         // nil while the Maildir is missing
	ready    func() error         // opens the Maildir, once
	talk     func(*session) error // what a session is for, once it is logged in
	left     map[string]Reason    // names of messages that this run has met and leaves alone from then on
	turn     *turn                // of a dry run, to tell of messages
	shown    int                  // messages of a dry run that were told of, in any of its sessions
	failures []failure            // not recorded yet
	cleared  [][]byte             // keys of failures that are over, not recorded yet
	result   Result
	progress progress
	sink     sink                 // takes the message that is being received
	found    string               // the server that the account's domain has named, once one is connected to
	renewed  config.Secret        // the token in place of one that the server has refused
	hidden   atomic.Pointer[hush] // what no UID that is told may hold

	planned   bool      // a listing of this run was decided about
	listed    bool      // a listing was seen beside the state
	known     int       // records of the state then, without those of this run
	nextLogin time.Time // when another login is allowed, after one that limits it

	exactSizes bool // LIST's sizes have not been found to be wrong
	looking    bool // what the server shows and offers is asked for
	gaveTop    bool // the server has given a header by which a message without a UID is told apart
	topCuts    int  // sessions that ended at the question for one
	headerless bool // messages that failed before, perhaps for want of their headers, wait: a session was ended by the question
	noTop      bool // the server gives no headers, by which messages without UIDs could be told apart
	ageless    bool // what failed before is fetched whatever its age: a session was ended by the question
}

func newHaul(e *engine, a *config.Account) *haul {
	h := &haul{
		engine:   e,
		a:        a,
		identity: seen.Identity{Server: e.serverName(a.Server), User: a.Username},
		left:     make(map[string]Reason),
		result:   Result{Account: a.Name, Maildir: a.Maildir, DryRun: e.DryRun},
	}
	h.talk = h.take
	return h
}

// serverName is the server of an account's identity: its host, since a server that is reached by another port, or another kind of TLS, is
// the same one. Nobody names the accounts of one-offs, so that there a port of its own, such as that of a tunnel, tells servers apart.
func (e *engine) serverName(s config.Server) string {
	host := strings.TrimSuffix(s.Host, ".")
	if e.OneOff == nil || s.Port == 0 || s.Port == config.TLSImplicit.Port() || s.Port == config.TLSStart.Port() {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(s.Port))
}

// account does one account within the limits of the scheduler, and tells how it went.
func (h *haul) account(ctx context.Context, do func(*haul, context.Context) error) Result {
	began := h.Now()
	h.turn.mayEnter(ctx)
	leave, ok := h.enter(ctx, h.a.Server.Host)
	h.turn.enter()
	if !ok {
		h.result.Err = h.explain(ctx, context.Cause(ctx))
	} else {
		defer leave()
		h.result.Err = h.explain(ctx, do(h, ctx))
	}
	h.result.Took = h.Now().Sub(began)
	_ = h.turn.mayTell(ctx) // how the account went is told in any case
	h.tell(Done{h.result})
	return h.result
}

// fetch is an account's run under the lock of its state.
func (h *haul) fetch(ctx context.Context) (err error) {
	if err := h.openState(ctx); err != nil {
		return h.noteRun(ctx, err)
	}
	defer func() { err = also(err, h.close()) }()
	return h.noteRun(ctx, h.holdBack(ctx, h.haul(ctx)))
}

// haul is the story of a run.
func (h *haul) haul(ctx context.Context) error {
	if err := h.recover(); err != nil {
		return err
	}
	if err := h.mayLogIn(); err != nil {
		return err
	}
	password, err := h.password(ctx)
	if err != nil {
		return err
	}
	pipelining, err := h.mayPipeline()
	if err != nil {
		return err
	}
	if h.exactSizes, err = h.mayTrustSizes(); err != nil {
		return err
	}
	err = h.sessions(ctx, password, pipelining)
	if err == nil && h.result.Failed > 0 {
		return &poisonError{h.result.Failed}
	}
	return err
}

// session is one connection to the server.
func (h *haul) session(ctx context.Context, password config.Secret, pipelining bool) error {
	s, err := h.loggedIn(ctx, password, pipelining)
	if err != nil {
		return err
	}
	defer s.close()
	return h.talk(s)
}

// take fetches what is new and deletes what may go.
func (h *haul) take(s *session) error {
	p, err := h.plan(s)
	if err != nil {
		return err
	}
	if p.idle {
		return also(s.ctx.Err(), s.quit())
	}
	if h.DryRun {
		if err := h.tellPlan(s, p); err != nil {
			return err
		}
		return also(h.lookForMaildir(p), s.quit())
	}
	if err := h.retrieve(s, p); err != nil {
		return err
	}
	return h.deleteAndQuit(s, p)
}

// openState opens the account's state for a run.
func (h *haul) openState(ctx context.Context) error {
	return h.open(ctx, seen.Options{ReadOnly: h.DryRun, Adopt: h.Adopt})
}

// open opens the account's state, which is its lock too. For a run that holds it it waits as long as it was asked to.
func (h *haul) open(ctx context.Context, so seen.Options) (err error) {
	so.Now = h.Now
	h.store, err = seen.Open(h.statePath(), h.identity, so)
	if errors.Is(err, seen.ErrLocked) && h.Wait > 0 {
		h.tell(Waiting{Account: h.a.Name, For: h.Wait})
		so.Wait, so.Stop = h.Wait, ctx.Done()
		h.store, err = seen.Open(h.statePath(), h.identity, so)
	}
	if err != nil {
		return onDisk(doingOpenState, err)
	}
	return nil
}

// statePath is the account's state file.
func (h *haul) statePath() string { return filepath.Join(h.StateDir, h.a.Name+".db") }

// close closes what openState, findMaildir and openMaildir opened.
func (h *haul) close() error {
	var boxErr, storeErr error
	if h.box != nil {
		boxErr = onDisk("close the Maildir", h.box.Close())
	}
	if h.store != nil {
		storeErr = onDisk("close the state", h.store.Close())
	}
	return also(boxErr, storeErr)
}

// noteMaildir is the state's note of the Maildir that was delivered to last.
const noteMaildir = "maildir"

// openMaildir opens the Maildir, and makes it if mail was never delivered there: one that was there and is gone is a disk that is
// not mounted, and making it afresh would hide that. The first time it is made durable, and so is the state's folder: a run that made them may
// have been cut off. That it was is noted with the first intents.
func (h *haul) openMaildir() error {
	last, err := h.store.Note(noteMaildir)
	if err != nil {
		return onDisk("read the state", err)
	}
	before := string(last) == h.a.Maildir
	if h.box == nil {
		if h.box, err = h.openBox(h.a.Maildir, !before); err != nil {
			return onDisk("open the Maildir", err)
		}
	}
	if !before {
		if err := h.flusher.SyncAbove(h.disk, h.a.Maildir, h.StateDir); err != nil {
			return onDisk("make the folders durable", err)
		}
	}
	return nil
}

// maildirNote notes that mail was, or is about to be, delivered to the account's Maildir.
func (h *haul) maildirNote() seen.Note {
	return seen.Note{Name: noteMaildir, Value: []byte(h.a.Maildir)}
}

// lookForMaildir fails for a dry run as openMaildir would for a real one.
func (h *haul) lookForMaildir(p *plan) error {
	last, err := h.store.Note(noteMaildir)
	if err != nil || string(last) != h.a.Maildir || len(p.get)+len(p.retry)+len(p.due) == 0 {
		return onDisk("read the state", err)
	}
	box, err := h.openBox(h.a.Maildir, false)
	if err != nil {
		return onDisk("open the Maildir", err)
	}
	return onDisk("close the Maildir", box.Close())
}

// findMaildir opens the Maildir if it is there, and makes nothing.
func (h *haul) findMaildir() error {
	if h.box != nil {
		return nil
	}
	box, err := h.openBox(h.a.Maildir, false)
	if errors.Is(err, maildir.ErrMissing) {
		return nil
	}
	if err != nil {
		return onDisk("open the Maildir", err)
	}
	h.box = box
	return nil
}

// openBox opens a Maildir with the account's spool. A dry run without a state has no spool to name.
func (h *haul) openBox(path string, create bool) (*maildir.Box, error) {
	return maildir.Open(path, cmp.Or(h.store.Spool(), "none"), maildir.Options{
		Create: create, Flusher: h.flusher, Hostname: h.Hostname, Disk: h.disk, Look: h.DryRun,
	})
}

// password asks for the account's password or token, if it logs in by one.
func (h *haul) password(ctx context.Context) (config.Secret, error) {
	if !h.a.NeedsSecret() {
		return config.Secret{}, nil
	}
	password, err := h.Password(ctx, h.a)
	if h.a.ByToken() {
		return password, doing(doingToken, err)
	}
	return password, doing("get the password", err)
}

// The state's notes that count for a while, each with the time until which it does. What a server cannot do is tried again after it.
const (
	noteOneByOne  = "one-by-one-until" // answer commands that are sent ahead
	oneByOneFor   = 7 * 24 * time.Hour
	notePipelines = "pipelines-until" // it does, though it does not announce it
	pipelinesFor  = 30 * 24 * time.Hour
	noteInexact   = "inexact-sizes-until" // tell the exact size of a message in LIST
	inexactFor    = 30 * 24 * time.Hour

	noteRebuilding = "rebuilding-until" // a state was lost: what it does not know may be in the Maildir
)

// mayTrustSizes tells whether LIST's sizes may be taken for exact.
func (h *haul) mayTrustSizes() (bool, error) { return h.noteIsOver(noteInexact) }

// noteIsOver tells whether a note is missing, or no longer counts.
func (h *haul) noteIsOver(name string) (bool, error) {
	note, err := h.store.Note(name)
	if err != nil {
		return false, onDisk("read the state", err)
	}
	until, err := time.Parse(time.RFC3339, string(note))
	return err != nil || !h.Now().Before(until), nil
}

// noteFor writes a note that counts for a while. A dry run learns nothing.
func (h *haul) noteFor(name string, d time.Duration) error {
	if h.DryRun {
		return nil
	}
	until := h.Now().Add(d).UTC().Format(time.RFC3339)
	return onDisk("write a note into the state", h.store.SetNote(name, []byte(until)))
}
