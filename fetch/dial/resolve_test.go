package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// addrs reads a list of addresses.
func addrs(list ...string) []netip.Addr {
	var parsed []netip.Addr
	for _, s := range list {
		parsed = append(parsed, netip.MustParseAddr(s))
	}
	return parsed
}

// want checks an *Error: its kind and its whole text.
func want(t *testing.T, err error, kind Kind, text string) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v (%T), want an *Error of kind %v", err, err, kind)
	}
	if e.Kind != kind {
		t.Errorf("kind %v, want %v", e.Kind, kind)
	}
	if e.Error() != text {
		t.Errorf("text %q\nwant %q", e, text)
	}
	if strings.ContainsAny(e.Error()+e.Hint(), "\n\r\x1b") {
		t.Errorf("text or hint is not one plain line: %q, %q", e, e.Hint())
	}
	return e
}

func TestResolveByDNSmasq(t *testing.T) {
	dns := startDNS(t)
	for host, list := range map[string][]netip.Addr{
		"four.test":  addrs("192.0.2.1"),
		"six.test":   addrs("2001:db8::1"),
		"both.test":  addrs("192.0.2.1", "2001:db8::1"),
		"BOTH.test.": addrs("192.0.2.1", "2001:db8::1"),
		"alias.test": addrs("192.0.2.1", "2001:db8::1"),
	} {
		got, err := Resolve(t.Context(), dns, host)
		slices.SortFunc(got, netip.Addr.Compare)
		if err != nil || !slices.Equal(got, list) {
			t.Errorf("%s: got %v, %v; want %v", host, got, err, list)
		}
	}
	for host, reason := range map[string]string{
		"nobody.test":  "no such host",
		"empty.test":   "the name exists and has no address to connect to",
		"blocked.test": "the name exists and has no address to connect to",
	} {
		t.Run(host, func(t *testing.T) {
			_, err := Resolve(t.Context(), dns, host)
			if e := want(t, err, UnknownHost, "resolve "+host+": "+reason); e.Temporary() {
				t.Error("an unknown host counts as temporary")
			}
		})
	}
	t.Run("many", func(t *testing.T) {
		got, err := Resolve(t.Context(), dns, "many.test")
		if err != nil || len(got) != 2*manyAddrs {
			t.Fatalf("got %d addresses, %v; want %d", len(got), err, 2*manyAddrs)
		}
		for i := 1; i < len(got); i++ {
			if got[i].Is4() == got[i-1].Is4() {
				t.Fatalf("the families are not interleaved: %v", got)
			}
		}
	})
}

func TestResolveWithoutAServer(t *testing.T) {
	dead := freePort(t)
	const patience, impatience = 20 * time.Second, 500 * time.Millisecond
	for name, row := range map[string]struct {
		dns    *net.Resolver
		limit  time.Duration
		reason string
	}{
		"server failure":   {startBadDNS(t, codeServFail, codeServFail), patience, "the name server failed (SERVFAIL) (asked "},
		"refused":          {startBadDNS(t, codeRefused, codeRefused), patience, "the name server refused the question (asked "},
		"silent":           {startBadDNS(t, silent, silent), impatience, "no answer in time"},
		"nothing listens":  {resolverAt(dead), patience, "connection refused (asked "},
		"dnsmasq, foreign": {startDNS(t), patience, "the name server refused the question"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), row.limit)
			defer cancel()
			_, err := Resolve(ctx, row.dns, "pop.example.org")
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != ResolverFailed || !e.Temporary() || e.Hint() == "" {
				t.Fatalf("got %v, want a temporary %v with a hint", err, ResolverFailed)
			}
			if !strings.HasPrefix(e.Error(), "resolve pop.example.org: "+row.reason) {
				t.Errorf("text %q", e)
			}
		})
	}
}

func TestResolveOneFamilyFails(t *testing.T) {
	for name, row := range map[string]struct {
		a, aaaa int
		want    netip.Addr
	}{
		"AAAA server failure": {codeNoError, codeServFail, addrs("127.0.0.1")[0]},
		"AAAA never answered": {codeNoError, silent, addrs("127.0.0.1")[0]},
		"A never answered":    {silent, codeNoError, addrs("::1")[0]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // two of them wait to the end
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			got, err := Resolve(ctx, startBadDNS(t, row.a, row.aaaa), "pop.example.org")
			if err != nil || !slices.Equal(got, []netip.Addr{row.want}) {
				t.Errorf("got %v, %v; want %v", got, err, row.want)
			}
		})
	}
}

// noLookup fails a test that asks it.
type noLookup struct{ t *testing.T }

func (n noLookup) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	n.t.Errorf("looked up %s %q", network, host)
	return nil, errors.New("no look-up here")
}

func TestResolveLiteral(t *testing.T) {
	for host, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::1", "fe80::1%eth0": "fe80::1%eth0", "::ffff:192.0.2.1": "192.0.2.1",
	} {
		got, err := Resolve(t.Context(), noLookup{t}, host)
		if err != nil || !slices.Equal(got, addrs(want)) {
			t.Errorf("%s: got %v, %v; want %s", host, got, err, want)
		}
	}
}

// fixed answers any name in both families with the same list, as a hosts file does.
type fixed []netip.Addr

func (f fixed) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) { return f, nil }

func TestResolveKeepsWhatIsUsable(t *testing.T) {
	r := fixed(addrs("::ffff:192.0.2.1", "192.0.2.1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "192.0.2.2"))
	got, err := Resolve(t.Context(), r, "pop.example.org")
	if want := addrs("192.0.2.1", "192.0.2.2"); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestResolveCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := Resolve(ctx, startBadDNS(t, silent, silent), "pop.example.org")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, ok := errors.AsType[*Error](err); ok {
		t.Errorf("a cancelled look-up is an *Error: %v", err)
	}
}

func TestResolveHints(t *testing.T) {
	_, err := Resolve(t.Context(), fixed(nil), "pöp.example.org")
	if e := want(t, err, UnknownHost, "resolve pöp.example.org: no such host"); !strings.Contains(e.Hint(), "xn--") {
		t.Errorf("hint %q does not tell of the ASCII form", e.Hint())
	}
	_, err = Resolve(t.Context(), fixed(nil), "pop\x1b[31m\n.example.org")
	want(t, err, UnknownHost, `resolve pop\x1b[31m\n.example.org: no such host`)
}

func TestPrefersV4(t *testing.T) {
	for _, row := range []struct {
		name      string
		six, four string // the first address of each family
		fromSix   string // this machine's address towards it; "" is no route
		fromFour  string
		want      bool
	}{
		{"both routes", "2001:db8::1", "192.0.2.1", "2001:db8::9", "198.51.100.9", false},
		{"no IPv6 route", "2001:db8::1", "192.0.2.1", "", "198.51.100.9", true},
		{"no route at all", "2001:db8::1", "192.0.2.1", "", "", false},
		{"no IPv4 route", "2001:db8::1", "192.0.2.1", "2001:db8::9", "", false},
		{"only a local IPv6 address", "2001:db8::1", "192.0.2.1", "fd00::9", "192.168.0.9", true},
		{"local to local", "fd00::1", "192.0.2.1", "fd00::9", "192.168.0.9", false},
	} {
		source := func(dst netip.Addr) (netip.Addr, bool) {
			from := map[string]string{row.six: row.fromSix, row.four: row.fromFour}[dst.String()]
			addr, err := netip.ParseAddr(from)
			return addr, err == nil
		}
		if got := prefersV4(addrs(row.six), addrs(row.four), source); got != row.want {
			t.Errorf("%s: IPv4 first %v, want %v", row.name, got, row.want)
		}
	}
	if from, ok := sourceFor(netip.MustParseAddr("127.0.0.2")); !ok || !from.IsLoopback() || !from.Is4() {
		t.Errorf("this machine reaches 127.0.0.2 from %v, %v", from, ok)
	}
}

func TestInterleave(t *testing.T) {
	six, four := addrs("2001:db8::1", "2001:db8::2", "2001:db8::3"), addrs("192.0.2.1")
	for _, row := range []struct {
		v4First bool
		want    []netip.Addr
	}{
		{false, addrs("2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3")},
		{true, addrs("192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8::3")},
	} {
		if got := interleave(six, four, row.v4First); !slices.Equal(got, row.want) {
			t.Errorf("IPv4 first %v: got %v, want %v", row.v4First, got, row.want)
		}
	}
}
