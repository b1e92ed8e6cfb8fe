package dial

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Dialer opens TCP connections by host name. Its zero value is ready; its methods may be called from several goroutines
// as long as its fields stay as they are.
type Dialer struct {
	// Resolver looks names up; nil is net.DefaultResolver.
	Resolver Resolver
	// Family restricts the addresses that are asked for and tried; AnyFamily is both.
	Family Family
	// Source is the address of this machine to connect from, and restricts the family to its own; the zero Addr leaves
	// the choice to the system.
	Source netip.Addr
	// Timeout bounds one whole Connect: look-ups and all addresses together. An attempt needs no shorter limit of its
	// own, since the next address never waits for it longer than AttemptDelay. 0 is 60 s.
	Timeout time.Duration
	// AttemptDelay is how long an attempt stays alone before the next address is tried beside it; 0 is 250 ms
	// (RFC 8305 §5).
	AttemptDelay time.Duration
	// DialAddr opens one connection and must return soon after ctx ends; nil is a net.Dialer, with its keep-alive and
	// TCP_NODELAY. With a DialAddr of its own the routes of this machine do not count and IPv6 goes first.
	DialAddr func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
	// Trace is told each step, in order and from the goroutine that called Connect; nil is nobody.
	Trace func(Event)
}

// Connect resolves host and opens a TCP connection to the first of its addresses that answers: the addresses are tried
// in the order of Resolve, the next one when the one before has failed or has been silent for AttemptDelay, all at the
// same time (happy eyeballs, RFC 8305). What loses is closed before Connect returns. The caller closes the connection.
//
// Errors: *Error with Kind UnknownHost, ResolverFailed, Refused, Unreachable or TimedOut; where no address answered, its
// text and its Tries name each with its reason. A cancelled ctx: an error that is context.Canceled. A port out of range:
// a plain error.
func (d *Dialer) Connect(ctx context.Context, host string, port int) (net.Conn, error) {
	if port < 1 || port > 65535 {
		return nil, fmt.Errorf("connect to %s: a port is 1 to 65535", target(host, port))
	}
	limited, cancel := context.WithTimeout(ctx, d.limit())
	defer cancel()
	r := newRace(limited, d, host, uint16(port))
	conn := r.run(limited)
	ended := limited.Err()
	if conn != nil {
		ended = ErrOvertaken
	}
	cancel()
	r.callBack(ended)
	if conn != nil {
		return conn, nil
	}
	if ctx.Err() != nil && !isTimeout(ctx.Err()) {
		return nil, fmt.Errorf("connect to %s: %w", target(host, port), ctx.Err())
	}
	return nil, r.failure(ctx)
}

// limit is Timeout with its default.
func (d *Dialer) limit() time.Duration { return cmp.Or(max(d.Timeout, 0), defaultTimeout) }

// family is that of Family and Source together.
func (d *Dialer) family() Family {
	switch {
	case !d.Source.IsValid():
		return d.Family
	case d.Source.Is4():
		return IPv4
	}
	return IPv6
}

func (d *Dialer) trace(e Event) {
	if d.Trace != nil {
		d.Trace(e)
	}
}

// open is one attempt.
func (d *Dialer) open(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	if d.DialAddr != nil {
		return d.DialAddr(ctx, addr)
	}
	var tcp net.Dialer
	if d.Source.IsValid() {
		tcp.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(d.Source, 0))
	}
	return tcp.DialContext(ctx, "tcp", addr.String())
}
