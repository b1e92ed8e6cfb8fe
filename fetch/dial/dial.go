// Package dial brings a POP3 server's name to an open, verified connection: DNS, happy eyeballs, proxies, TLS.
//
// A name is asked for in both address families at once, its addresses are tried one after another without waiting for
// the slow ones (RFC 8305), the first connection that opens wins and the others are closed. Or the way leads by SRV
// records, through a SOCKS or HTTP proxy, through a program's input and output, or to a Unix socket. TLS is at least 1.2,
// and whom it leads to is always verified: by the certificate's chain and name, or by a pin of its key. The one exception
// has to be asked for, and is for the first connection whose key is remembered.
//
// It promises that every wait ends (with the context, with Dialer.Timeout, or with a default), that no goroutine and no
// connection is left behind, that nothing read from DNS or from a certificate is kept without a bound or shown with its
// control characters, and that every failure of network or trust is an *Error: one lower-case line, a Kind to decide by
// and a hint for a person. Only a cancelled context is reported as itself (errors.Is context.Canceled).
//
// It imports nothing of the repository. The engine (fetch) calls it; it knows neither accounts nor POP3.
package dial

import "time"

// Limits on what comes from outside, and on every wait.
const (
	// defaultTimeout ends a connect or a handshake whose caller named no limit.
	defaultTimeout = 60 * time.Second
	// defaultAttemptDelay is the Connection Attempt Delay of RFC 8305 §5.
	defaultAttemptDelay = 250 * time.Millisecond
	// resolutionDelay is how long the first family's answer waits for the other one. RFC 8305 §3 takes 50 ms for a
	// late AAAA; the same patience for a late A keeps the list of addresses in one piece.
	resolutionDelay = 50 * time.Millisecond
	// maxAddrsPerFamily: mail providers publish up to about ten. With both families these are as many attempts as the
	// default time-out has time for at the default delay; a DNS answer may hold some 4,000.
	maxAddrsPerFamily = 120
	// maxCAFile: the Debian bundle of all CAs has 0.2 MiB, bundles with comments reach 1 MiB.
	maxCAFile = 16 << 20
	// maxNamesShown and maxTextShown bound what an error line repeats of a certificate or a peer's words, in names
	// and in bytes.
	maxNamesShown = 4
	maxTextShown  = 200
	// maxServices bounds the servers that are tried; providers name one or two.
	maxServices = 8
	// existsWithin bounds a question that is about the words of an error.
	existsWithin = 2 * time.Second
	// maxProxyHeader bounds a proxy's answer to CONNECT; real ones have some 200 octets.
	maxProxyHeader = 16 << 10
	// endWithin is how long a program may take to end once it was told to; then it is killed.
	endWithin = 2 * time.Second
	// maxComplaint is what is kept of the end of a program's standard error, in bytes.
	maxComplaint = 1 << 10
)
