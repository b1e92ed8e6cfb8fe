package token

import "time"

// Bounds on what a provider or a file says, and on every wait.
const (
	maxFile  = 256 << 10 // bytes of a token file; two tokens of a few thousand each are the rule
	maxToken = 64 << 10  // bytes of one token
	maxShown = 300       // characters of what a provider says
	// maxAnswer bounds what a provider may answer with. It is below the bound of
	// package oauth2 itself, 1 MiB, behind which that would cut an answer off and take
	// the rest for all of it.
	maxAnswer = 1<<20 - 1
	// maxPageHeader bounds what a browser sends with the answer of a provider.
	maxPageHeader = 64 << 10

	signInWithin  = 15 * time.Minute // for a person to find their password and their telephone
	usualInterval = 5                // seconds between two questions whether they are done (RFC 8628 §3.2)
	maxInterval   = 60               // the same, at most
	lockRetry     = 20 * time.Millisecond
	lockMargin    = 10 * time.Second // beyond what whoever holds the lock may wait for
	// expiryMargin is how long a token has to be good still to be used as it is: a
	// connection and a login take up to an account's time-out each.
	expiryMargin = 2 * time.Minute
	// answerWithin is how long a provider may take to answer once the run was asked to
	// stop. The answer may make the refresh token that is kept worthless.
	answerWithin = 4500 * time.Millisecond
)
