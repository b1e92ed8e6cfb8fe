// Package fetch is the engine: it decides what happens to mail. Run takes checked accounts and hauls their mail into their
// Maildirs, each message exactly once. What happens is told by events; how it is shown, and what the process exits with, is
// the command's business.
//
// Data flows one way: plan → session → message → batch → seen → report. Of an account, one goroutine speaks with the server
// and writes bodies into the spool (receive.go), another makes batches of them durable and moves them into new/ (batch.go); the
// pop3 client has a third that sends commands ahead. Accounts share nothing but the limits of the scheduler and the flusher of
// a file system.
//
// The promise, and the order of steps that keeps it: a message is durable in the spool, then its intent is in the state, then it is
// moved into new/, then the folders are durable; only then is it told of, and only then may it be deleted on the server. What
// a crash leaves of that is brought to its end by the next run (recover.go).
package fetch

import (
	"context"
	"sync"
	"time"

	"haulmail/config"
	"haulmail/fetch/dial"
	"haulmail/maildir"
)

// Options are what a run needs besides the accounts. The zero value of a field is its default where one is named.
type Options struct {
	Jobs      int           // accounts at once; 0 is 1
	PerServer int           // accounts at once at one server; 0 is no limit of its own
	Wait      time.Duration // for another run that holds an account's lock
	StateDir  string        // folder of the state files
	Config    string        // the config file, for hints; "" is the usual one
	State     string        // StateDir where it was named for this run, for hints; "" is the config's, or the usual one
	Hostname  string        // for the names of delivered files
	OneOff    []string      // the words that name the account in place of its name and a config, for hints; nil if it stands in one
	DryRun    bool          // choose and report, change nothing anywhere
	Headers   bool          // in a dry run: ask for the header of each message, and tell what it says
	Adopt     bool          // accept that an account's server or user has changed
	AcceptKey bool          // accept that the key of a server trusted on first use has changed
	Facts     bool          // tell of each delivered message its digest and what its header says
	EachSkip  bool          // tell of each message that is left alone, also of those that the account wants to be left
	Environ   []string      // of the programs that carry a connection

	// Password gives an account's password or token; it is asked once for each account, before connecting.
	Password func(context.Context, *config.Account) (config.Secret, error)
	// Renew gives another token in place of one that the server has refused; the same one, if there is no other. Nil for never.
	Renew    func(ctx context.Context, a *config.Account, refused config.Secret) (config.Secret, error)
	Resolver dial.Resolver    // for accounts that name no dns_server; nil is the system's
	Now      func() time.Time // nil is time.Now
	// Report is told of events, one at a time.
	Report func(Event)
	// Wire is told of the dialogue, line by line, credentials replaced, bodies left out. Nil for none.
	Wire func(account string, sent bool, line string)
	// Step is called at each of Steps as it is passed, from several goroutines; tests end the process there. Nil for none.
	Step func(name string)
}

// Run fetches the accounts' mail, several at once, and gives one Result each, in their order. A failed account stops no other.
//
// When ctx is cancelled no further message is asked for; what has arrived is made safe, and the sessions end with QUIT within
// a few seconds.
func Run(ctx context.Context, accounts []*config.Account, o Options) []Result {
	e := newEngine(o)
	return e.each(ctx, accounts, (*haul).fetch)
}

// engine is what the accounts of a run share.
type engine struct {
	Options
	flusher *maildir.Flusher
	disk    maildir.Disk // nil is the kernel's; tests put a model here
	boot    string       // which start of the system this is; "" where that cannot be told
	jobs    chan struct{}
	servers map[string]chan struct{}
	telling sync.Mutex
}

func newEngine(o Options) *engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Step == nil {
		o.Step = func(string) {}
	}
	return &engine{Options: o, flusher: maildir.NewFlusher(), boot: bootID(), jobs: make(chan struct{}, max(o.Jobs, 1))}
}

// tell reports an event; calls are serialised so that the reporter needs no lock.
func (e *engine) tell(ev Event) {
	if e.Report == nil {
		return
	}
	e.telling.Lock()
	defer e.telling.Unlock()
	e.Report(ev)
}

// Steps are the names that Options.Step is called with, in the order of a run.
var Steps = []string{
	StepRecovered, StepConnected, StepLoggedIn, StepListed, StepBodyWritten, StepBatchSynced,
	StepIntentsWritten, StepDelivered, StepSettled, StepDeleSent, StepQuitSent,
}

// The steps of a run.
const (
	StepRecovered      = "recovered"       // an earlier run's intents are resolved; once a run that found any
	StepConnected      = "connected"       // the greeting is read, TLS stands if it is to
	StepLoggedIn       = "logged-in"       // the server has let the account in
	StepListed         = "listed"          // STAT and UIDL are read, and LIST where it goes with them
	StepBodyWritten    = "body-written"    // one message is in the spool, not synced
	StepBatchSynced    = "batch-synced"    // a batch is durable in the spool
	StepIntentsWritten = "intents-written" // its intents are in the state
	StepDelivered      = "delivered"       // it is in new/, durably
	StepSettled        = "settled"         // all of the run's intents are turned to seen
	StepDeleSent       = "dele-sent"       // the server has marked what may go
	StepQuitSent       = "quit-sent"       // the server has answered QUIT
)
