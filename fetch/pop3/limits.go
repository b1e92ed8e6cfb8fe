package pop3

import "time"

// Nothing that a server sends grows without one of these bounds.
const (
	// bufferSize is one read from the connection; a body line may be longer, every other line must fit.
	bufferSize = 64 << 10
	// firstBuffer is the buffer before anything has filled it: of a thousand sessions at once, most have nothing new to read.
	firstBuffer = 4 << 10
	// maxStatusLine is generous beside the 512 octets of RFC 2449 §4.
	maxStatusLine = 4096
	// mostRefusal is how much is kept of a refusal's words: those of RFC 2449 §4 all fit.
	mostRefusal = 512
	// maxListLine leaves room for UIDs far over the 70 octets of RFC 1939 §7; some servers send them.
	maxListLine = 8192
	// maxMessages bounds a listing, and the message numbers in it: twice the largest maildrop that we promise to handle.
	maxMessages = 2 << 20
	// planPerMessage is what is held of a listed message beside the listing, in octets, by whoever decides about it: what was known of it,
	// its place among those to be fetched and those looked up, and a name if it has none of its own.
	planPerMessage = 32
	// listingPerMessage is what a listing and the plan for it may take in memory, in octets, for each message that STAT told of and that
	// is listed: 44 for us and a UID a fifth longer than RFC 1939 §7 allows, on the average. Longer ones are a flood, even where STAT
	// tells of half a million messages; a maildrop of a million has the room that its UIDs need.
	listingPerMessage = 128
	// unforeseenListing is what they may take whatever STAT told: STAT is advisory, and some servers tell nothing usable. With
	// UIDs of 40 octets that is 60,000 messages; and two listings without an end, the garbage collector being late for the first,
	// leave the process below 32 MiB.
	unforeseenListing = 5 << 20
	// maxHeader bounds a header in octets: some ten times the largest that mail servers take.
	maxHeader = 1 << 20
	// maxTop bounds the reply to a TOP of which no more than maxHeader is looked at: servers that take it for RETR send whole messages,
	// and nearly all of those are smaller.
	maxTop = 64 << 20
	// maxCapabilities is some five times what any server announces.
	maxCapabilities = 100
	// maxChallenges ends a SASL exchange that does not end by itself; the longest real one takes four.
	maxChallenges = 16

	// maxCommand is the longest command line with its CRLF (RFC 2449 §4); a longer SASL response goes on a line of its own.
	maxCommand = 255

	// windowCommands and windowBytes are the most that may be outstanding when pipelining: enough that a thousand small
	// messages cost one round trip (with 512 they cost two, a tenth of the whole run's time at 40 ms), and little enough that the server's
	// output never fills every buffer on the way.
	windowCommands = 1024
	windowBytes    = 8 << 20
	// After so many messages or octets at the latest a NOOP goes with the RETRs. Its answer in its place proves that the server has
	// dropped none of them, and that each message before it is the one that was asked for. What is not proved when a run is stopped comes
	// again with the next one: more would be felt behind a slow line, and fewer cost a fast server time.
	proofMessages = 16
	proofBytes    = 256 << 10
	// unknownSize stands in the window for a message whose size LIST did not tell.
	unknownSize = 64 << 10

	// probeFor is how long two NOOPs may take to be answered: a server that has dropped the second one stays silent, and the run waits.
	probeFor = 15 * time.Second

	// leastRate is the slowest a reply may come, in octets a second, once the first time-out has passed: half of what a 9600 baud
	// modem did, so that only a server which holds the run on purpose is cut off.
	leastRate = 500
	// mostCredit bounds the delays of a session together, beside one time-out: replies that are each just fast enough must not hold a
	// run for days. What comes at the least rate, or in replyCredit a reply, uses none of it up.
	mostCredit  = 10 * time.Minute
	replyCredit = 2 * time.Second
)
