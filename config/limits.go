package config

import "time"

// What a file may ask for, and what holds where it asks for nothing. A config is written by hand or by a script of its
// owner, so the bounds only catch slips and runaway generators.
const (
	// MaxJobs bounds the accounts at the same time: each takes a few file descriptors.
	MaxJobs = 1000

	maxFileSize    = 1 << 20 // bytes; 1,000 accounts need about 300 KiB
	maxErrors      = 100     // reported at once; more would not be read anyway
	maxNameLen     = 64      // characters of an account name: it becomes a file name
	maxNameBytes   = 200     // and its bytes: a file name has 255, with room for an ending
	maxUsernameLen = 480     // bytes; RFC 2449 §4 bounds a command line at 255 octets, real servers take more
	maxProxyLen    = 255     // bytes of a proxy's user name or password (RFC 1929 §2)
	maxSocket      = 103     // bytes of a path: what every system's sockaddr_un has room for

	maxRetries  = 10            // the pauses grow: more would be days
	maxRuns     = 1_000_000     // of "error_after": years of one run a minute
	maxCount    = 1_000_000_000 // of "max_messages": more than any server lists
	maxInterval = Duration(30 * 24 * time.Hour)
	maxJitter   = Duration(24 * time.Hour)
	// maxDuration and maxSize keep sums far from the end of int64, which is 292 years of nanoseconds.
	maxDuration = 100 * 365 * 24 * time.Hour
	maxSize     = Size(1 << 50)

	defaultJobs            = 16                         // hides the latency of many servers; one connection an account
	defaultPerServer       = 4                          // providers cut off clients that open many sessions at once
	defaultRetries         = 2                          // some seconds: a mailbox that is in use for longer waits for the next run
	defaultTimeout         = Duration(60 * time.Second) // slow servers think that long before they greet
	defaultPasswordTimeout = Duration(60 * time.Second) // to type a passphrase; a cron job asks a person who isn't there
)
