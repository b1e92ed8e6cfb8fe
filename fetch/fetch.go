// Package fetch is the engine: it decides what happens to mail. Run takes checked accounts and hauls their mail into their
// Maildirs, each message exactly once. What happens is told by events; how it is shown, and what the process exits with, is
// the command's business.
//
// Data flows one way: plan → session → message → batch → seen → report. Of an account, one goroutine speaks with the server
// and writes bodies into the spool (session.go), another makes batches of them durable (batch.go); the pop3 client has a
// third that sends commands ahead. Accounts share nothing but the limits of the scheduler and the flusher of a file system.
package fetch

import (
	"context"
	"time"

	"haulmail/config"
	"haulmail/fetch/dial"
)

// Options are what a run needs besides the accounts. The zero value of a field is its default where one is named.
type Options struct {
	Jobs      int    // accounts at once; 0 is 1
	PerServer int    // accounts at once at one server; 0 is no limit of its own
	StateDir  string // folder of the state files
	Hostname  string // for the names of delivered files
	Version   string // for nothing but diagnosis
	DryRun    bool   // choose and report, change nothing anywhere
	Adopt     bool   // accept that an account's server or user has changed

	// Password gives an account's password; it is asked once for each account, before connecting.
	Password func(context.Context, *config.Account) (config.Secret, error)
	Resolver dial.Resolver // nil is the system's
	Now      func() time.Time
	// Report is told of events, one at a time.
	Report func(Event)
	// Wire is told of the dialogue, line by line, credentials replaced, bodies left out. Nil for none.
	Wire func(account string, sent bool, line string)
	// Step is called at each of Steps as it is passed, from several goroutines; tests kill the process there. Nil for none.
	Step func(name string)
}
