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

var bothKinds = Kinds{Implicit: true, StartTLS: true}

func TestServicesByDNSmasq(t *testing.T) {
	dns := startDNS(t)
	for domain, row := range map[string]struct {
		kinds Kinds
		want  []Service
	}{
		"both-kinds.test": {bothKinds, []Service{{"tls.both-kinds.test", 995, false}, {"plain.both-kinds.test", 110, true}}},
		"starttls.test":   {bothKinds, []Service{{"pop.starttls.test", 1110, true}}},
		"order.test":      {bothKinds, []Service{{"first.order.test", 995, false}, {"second.order.test", 995, false}, {"third.order.test", 995, false}}},
		"half.test":       {bothKinds, []Service{{"pop.half.test", 110, true}}}, // the "." of the other kind is no verdict on this one
		"Both-Kinds.test": {Kinds{StartTLS: true}, []Service{{"plain.both-kinds.test", 110, true}}},
		"both-kinds.TEST": {Kinds{Implicit: true}, []Service{{"tls.both-kinds.test", 995, false}}},
	} {
		got, err := Services(t.Context(), dns, domain, row.kinds, 5*time.Second)
		if err != nil || !slices.Equal(got, row.want) {
			t.Errorf("%s: got %v, %v; want %v", domain, got, err, row.want)
		}
	}
	t.Run("by weight", func(t *testing.T) {
		heavy := 0
		for range 60 {
			got, err := Services(t.Context(), dns, "weight.test", bothKinds, 5*time.Second)
			if err != nil || len(got) != 2 {
				t.Fatalf("got %v, %v", got, err)
			}
			if got[0].Host == "heavy.weight.test" {
				heavy++
			}
		}
		if heavy < 50 { // of 60 at 99 to 1: fewer than 50 come once in 10^12 tries
			t.Errorf("the heavy one is first %d times of 60", heavy)
		}
	})
	t.Run("truncated, so by TCP", func(t *testing.T) {
		got, err := Services(t.Context(), dns, "crowd.test", bothKinds, 5*time.Second)
		if err != nil || len(got) != maxServices || !strings.HasSuffix(got[0].Host, "-1.crowd.test") {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

func TestServicesThatAreNot(t *testing.T) {
	dns := startDNS(t)
	const doing = "look up the POP3 server of "
	for name, row := range map[string]struct {
		dns    SRVResolver
		domain string
		kind   Kind
		says   string
	}{
		"no record":       {dns, "four.test", UnknownHost, "it names none (no SRV record _pop3s._tcp or _pop3._tcp)"},
		"no such domain":  {dns, "nobody.test", UnknownHost, "it names none (no SRV record _pop3s._tcp or _pop3._tcp)"},
		"a dot":           {dns, "none.test", NoService, "the domain says that it has none"},
		"port 0":          {dns, "portless.test", NoService, "the domain says that it has none"},
		"server failure":  {startBadDNS(t, codeServFail, codeServFail), "x.test", ResolverFailed, "the name server failed (SERVFAIL)"},
		"refused":         {startBadDNS(t, codeRefused, codeRefused), "x.test", ResolverFailed, "the name server refused the question"},
		"silent":          {startBadDNS(t, silent, silent), "x.test", ResolverFailed, "no answer in time"},
		"nothing listens": {resolverAt(freePort(t)), "x.test", ResolverFailed, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			patience := 20 * time.Second
			if name == "silent" {
				patience = 500 * time.Millisecond
			}
			_, err := Services(t.Context(), row.dns, row.domain, bothKinds, patience)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != row.kind || !strings.HasPrefix(e.Error(), doing+row.domain+": "+row.says) || e.Hint() == "" {
				t.Errorf("got %v, want %v, %q", err, row.kind, row.says)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Services(ctx, dns, "order.test", bothKinds, time.Second); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Only a server inside the domain may go by its own name: the other one's comes from DNS alone.
func TestServiceCertNames(t *testing.T) {
	for host, want := range map[string][2]string{
		"pop.example.org":     {"pop.example.org", "example.org"},
		"a.b.Example.ORG":     {"a.b.Example.ORG", "example.org"},
		"example.org":         {"example.org", "example.org"},
		"pop.example.net":     {"example.org", ""},
		"badexample.org":      {"example.org", ""},
		"example.org.evil.io": {"example.org", ""},
	} {
		name, other := Service{Host: host}.CertNames("example.org")
		if name != want[0] || other != want[1] {
			t.Errorf("%s: %q, %q", host, name, other)
		}
	}
}

// The first server that answers is taken, and a silent one has only its share of the time.
func TestConnectService(t *testing.T) {
	hole := blackHole(t) // 127.0.0.1 is silent on this port, 127.0.0.2 answers
	free := listen(t, "127.0.0.3:0")
	services := []Service{{"127.0.0.1", hole, false}, {"127.0.0.4", free, false}, {"127.0.0.2", hole, true}}
	d := &Dialer{Timeout: 3 * time.Second}
	conn, got, err := d.ConnectService(t.Context(), services)
	if err != nil || got != services[2] {
		t.Fatalf("got %v, %v", got, err)
	}
	conn.Close()
	began := time.Now()
	_, _, err = d.ConnectService(t.Context(), services[:2])
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Refused || !strings.Contains(e.Error(), "connection refused; before that: connect to 127.0.0.1:") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > d.Timeout-200*time.Millisecond {
		t.Errorf("the silent one of two took %v of %v", took, d.Timeout)
	}
}

// A name server of one's own is asked, and named in errors.
func TestNameServer(t *testing.T) {
	dns := startDNS(t)
	addr, err := dns.Dial(t.Context(), "udp", "")
	if err != nil {
		t.Fatal(err)
	}
	defer addr.Close()
	ours := NewNameServer(addr.RemoteAddr().(*net.UDPAddr).AddrPort())
	got, err := Resolve(t.Context(), ours, "many.test")
	if err != nil || len(got) != 2*manyAddrs {
		t.Errorf("%d addresses, %v", len(got), err)
	}
	_, err = Resolve(t.Context(), ours, "empty.test")
	want(t, err, UnknownHost, "resolve empty.test: the name exists and has no address to connect to")
	_, err = Resolve(t.Context(), ours, "pop.example.org")
	want(t, err, ResolverFailed, "resolve pop.example.org: the name server refused the question (asked "+addr.RemoteAddr().String()+")")
	if found, err := Services(t.Context(), ours, "order.test", bothKinds, 20*time.Second); err != nil || len(found) != 3 {
		t.Errorf("%v, %v", found, err)
	}
}

// One family alone: only its addresses are asked for and tried.
func TestFamily(t *testing.T) {
	dns := startDNS(t)
	port := listen(t, "127.0.0.1:0")
	for _, row := range []struct {
		host   string
		family Family
		source string
		kind   Kind // 0: connected
		says   string
	}{
		{"pop.test", IPv4, "", 0, ""},
		{"pop.test", AnyFamily, "127.0.0.1", 0, ""},
		{"pop.test", AnyFamily, "127.7.7.7", 0, ""},
		{"pop.test", IPv6, "", UnknownHost, "resolve pop.test: it has no IPv6 address"},
		{"pop.test", AnyFamily, "::1", UnknownHost, "resolve pop.test: it has no IPv6 address"},
		{"nobody.test", IPv6, "", UnknownHost, "resolve nobody.test: no such host"},
		{"six.test", IPv4, "", UnknownHost, "resolve six.test: it has no IPv4 address"},
		{"127.0.0.1", IPv6, "", UnknownHost, "resolve 127.0.0.1: it has no IPv6 address"},
		{"::1", IPv4, "", UnknownHost, "resolve ::1: it has no IPv4 address"},
	} {
		d := &Dialer{Resolver: dns, Family: row.family, Trace: func(e Event) {
			for _, addr := range e.Addrs {
				if addr.Is4() != (row.family == IPv4 || row.source != "") {
					t.Errorf("%s, %v: asked for %v", row.host, row.family, addr)
				}
			}
		}}
		if row.source != "" {
			d.Source = netip.MustParseAddr(row.source)
		}
		conn, err := d.Connect(t.Context(), row.host, port)
		if row.kind != 0 {
			want(t, err, row.kind, row.says)
			continue
		}
		if err != nil {
			t.Errorf("%s, %v, %s: %v", row.host, row.family, row.source, err)
			continue
		}
		if from := conn.LocalAddr().(*net.TCPAddr).IP.String(); row.source != "" && from != row.source {
			t.Errorf("connected from %s", from)
		}
		conn.Close()
	}
	d := &Dialer{Source: netip.MustParseAddr("192.0.2.77")}
	_, err := d.Connect(t.Context(), "127.0.0.1", port)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Unreachable || !strings.Contains(e.Hint(), "source_ip, 192.0.2.77") {
		t.Errorf("got %v, hint %q", err, e.Hint())
	}
}

// Any number of dead addresses may stand in front of the one that answers.
func TestManyDeadAddresses(t *testing.T) {
	port := listen(t, "127.0.0.1:0")
	var list []netip.Addr
	for i := range maxAddrsPerFamily - 1 {
		list = append(list, netip.AddrFrom4([4]byte{127, 3, byte(i), 1})) // nobody listens there
	}
	list = append(list, netip.MustParseAddr("127.0.0.1"))
	conn, err := (&Dialer{Resolver: fixed(list)}).Connect(t.Context(), "pop.test", port)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
