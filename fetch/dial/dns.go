package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// NameServer is a Resolver that asks one name server and no other; the system's hosts file goes first all the same, and
// its search list and patience are those of resolv.conf. A truncated answer is asked for again by TCP (RFC 7766 §5).
type NameServer struct {
	addr string
	net  *net.Resolver
}

// NewNameServer makes a NameServer that asks addr.
func NewNameServer(addr netip.AddrPort) *NameServer {
	n := &NameServer{addr: addr.String()}
	n.net = &net.Resolver{PreferGo: true, Dial: n.dial}
	return n
}

func (n *NameServer) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, n.addr)
}

// LookupNetIP implements Resolver.
func (n *NameServer) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	found, err := n.net.LookupNetIP(ctx, network, host)
	return found, n.asked(err)
}

// LookupSRV implements SRVResolver.
func (n *NameServer) LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error) {
	canonical, found, err := n.net.LookupSRV(ctx, service, proto, name)
	return canonical, found, n.asked(err)
}

// asked names the server that was asked; net believes it to be resolv.conf's.
func (n *NameServer) asked(err error) error {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.Server != "" {
		dns.Server = n.addr
	}
	return err
}

// noAddress is the error of a name for which no look-up gave an address.
func noAddress(ctx context.Context, r Resolver, host string, family Family, failures []error) *Error {
	e := &Error{Host: host, doing: "resolve " + plain(host), Err: errors.Join(failures...)}
	if len(failures) > 0 {
		e.Kind, e.reason = ResolverFailed, resolverReason(failures[0])
		e.hint = "the name server gave no answer for now; try again later, or look at " + whereToLook(r)
		return e
	}
	e.Kind, e.reason = UnknownHost, "no such host"
	e.hint = "check the name of the server"
	_, err := netip.ParseAddr(host)
	switch {
	case strings.IndexFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0:
		e.hint = "write the server's name in its ASCII form (xn--…)"
	case family != AnyFamily && (err == nil || exists(ctx, r, host)):
		e.reason = "it has no " + family.String() + " address"
		e.hint = `look at "ip" and "source_ip": nothing but ` + family.String() + " may be used"
	case exists(ctx, r, host):
		e.reason = "the name exists and has no address to connect to"
		e.hint = `if it is the domain of the mail address, write server = "srv:` + plain(host) + `"`
	}
	return e
}

// whereToLook names what decides which name server is asked.
func whereToLook(r Resolver) string {
	if _, ok := r.(*NameServer); ok {
		return "dns_server"
	}
	return "/etc/resolv.conf"
}

// exists tells whether a name that has no address is there at all. net gives the same error for both, so the question is
// asked once more, and the answer's response code listened to (RFC 2308 §2.2). Where that cannot be, nothing exists.
func exists(ctx context.Context, r Resolver, host string) bool {
	asking := new(net.Resolver)
	switch r := r.(type) {
	case nil:
	case *NameServer:
		asking = r.net
	case *net.Resolver:
		asking = r
	default:
		return false
	}
	dialServer := asking.Dial
	if dialServer == nil {
		dialServer = new(net.Dialer).DialContext
	}
	var code atomic.Int32
	code.Store(-1)
	listening := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialServer(ctx, network, address)
		if udp, ok := conn.(*net.UDPConn); ok && err == nil {
			return &codeListener{udp, &code}, nil
		}
		return conn, err
	}}
	ctx, cancel := context.WithTimeout(ctx, existsWithin)
	defer cancel()
	_, _ = listening.LookupNetIP(ctx, "ip4", strings.TrimSuffix(host, ".")+".") // that it has no address is known
	return code.Load() == 0
}

// codeListener is a connection to a name server that notes the response code of what it reads (RFC 1035 §4.1.1).
type codeListener struct {
	*net.UDPConn
	code *atomic.Int32
}

func (c *codeListener) Read(p []byte) (int, error) {
	n, err := c.UDPConn.Read(p)
	if n >= 12 {
		c.code.Store(int32(p[3] & 0xf))
	}
	return n, err
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
	switch {
	case isTimeout(err):
		reason = "no answer in time"
	case reason == misbehaving && dns.IsTemporary:
		reason = "the name server failed (SERVFAIL)"
	case reason == misbehaving:
		reason = "the name server refused the question"
	}
	reason = plain(strings.TrimSpace(reason))
	if dns.Server != "" {
		reason += " (asked " + plain(dns.Server) + ")"
	}
	return reason
}

// misbehaving is what net says of every response code but success and "no such name".
const misbehaving = "server misbehaving"
