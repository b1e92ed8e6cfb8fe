package fetch

import "time"

// The engine's bounds, all in one place: nothing that a server, a state or a Maildir holds makes a run larger or longer than these allow.
// Those of the wire are in package pop3.
const (
	// A message ends somewhere, whatever the server says: after four times LIST's size and some more, or, where LIST told none, after
	// unlistedLimit. LIST's sizes are wrong by a few percent on some servers, and not by more.
	limitFactor   = 4
	limitBase     = 64 << 20
	unlistedLimit = 2 << 30
	// limitSlack is the part of max_size by which a message may be larger than LIST says: some servers count a line's end as one octet.
	limitSlack = 16
	// believable is the largest size that LIST is believed. A larger one says nothing, and sums of them could overflow.
	believable = 64 << 30

	// A batch is closed when it holds batchMessages or batchBytes, or when nothing has arrived for batchIdle. While it is made durable
	// as many messages as one more batch may hold can arrive; then the server has to wait.
	batchMessages = 512
	batchBytes    = 64 << 20
	batchIdle     = 200 * time.Millisecond

	// mostSessions bounds the sessions of an account's run.
	mostSessions = 5
	// mostThrownAway is how often a doubt may cost the messages that were asked for ahead behind it: with a server whose sizes are far off
	// for every message, each of them would cost a window.
	mostThrownAway = 3
	// headersAtOnce is how many headers are asked for before anything is decided by them.
	headersAtOnce = 512
	// agesAtOnce is how many messages that are too old are noted in one transaction.
	agesAtOnce = 8192
	// mostTopless is how many TOPs are refused before any is answered until the server counts as one without TOP.
	mostTopless = 64
	// mostTopCuts is how many sessions of a run end at the question for a header until the server counts as one without TOP, if it has
	// given no header ever. What is left of the run's sessions is for the mail itself.
	mostTopCuts = 2
	// nameBlock is how much of the names of messages without UIDs is taken at once, in octets: many times a name.
	nameBlock = 1 << 18

	// mostTold is how many failed messages of a run are told of one by one; the state has them all.
	mostTold = 5
	// mostWhy is how much is kept of the reasons of all others, in octets: ten thousand are held until they are noted.
	mostWhy = 100
	// notedAtOnce is how many failures are written in one transaction. What a transaction changes is held until its end; nothing is lost
	// between two.
	notedAtOnce = 1000
	// leastHidden is the shortest text that is looked for in UIDs: shorter ones stand in some of them by chance.
	leastHidden = 6

	// mostDelay bounds what a server may ask for: no run must be kept away for good.
	mostDelay = 24 * time.Hour
	// refusedDelay is how long a server is left alone that refuses a login as too early and announces no time between two.
	refusedDelay = time.Minute
	// untilNextRun is how long after a login is allowed again the next run may come and still know what this one has left to it.
	untilNextRun = 24 * time.Hour
	// firstPause is the time before the first retry; each further one is three times as long.
	firstPause = 2 * time.Second
	// lockWait is how long they wait at least who change a state that a run holds: it is at its end, or a person had better hear of it.
	lockWait = 2 * time.Second
	// quitWithin is how long a run that was asked to stop may take to read what is already under way and to say QUIT.
	quitWithin = 4500 * time.Millisecond
	// progressEvery is how often a download is told of.
	progressEvery = 100 * time.Millisecond
	// evidenceFor is how long an intent whose file is nowhere still counts as delivered: a reader has moved or deleted it since. An older
	// one may tell of a spool that a cleaner emptied.
	evidenceFor = 24 * time.Hour
)

// Bounds that tests lower.
var (
	// manyKnown is how many known messages have their sizes wait until something depends on them: their LIST takes longer than the round trip
	// of 40 ms that it costs then, on a line of 10 Mbit/s.
	manyKnown = 4096
	// mostInWalk is how many messages one walk is given: so many that its end, which costs a round trip, is rare, and so few that what it
	// takes in memory for each of them does not matter.
	mostInWalk = 1 << 15
	// mostNameless is how many messages without UIDs a run tells apart; more stay on the server until some of these are gone. Each costs a
	// request of its own in every run, and more memory than one with a UID: a server need not send it for that.
	mostNameless = 30_000
)

// bodyLimit is where the message of a size ends, whatever the server says. A header has the least room; and where max_size is set, so
// has a message that is small in LIST alone.
func bodyLimit(size int64, r policy) int64 {
	limit := int64(unlistedLimit)
	switch {
	case r.HeadersOnly:
		return limitBase
	case size >= 0 && size <= believable:
		limit = limitBase + limitFactor*size
	}
	if r.MaxSize > 0 {
		limit = min(limit, int64(r.MaxSize)+int64(r.MaxSize)/limitSlack)
	}
	return limit
}
