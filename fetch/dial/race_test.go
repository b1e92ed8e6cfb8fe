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
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

const ms = time.Millisecond

// timedResolver answers each family after a while, on the fake clock.
type timedResolver map[string]timedAnswer

type timedAnswer struct {
	after time.Duration
	addrs []netip.Addr
	err   error
}

func (r timedResolver) LookupNetIP(ctx context.Context, network, _ string) ([]netip.Addr, error) {
	a := r[network]
	select {
	case <-time.After(a.after):
		return a.addrs, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// network is a set of addresses that answer after a while, refuse, or stay silent; it remembers what happened when.
type network struct {
	start time.Time
	hosts map[string]fate

	mu    sync.Mutex
	tried []string // "0s 2001:db8::1", in order
	conns []*watchedConn
}

type fate struct {
	after time.Duration
	err   error // nil: the connection opens
	deaf  bool  // the attempt goes on after its context ended, and opens
}

// watchedConn knows whether it was closed.
type watchedConn struct {
	net.Conn
	addr   netip.Addr
	closed bool
}

func (c *watchedConn) Close() error { c.closed = true; return nil }

func (n *network) dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	ip := addr.Addr()
	n.mu.Lock()
	n.tried = append(n.tried, fmt.Sprint(time.Since(n.start), " ", ip))
	n.mu.Unlock()
	f := n.hosts[ip.String()]
	over := ctx.Done()
	if f.deaf {
		over = nil
	}
	select {
	case <-time.After(f.after):
	case <-over:
		return nil, ctx.Err()
	}
	if f.err != nil {
		return nil, f.err
	}
	conn := &watchedConn{addr: ip}
	n.mu.Lock()
	n.conns = append(n.conns, conn)
	n.mu.Unlock()
	return conn, nil
}

const never = 24 * time.Hour

var (
	errRefused     = fmt.Errorf("dial tcp: %w", syscall.ECONNREFUSED)
	errUnreachable = fmt.Errorf("dial tcp: %w", syscall.ENETUNREACH)
	errServFail    = &net.DNSError{Err: "server misbehaving", Name: "pop.test", Server: "192.0.2.53:53", IsTemporary: true}
	errNoSuchHost  = &net.DNSError{Err: "no such host", Name: "pop.test", IsNotFound: true}
)

// raceRow is one race on the fake clock: what DNS and the network do, and what has to come of it.
type raceRow struct {
	name    string
	six     timedAnswer
	four    timedAnswer
	hosts   map[string]fate
	tried   []string // when each address was tried
	took    time.Duration
	winner  string // an address, or
	kind    Kind
	failure string // the whole text
	limit   time.Duration
}

var raceRows = []raceRow{
	{
		name: "the first address answers, the others are left alone",
		six:  timedAnswer{addrs: addrs("2001:db8::1")}, four: timedAnswer{addrs: addrs("192.0.2.1")},
		hosts:  map[string]fate{"2001:db8::1": {after: 249 * ms}},
		tried:  []string{"0s 2001:db8::1"},
		winner: "2001:db8::1", took: 249 * ms,
	},
	{
		name: "a silent address costs one delay",
		six:  timedAnswer{addrs: addrs("2001:db8::1")}, four: timedAnswer{addrs: addrs("192.0.2.1")},
		hosts:  map[string]fate{"2001:db8::1": {after: never}, "192.0.2.1": {after: 10 * ms}},
		tried:  []string{"0s 2001:db8::1", "250ms 192.0.2.1"},
		winner: "192.0.2.1", took: 260 * ms,
	},
	{
		name: "a refusal costs nothing",
		six:  timedAnswer{addrs: addrs("2001:db8::1")}, four: timedAnswer{addrs: addrs("192.0.2.1")},
		hosts:  map[string]fate{"2001:db8::1": {after: 5 * ms, err: errRefused}, "192.0.2.1": {after: 10 * ms}},
		tried:  []string{"0s 2001:db8::1", "5ms 192.0.2.1"},
		winner: "192.0.2.1", took: 15 * ms,
	},
	{
		name: "the families take turns",
		six:  timedAnswer{addrs: addrs("2001:db8::1", "2001:db8::2", "2001:db8::3")}, four: timedAnswer{addrs: addrs("192.0.2.1", "192.0.2.2")},
		hosts: map[string]fate{
			"2001:db8::1": {after: never}, "2001:db8::2": {after: never}, "192.0.2.1": {after: never}, "192.0.2.2": {after: never},
		},
		tried:  []string{"0s 2001:db8::1", "250ms 192.0.2.1", "500ms 2001:db8::2", "750ms 192.0.2.2", "1s 2001:db8::3"},
		winner: "2001:db8::3", took: time.Second,
	},
	{
		name: "a slow address still wins over silent ones",
		six:  timedAnswer{addrs: addrs("2001:db8::1")}, four: timedAnswer{addrs: addrs("192.0.2.1")},
		hosts:  map[string]fate{"2001:db8::1": {after: 3 * time.Second}, "192.0.2.1": {after: never}},
		tried:  []string{"0s 2001:db8::1", "250ms 192.0.2.1"},
		winner: "2001:db8::1", took: 3 * time.Second,
	},
	{
		name:   "both answer at the same moment: one is kept, one closed",
		six:    timedAnswer{addrs: addrs("2001:db8::1")},
		four:   timedAnswer{addrs: addrs("192.0.2.1")},
		hosts:  map[string]fate{"2001:db8::1": {after: 300 * ms}, "192.0.2.1": {after: 60 * ms, deaf: true}},
		tried:  []string{"0s 2001:db8::1", "250ms 192.0.2.1"},
		winner: "2001:db8::1", took: 310 * ms, // the deaf loser is waited for and closed
	},
	{
		name: "a slow AAAA look-up is not waited for longer than 50 ms",
		six:  timedAnswer{after: 5 * time.Second}, four: timedAnswer{after: 20 * ms, addrs: addrs("192.0.2.1")},
		hosts:  map[string]fate{"192.0.2.1": {after: 10 * ms}},
		tried:  []string{"70ms 192.0.2.1"},
		winner: "192.0.2.1", took: 80 * ms,
	},
	{
		name: "a late look-up joins the race",
		six:  timedAnswer{after: 400 * ms, addrs: addrs("2001:db8::1")}, four: timedAnswer{addrs: addrs("192.0.2.1", "192.0.2.2")},
		hosts:  map[string]fate{"192.0.2.1": {after: never}, "192.0.2.2": {after: never}},
		tried:  []string{"50ms 192.0.2.1", "300ms 192.0.2.2", "550ms 2001:db8::1"},
		winner: "2001:db8::1", took: 550 * ms,
	},
	{
		name: "a late look-up saves a race that was lost",
		six:  timedAnswer{addrs: addrs("2001:db8::1")}, four: timedAnswer{after: 2 * time.Second, addrs: addrs("192.0.2.1")},
		hosts:  map[string]fate{"2001:db8::1": {err: errUnreachable}},
		tried:  []string{"50ms 2001:db8::1", "2s 192.0.2.1"},
		winner: "192.0.2.1", took: 2 * time.Second,
	},
	{
		name: "one family's look-up fails",
		six:  timedAnswer{err: errServFail}, four: timedAnswer{addrs: addrs("192.0.2.1")},
		tried:  []string{"0s 192.0.2.1"},
		winner: "192.0.2.1",
	},
	{
		name: "nothing answers, each for its own reason",
		six:  timedAnswer{addrs: addrs("2001:db8::1")}, four: timedAnswer{addrs: addrs("192.0.2.1", "192.0.2.2")},
		hosts: map[string]fate{"2001:db8::1": {err: errUnreachable}, "192.0.2.1": {after: ms, err: errRefused}, "192.0.2.2": {after: never}},
		tried: []string{"0s 2001:db8::1", "0s 192.0.2.1", "1ms 192.0.2.2"},
		limit: 10 * time.Second, took: 10 * time.Second, kind: Refused,
		failure: "connect to pop.test:995: 2001:db8::1: network is unreachable; 192.0.2.1: connection refused; 192.0.2.2: no answer within 10s",
	},
	{
		name: "no route at all",
		six:  timedAnswer{addrs: addrs("2001:db8::1")}, four: timedAnswer{addrs: addrs("192.0.2.1")},
		hosts: map[string]fate{"2001:db8::1": {err: errUnreachable}, "192.0.2.1": {err: errUnreachable}},
		tried: []string{"0s 2001:db8::1", "0s 192.0.2.1"},
		kind:  Unreachable, failure: "connect to pop.test:995: 2001:db8::1: network is unreachable; 192.0.2.1: network is unreachable",
	},
	{
		name: "all silent, the limit ends it before the last was tried",
		six:  timedAnswer{addrs: addrs("2001:db8::1", "2001:db8::2", "2001:db8::3")}, four: timedAnswer{err: errNoSuchHost},
		hosts: map[string]fate{"2001:db8::1": {after: never}, "2001:db8::2": {after: never}},
		tried: []string{"0s 2001:db8::1", "250ms 2001:db8::2"},
		limit: 400 * ms, took: 400 * ms, kind: TimedOut,
		failure: "connect to pop.test:995: 2001:db8::1: no answer within 400ms; 2001:db8::2: no answer within 400ms; not tried within 400ms: 1 more",
	},
	{
		name: "the failed look-up is named where it mattered",
		six:  timedAnswer{addrs: addrs("2001:db8::1")}, four: timedAnswer{err: errServFail},
		hosts: map[string]fate{"2001:db8::1": {err: errUnreachable}},
		tried: []string{"0s 2001:db8::1"},
		kind:  Unreachable, failure: "connect to pop.test:995: 2001:db8::1: network is unreachable; A look-up: the name server failed (SERVFAIL) (asked 192.0.2.53:53)",
	},
	{
		name: "no such name", six: timedAnswer{err: errNoSuchHost}, four: timedAnswer{err: errNoSuchHost},
		kind: UnknownHost, failure: "resolve pop.test: no such host",
	},
	{
		name: "no data in one family, no verdict in the other", six: timedAnswer{err: errServFail}, four: timedAnswer{err: errNoSuchHost},
		kind: ResolverFailed, failure: "resolve pop.test: the name server failed (SERVFAIL) (asked 192.0.2.53:53)",
	},
	{
		name: "a silent name server", six: timedAnswer{after: never}, four: timedAnswer{after: never},
		took: 60 * time.Second, kind: ResolverFailed, failure: "resolve pop.test: " + timedOut,
	},
}

func TestRace(t *testing.T) {
	for _, row := range raceRows {
		t.Run(row.name, func(t *testing.T) { synctest.Test(t, row.run) })
	}
}

// run holds one race; synctest fails it when a goroutine stays behind.
func (row raceRow) run(t *testing.T) {
	n := &network{start: time.Now(), hosts: row.hosts}
	var events []Event
	d := &Dialer{
		Resolver: timedResolver{"ip6": row.six, "ip4": row.four}, DialAddr: n.dial, Timeout: row.limit,
		Trace: func(e Event) { events = append(events, e) },
	}
	conn, err := d.Connect(t.Context(), "pop.test", 995)
	if took := time.Since(n.start); took != row.took {
		t.Errorf("took %v, want %v", took, row.took)
	}
	if !slices.Equal(n.tried, row.tried) {
		t.Errorf("tried %q\nwant  %q", n.tried, row.tried)
	}
	checkTrace(t, events, len(n.tried), row.winner)
	if row.winner == "" {
		e := want(t, err, row.kind, row.failure)
		if conn != nil || e.Temporary() == (row.kind == UnknownHost) || e.Hint() == "" {
			t.Errorf("conn %v, temporary %v, hint %q", conn, e.Temporary(), e.Hint())
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range n.conns {
		if won := c.addr.String() == row.winner; c.closed == won || (conn == net.Conn(c)) != won {
			t.Errorf("%v: closed %v, returned %v; the winner is %s", c.addr, c.closed, conn == net.Conn(c), row.winner)
		}
	}
}

// checkTrace wants every attempt told once, the winner as Connected.
func checkTrace(t *testing.T, events []Event, attempts int, winner string) {
	t.Helper()
	told, connected := 0, ""
	for _, e := range events {
		switch e.Kind {
		case Tried:
			told++
			if e.Err == nil {
				t.Errorf("tried without a reason: %v", e)
			}
		case Connected:
			told++
			connected += e.Addr.Addr().String()
		}
	}
	if told != attempts || connected != winner {
		t.Errorf("the trace tells of %d attempts, connected to %q; want %d, %q: %v", told, connected, attempts, winner, events)
	}
}

func TestTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{start: time.Now(), hosts: map[string]fate{
			"2001:db8::1": {after: 3 * ms, err: errUnreachable}, "192.0.2.1": {after: never}, "192.0.2.2": {after: 20 * ms},
		}}
		var lines []string
		d := &Dialer{
			Resolver: timedResolver{
				"ip6": {after: 2 * ms, addrs: addrs("2001:db8::1")}, "ip4": {after: 12 * ms, addrs: addrs("192.0.2.1", "192.0.2.2")},
			},
			DialAddr: n.dial, Trace: func(e Event) { lines = append(lines, e.String()) },
		}
		if _, err := d.Connect(t.Context(), "pop.test", 995); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"resolved pop.test in 12ms: 2001:db8::1, 192.0.2.1, 192.0.2.2",
			"tried [2001:db8::1]:995 for 3ms: network is unreachable",
			"connected to 192.0.2.2:995 in 20ms",
			"tried 192.0.2.1:995 for 270ms: another address answered first",
		}
		if !slices.Equal(lines, want) {
			t.Errorf("trace:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestConnectCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		n := &network{start: time.Now(), hosts: map[string]fate{"2001:db8::1": {after: never}}}
		d := &Dialer{Resolver: fixed(addrs("2001:db8::1")), DialAddr: n.dial}
		_, err := d.Connect(ctx, "pop.test", 995)
		if !errors.Is(err, context.Canceled) || err.Error() != "connect to pop.test:995: context canceled" {
			t.Errorf("got %v, want context.Canceled", err)
		}
		if took := time.Since(n.start); took != time.Second {
			t.Errorf("took %v, want 1s", took)
		}
	})
}

func TestConnectDeadlineOfTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		n := &network{start: time.Now(), hosts: map[string]fate{"192.0.2.1": {after: never}}}
		d := &Dialer{DialAddr: n.dial}
		_, err := d.Connect(ctx, "192.0.2.1", 995)
		want(t, err, TimedOut, "connect to 192.0.2.1:995: no answer within 2s")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v is not context.DeadlineExceeded", err)
		}
	})
}
