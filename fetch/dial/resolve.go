package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Resolver looks addresses up; *net.Resolver is one. LookupNetIP is asked for network "ip6" and "ip4" at the same time,
// must be safe for that, and must return soon after ctx ends.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Family restricts addresses.
type Family int

// The families.
const (
	AnyFamily Family = iota
	IPv4
	IPv6
)

// String gives "IPv4" or "IPv6".
func (f Family) String() string { return [...]string{"IP", "IPv4", "IPv6"}[f] }

// networks are the look-ups a family takes, as Resolver names them.
func (f Family) networks() []string { return [...][]string{{"ip6", "ip4"}, {"ip4"}, {"ip6"}}[f] }

// Resolve gives every address of host in the order to try them: both families interleaved (RFC 8305 §4), IPv6 first
// unless this machine's routes say otherwise (RFC 6724 §6), each address once, at most 120 of a family. An address literal
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
	for a := range look(ctx, r, host, AnyFamily) {
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
	return nil, noAddress(ctx, r, host, AnyFamily, failures)
}

// answer is what one look-up gave. A family without data is an answer without addresses and without an error.
type answer struct {
	six, four []netip.Addr
	err       error // the look-up failed: nobody knows whether there are addresses
	took      time.Duration
}

// look starts the look-ups of host; the channel has room for all answers and is closed after the last.
func look(ctx context.Context, r Resolver, host string, family Family) <-chan answer {
	if r == nil {
		r = net.DefaultResolver
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return literal(addr, family)
	}
	answers := make(chan answer, 2)
	var both sync.WaitGroup
	for _, network := range family.networks() {
		both.Go(func() { answers <- lookFamily(ctx, r, network, host) })
	}
	go func() {
		both.Wait()
		close(answers)
	}()
	return answers
}

// literal answers for a host that is an address already: with nothing, if it is of the wrong family.
func literal(addr netip.Addr, family Family) <-chan answer {
	answers := make(chan answer, 1)
	switch addr = addr.Unmap(); {
	case addr.Is4() && family != IPv6:
		answers <- answer{four: []netip.Addr{addr}}
	case addr.Is6() && family != IPv4:
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
