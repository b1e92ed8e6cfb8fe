package dial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// race is one Connect under way. All of it belongs to the goroutine that runs it; look-ups and attempts report by
// channel.
type race struct {
	d     *Dialer
	host  string
	port  uint16
	delay time.Duration
	start time.Time

	answers  <-chan answer // nil once all look-ups have answered
	failures []error       // of look-ups

	six, four []netip.Addr // known and not yet tried
	turnOfV4  bool         // whose turn it is

	outcomes chan outcome
	open     int       // attempts under way
	lastTry  time.Time // when the last one started
	tries    []Try     // all, in the order they started; Err is nil while one is under way
}

// outcome is the end of one attempt.
type outcome struct {
	index int // in tries
	conn  net.Conn
	err   error
	took  time.Duration
}

func newRace(ctx context.Context, d *Dialer, host string, port uint16) *race {
	return &race{
		d: d, host: host, port: port,
		delay:    cmp.Or(max(d.AttemptDelay, 0), defaultAttemptDelay),
		start:    time.Now(),
		answers:  look(ctx, d.Resolver, host, d.family()),
		outcomes: make(chan outcome),
	}
}

// run resolves, then tries addresses until one answers, none is left, or ctx ends; without a winner it gives nil.
func (r *race) run(ctx context.Context) net.Conn {
	r.gather(ctx)
	turn := time.NewTimer(0)
	defer turn.Stop()
	for r.open > 0 || r.answers != nil || len(r.six)+len(r.four) > 0 {
		select {
		case <-turn.C:
			if addr, ok := r.next(); ok {
				r.try(ctx, addr)
				turn.Reset(r.delay)
			}
		case out := <-r.outcomes:
			if r.settle(out); out.err == nil {
				return out.conn
			}
			turn.Reset(0)
		case a, ok := <-r.answers:
			if r.take(a, ok); ok {
				r.report(a)
				turn.Reset(r.untilNext())
			}
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// gather waits for both families, and for the second one no longer than resolutionDelay after the first gave addresses.
func (r *race) gather(ctx context.Context) {
	var got answer
	var patience <-chan time.Time
	for r.answers != nil {
		select {
		case a, ok := <-r.answers:
			r.take(a, ok)
			got.six, got.four = append(got.six, a.six...), append(got.four, a.four...)
			got.err = errors.Join(got.err, a.err)
			got.took = max(got.took, a.took)
			if len(got.six)+len(got.four) > 0 && patience == nil {
				patience = time.After(resolutionDelay)
			}
			continue
		case <-patience:
		case <-ctx.Done():
		}
		break
	}
	r.turnOfV4 = len(r.six) == 0 || (r.d.DialAddr == nil && prefersV4(r.six, r.four, sourceFor))
	if len(got.six)+len(got.four) > 0 {
		r.report(got)
	}
}

// take keeps the addresses of an answer for their turn.
func (r *race) take(a answer, ok bool) {
	if !ok {
		r.answers = nil
		return
	}
	r.six, r.four = append(r.six, a.six...), append(r.four, a.four...)
	if a.err != nil {
		r.failures = append(r.failures, a.err)
	}
}

// report traces an answer that says something: addresses, or a failure.
func (r *race) report(a answer) {
	if addrs := interleave(a.six, a.four, r.turnOfV4); len(addrs) > 0 || a.err != nil {
		r.d.trace(Event{Kind: Resolved, Host: r.host, Addrs: addrs, Err: a.err, Took: a.took})
	}
}

// next takes the next address: the families in turns while both have some.
func (r *race) next() (netip.Addr, bool) {
	from := &r.six
	if len(r.six) == 0 || (r.turnOfV4 && len(r.four) > 0) {
		from = &r.four
	}
	if len(*from) == 0 {
		return netip.Addr{}, false
	}
	addr := (*from)[0]
	*from = (*from)[1:]
	r.turnOfV4 = addr.Is6()
	return addr, true
}

// untilNext is how long an address that came late has to wait for its turn.
func (r *race) untilNext() time.Duration {
	if r.open == 0 {
		return 0
	}
	return max(0, time.Until(r.lastTry.Add(r.delay)))
}

// try starts an attempt; its outcome is always sent, and always received (by run or by callBack).
func (r *race) try(ctx context.Context, addr netip.Addr) {
	target := netip.AddrPortFrom(addr, r.port)
	index := len(r.tries)
	r.tries = append(r.tries, Try{Addr: target})
	r.open++
	r.lastTry = time.Now()
	go func() {
		start := time.Now()
		conn, err := r.d.open(ctx, target)
		r.outcomes <- outcome{index, conn, err, time.Since(start)}
	}()
}

// settle books the end of an attempt that was waited for.
func (r *race) settle(out outcome) {
	r.open--
	try := &r.tries[out.index]
	try.Err = out.err
	kind := Tried
	if out.err == nil {
		kind = Connected
	}
	r.d.trace(Event{Kind: kind, Host: r.host, Addr: try.Addr, Err: out.err, Took: out.took})
}

// callBack waits for what is still under way after the race, which the cancelled context ends, and closes what connects
// in the last moment. Attempts that did not fail by themselves ended because of ended.
func (r *race) callBack(ended error) {
	for r.open > 0 {
		out := <-r.outcomes
		if out.conn != nil {
			out.conn.Close()
			out.conn = nil
		}
		if out.err == nil || isTimeout(out.err) || errors.Is(out.err, context.Canceled) {
			out.err = ended
		}
		r.settle(out)
	}
	if r.answers == nil {
		return
	}
	for a := range r.answers {
		r.take(a, true)
	}
}

// failure is the error of a race without a winner.
func (r *race) failure(ctx context.Context) *Error {
	took := time.Since(r.start)
	untried := len(r.six) + len(r.four)
	if len(r.tries)+untried == 0 {
		return noAddress(ctx, r.d.Resolver, r.host, r.d.family(), r.failures)
	}
	e := &Error{
		Kind: r.kind(), Host: r.host, Port: int(r.port), Tries: r.tries, Err: errors.Join(r.failures...),
		doing: "connect to " + target(r.host, int(r.port)),
	}
	e.reason = r.reasons(took, untried)
	e.hint = connectHint(e.Kind, r.port)
	if r.d.Source.IsValid() && errors.Is(e, syscall.EADDRNOTAVAIL) {
		e.hint = "is source_ip, " + r.d.Source.String() + ", an address of this machine?"
	}
	return e
}

// kind picks the outcome that says most: a refusal shows the host is there, a missing route is often just the family
// this network does not have.
func (r *race) kind() Kind {
	kind := Unreachable
	if len(r.tries) == 0 {
		return TimedOut
	}
	for _, t := range r.tries {
		switch tryKind(t.Err) {
		case Refused:
			return Refused
		case TimedOut:
			kind = TimedOut
		}
	}
	return kind
}

// reasons lists each address with its reason, then what the list lacks.
func (r *race) reasons(took time.Duration, untried int) string {
	var parts []string
	for _, t := range r.tries {
		reason := why(t.Err)
		if reason == timedOut {
			reason = within(took)
		}
		if _, err := netip.ParseAddr(r.host); err != nil {
			reason = t.Addr.Addr().String() + ": " + reason
		}
		parts = append(parts, reason)
	}
	if untried > 0 {
		parts = append(parts, fmt.Sprintf("not tried within %v: %d more", rounded(took), untried))
	}
	for _, err := range r.failures {
		parts = append(parts, err.Error())
	}
	return strings.Join(parts, "; ")
}
