package dial

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Kind says what went wrong, for those who decide by it (exit codes, retries).
type Kind int

const (
	// UnknownHost: the name does not exist or has no address (NXDOMAIN, no data).
	UnknownHost Kind = iota + 1
	// ResolverFailed: nobody answered for the name (SERVFAIL, time-out, no name server); it may exist.
	ResolverFailed
	// Refused: the host is there and takes no connection on this port.
	Refused
	// Unreachable: no way to the host (no route, no network, a local limit).
	Unreachable
	// TimedOut: no answer in time, from connect or in the handshake.
	TimedOut
	// Lost: the connection ended in the middle of the handshake.
	Lost
	// BadCertificate: TLS works and the certificate is not one to trust for this host.
	BadCertificate
	// WrongKey: TLS works and the server shows another certificate or key than the one it is pinned to.
	WrongKey
	// HandshakeFailed: no agreement on TLS, or no TLS at all on this port.
	HandshakeFailed
	// BadCAFile: the file of trusted authorities cannot be used.
	BadCAFile
	// BadClientCert: our own certificate or its key cannot be used.
	BadClientCert
	// NoService: the domain says by its SRV records that it has no POP3.
	NoService
	// ProxyRefused: the proxy does not let us through, and will not do so another time.
	ProxyRefused
	// ProxyFailed: the proxy cannot reach the server for now.
	ProxyFailed
	// BadCommand: the proxy command cannot be run at all.
	BadCommand
)

var kindNames = [...]string{
	UnknownHost: "unknown host", ResolverFailed: "resolver failed", Refused: "refused", Unreachable: "unreachable",
	TimedOut: "timed out", Lost: "connection lost", BadCertificate: "bad certificate",
	WrongKey: "wrong key", HandshakeFailed: "handshake failed", BadCAFile: "bad CA file",
	BadClientCert: "bad client certificate", NoService: "no such service", ProxyRefused: "refused by the proxy",
	ProxyFailed: "not reached by the proxy", BadCommand: "bad proxy command",
}

// String gives the kind in words.
func (k Kind) String() string {
	if k > 0 && int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Error is every failure of this package except a cancelled context.
type Error struct {
	Kind  Kind
	Host  string // as the caller named it; "" for files
	Port  int    // 0 where no port was involved yet
	Tries []Try  // every address that was tried, when none of them answered
	Err   error  // the cause; nil where Tries or the text say it all
	// Chain is what a server showed that is not trusted, its own certificate first.
	Chain []*x509.Certificate

	doing  string // "resolve pop.example.org"
	reason string // why, in one line for a person
	hint   string
}

// Try is one address and why it did not answer.
type Try struct {
	Addr netip.AddrPort
	Err  error
}

// Error gives one lower-case line: what was being done, and why it failed.
func (e *Error) Error() string { return e.doing + ": " + e.reason }

// Unwrap gives the cause and the cause of each try.
func (e *Error) Unwrap() []error {
	var causes []error
	if e.Err != nil {
		causes = append(causes, e.Err)
	}
	for _, t := range e.Tries {
		causes = append(causes, t.Err)
	}
	return causes
}

// Temporary says that the same attempt may succeed later without anyone changing anything.
func (e *Error) Temporary() bool {
	switch e.Kind {
	case ResolverFailed, Refused, Unreachable, TimedOut, Lost, ProxyFailed:
		return true
	}
	return false
}

// Timeout says that a limit ended the attempt.
func (e *Error) Timeout() bool { return e.Kind == TimedOut }

// Hint says what to do next, in one line; it may be "".
func (e *Error) Hint() string { return e.hint }

// Advise replaces the hint by one that knows more.
func (e *Error) Advise(hint string) { e.hint = hint }

// target names a host and port for an error line, with brackets where IPv6 needs them.
func target(host string, port int) string {
	return plain(net.JoinHostPort(host, strconv.Itoa(port)))
}

// plain makes text from outside fit for one line on a terminal: control characters escaped, length bounded.
func plain(s string) string {
	cut := len(s) > maxTextShown
	if cut {
		s = s[:maxTextShown]
	}
	q := strconv.QuoteToGraphic(s)
	s = strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
	if cut {
		s += "…"
	}
	return s
}

// timedOut is what why says of a limit.
const timedOut = "timed out"

// why reduces the error of a socket to its cause: "connection refused" of "dial tcp 192.0.2.1:995: connect: connection
// refused", because the address is named beside it.
func why(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	if isTimeout(err) {
		return timedOut
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		err = op.Err
	}
	return plain(err.Error())
}

// isTimeout covers deadlines of contexts and connections, and the kernel's own time-out.
func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

// within words a limit for "no answer within 10s".
func within(d time.Duration) string { return "no answer within " + rounded(d).String() }

// rounded shortens a duration to what a person reads.
func rounded(d time.Duration) time.Duration {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second)
	case d >= time.Second:
		return d.Round(100 * time.Millisecond)
	case d >= 100*time.Millisecond:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Microsecond)
}

// tryKind sorts the error of one attempt.
func tryKind(err error) Kind {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case isTimeout(err):
		return TimedOut
	}
	return Unreachable
}

// connectHint says what to do about a connect that failed.
func connectHint(kind Kind, port uint16) string {
	switch kind {
	case Refused:
		return "nothing listens there; check the port or tls: implicit 995, starttls 110"
	case TimedOut:
		return fmt.Sprintf("the server is down, or a firewall drops port %d; check the port", port)
	}
	return "check this machine's network"
}
