package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Resolver looks addresses up; *net.Resolver is one. LookupNetIP is asked for network "ip6" and "ip4" at the same time,
// must be safe for that, and must return soon after ctx ends.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Resolve gives every address of host in the order to try them: both families interleaved (RFC 8305 §4), IPv6 first
// unless this machine's routes say otherwise (RFC 6724 §6), each address once, at most 16 of a family. An address literal
// is returned as it is, without a look-up. A nil Resolver is net.DefaultResolver.
//
// It waits for both families until ctx ends (60 s where ctx has no deadline); a family that fails while the other one
// has addresses is no error. Errors: *Error with Kind UnknownHost or ResolverFailed.
func Resolve(ctx context.Context, r Resolver, host string) ([]netip.Addr, error) {
	outer := ctx
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
	}
	var six, four []netip.Addr
	var failures []error
	for a := range look(ctx, r, host) {
		six, four = append(six, a.six...), append(four, a.four...)
		if a.err != nil {
			failures = append(failures, a.err)
		}
	}
	if len(six)+len(four) > 0 {
		return interleave(six, four, prefersV4(six, four, sourceFor)), nil
	}
	if outer.Err() != nil && !isTimeout(outer.Err()) {
		return nil, fmt.Errorf("resolve %s: %w", plain(host), outer.Err())
	}
	return nil, noAddress(host, failures)
}

// answer is what one look-up gave. A family without data is an answer without addresses and without an error.
type answer struct {
	six, four []netip.Addr
	err       error // the look-up failed: nobody knows whether there are addresses
	took      time.Duration
}

// look starts the look-ups of host; the channel has room for all answers and is closed after the last.
func look(ctx context.Context, r Resolver, host string) <-chan answer {
	if r == nil {
		r = net.DefaultResolver
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return literal(addr)
	}
	answers := make(chan answer, 2)
	var both sync.WaitGroup
	for _, network := range []string{"ip6", "ip4"} {
		both.Go(func() { answers <- lookFamily(ctx, r, network, host) })
	}
	go func() {
		both.Wait()
		close(answers)
	}()
	return answers
}

// literal answers for a host that is an address already.
func literal(addr netip.Addr) <-chan answer {
	answers := make(chan answer, 1)
	if addr = addr.Unmap(); addr.Is4() {
		answers <- answer{four: []netip.Addr{addr}}
	} else {
		answers <- answer{six: []netip.Addr{addr}}
	}
	close(answers)
	return answers
}

// lookFamily asks for one family. Addresses of the other one are left to the other look-up: a hosts file or a simple
// Resolver gives both whatever it was asked for.
func lookFamily(ctx context.Context, r Resolver, network, host string) answer {
	start := time.Now()
	found, err := r.LookupNetIP(ctx, network, host)
	a := answer{took: time.Since(start)}
	if err != nil {
		if !noData(err) {
			a.err = &lookupError{network, err}
		}
		return a
	}
	if network == "ip6" {
		a.six = usable(found, netip.Addr.Is6)
	} else {
		a.four = usable(found, netip.Addr.Is4)
	}
	return a
}

// usable keeps a family's addresses once each, without those that are nobody's: filters answer 0.0.0.0 or :: for a
// blocked name, and a connect to it would reach this machine.
func usable(found []netip.Addr, family func(netip.Addr) bool) []netip.Addr {
	var kept []netip.Addr
	for _, addr := range found {
		addr = addr.Unmap()
		if !addr.IsValid() || !family(addr) || addr.IsUnspecified() || addr.IsMulticast() || slices.Contains(kept, addr) {
			continue
		}
		if kept = append(kept, addr); len(kept) == maxAddrsPerFamily {
			break
		}
	}
	return kept
}

// lookupError is the failure of one family's look-up.
type lookupError struct {
	network string
	err     error
}

func (l *lookupError) Unwrap() error { return l.err }

// Error names the record that was asked for, and the server that was asked where that is known.
func (l *lookupError) Error() string {
	record := "A"
	if l.network == "ip6" {
		record = "AAAA"
	}
	return record + " look-up: " + resolverReason(l.err)
}

// noData tells "there is none" from "nobody could say".
func noData(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	// The hosts file knows the name, in the other family only.
	_, ok := errors.AsType[*net.AddrError](err)
	return ok
}

// noAddress is the error of a name for which no look-up gave an address.
func noAddress(host string, failures []error) *Error {
	e := &Error{Host: host, doing: "resolve " + plain(host), Err: errors.Join(failures...)}
	if len(failures) == 0 {
		e.Kind, e.reason = UnknownHost, "no such host"
		e.hint = "check the name of the server"
		if strings.IndexFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			e.hint = "write the server's name in its ASCII form (xn--…)"
		}
		return e
	}
	e.Kind, e.reason = ResolverFailed, resolverReason(failures[0])
	e.hint = "the name server gave no answer for now; try again later, or look at /etc/resolv.conf"
	return e
}

// resolverReason words a failed look-up, with the server that was asked where that is known. net.DNSError keeps only the
// text of a socket's error, so the addresses in front of the reason are cut off as text.
func resolverReason(err error) string {
	if l, ok := errors.AsType[*lookupError](err); ok {
		err = l.err
	}
	dns, ok := errors.AsType[*net.DNSError](err)
	if !ok {
		return why(err)
	}
	reason := dns.Err[strings.LastIndex(dns.Err, ": ")+1:]
	if isTimeout(err) {
		reason = "no answer in time"
	}
	reason = plain(strings.TrimSpace(reason))
	if dns.Server != "" {
		reason += " (asked " + plain(dns.Server) + ")"
	}
	return reason
}

// interleave takes the families in turns, each in its own order.
func interleave(six, four []netip.Addr, v4First bool) []netip.Addr {
	first, second := six, four
	if v4First {
		first, second = four, six
	}
	var order []netip.Addr
	for i := range max(len(first), len(second)) {
		if i < len(first) {
			order = append(order, first[i])
		}
		if i < len(second) {
			order = append(order, second[i])
		}
	}
	return order
}

// prefersV4 applies what RFC 6724 §6 says across families, which a look-up by family cannot: IPv4 goes first where this
// machine has no IPv6 route, or only a local address (fc00::/7) to reach a global one from. source is sourceFor.
func prefersV4(six, four []netip.Addr, source func(netip.Addr) (netip.Addr, bool)) bool {
	if len(six) == 0 || len(four) == 0 {
		return false
	}
	if _, ok := source(four[0]); !ok {
		return false
	}
	from, ok := source(six[0])
	return !ok || (from.IsPrivate() && !six[0].IsPrivate())
}

// sourceFor asks the routing table which address this machine would reach dst from. Connecting a UDP socket sends
// nothing.
func sourceFor(dst netip.Addr) (netip.Addr, bool) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(dst, 9)))
	if err != nil {
		return netip.Addr{}, false
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), true
}
