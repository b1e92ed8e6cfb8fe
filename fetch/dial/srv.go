package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// SRVResolver looks SRV records up and gives them in the order to try them: by priority, and at random by weight
// (RFC 2782). *net.Resolver and *NameServer are ones.
type SRVResolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// Service is a POP3 server that a domain names.
type Service struct {
	Host     string // without a trailing dot
	Port     int
	StartTLS bool // by STLS, which is required then; else TLS from the first byte
}

// within tells whether the host belongs to the domain that named it (RFC 6186 §6).
func (s Service) within(domain string) bool {
	host := strings.ToLower(s.Host)
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// CertNames gives the names that the server's certificate may be for: the domain, which the user gave, and the host if it
// belongs to the domain. Another host's name comes from DNS alone, which anybody on the way can forge (RFC 6186 §6).
func (s Service) CertNames(domain string) (name, other string) {
	if s.within(domain) {
		return s.Host, domain
	}
	return domain, ""
}

// Kinds of service that a caller takes.
type Kinds struct{ Implicit, StartTLS bool }

// Services gives the POP3 servers of a domain in the order to try them (RFC 6186 §3.3): those of _pop3s._tcp first
// (RFC 8314 §5.1), then those of _pop3._tcp. A nil SRVResolver is net.DefaultResolver.
//
// Errors: *Error with Kind UnknownHost where there is no record, NoService where the records say that there is no server,
// ResolverFailed where nobody could say. A cancelled ctx: an error that is context.Canceled.
func Services(ctx context.Context, r SRVResolver, domain string, kinds Kinds, timeout time.Duration) ([]Service, error) {
	if r == nil {
		r = net.DefaultResolver
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var found []Service
	var failures []error
	none := false
	for _, kind := range []struct {
		wanted   bool
		service  string
		startTLS bool
	}{{kinds.Implicit, "pop3s", false}, {kinds.StartTLS, "pop3", true}} {
		if !kind.wanted {
			continue
		}
		// The dot at the end keeps resolv.conf's search list out of it.
		_, records, err := r.LookupSRV(limited, kind.service, "tcp", domain+".")
		if err != nil && !noData(err) {
			failures = append(failures, err)
		}
		for _, record := range records {
			host := strings.TrimSuffix(record.Target, ".")
			if host == "" || record.Port == 0 {
				none = true // RFC 2782: a target of "." says that there is no such service
				continue
			}
			found = append(found, Service{Host: host, Port: int(record.Port), StartTLS: kind.startTLS})
		}
	}
	if len(found) > 0 {
		return found[:min(len(found), maxServices)], nil
	}
	if ctx.Err() != nil && !isTimeout(ctx.Err()) {
		return nil, fmt.Errorf("look up the POP3 server of %s: %w", plain(domain), ctx.Err())
	}
	return nil, noService(r, domain, failures, none)
}

// noService is the error of a domain that names no server.
func noService(r SRVResolver, domain string, failures []error, none bool) *Error {
	e := &Error{Host: domain, doing: "look up the POP3 server of " + plain(domain), Err: errors.Join(failures...)}
	switch {
	case len(failures) > 0:
		e.Kind, e.reason = ResolverFailed, resolverReason(failures[0])
		e.hint = "the name server gave no answer for now; try again later"
	case none:
		e.Kind, e.reason = NoService, "the domain says that it has none"
		e.hint = "ask its owner for a host, and put that into server without \"srv:\""
	default:
		e.Kind, e.reason = UnknownHost, "it names none (no SRV record _pop3s._tcp or _pop3._tcp)"
		e.hint = `most have none; write the provider's host: server = "pop.example.org"`
	}
	return e
}

// ConnectService connects to the first of services that answers, each with an equal share of the Dialer's Timeout that is
// left. The error is that of the last one, and names the others.
func (d *Dialer) ConnectService(ctx context.Context, services []Service) (net.Conn, Service, error) {
	end := time.Now().Add(d.limit())
	var earlier []string
	for i, s := range services {
		share := *d
		share.Timeout = max(time.Until(end)/time.Duration(len(services)-i), time.Millisecond)
		conn, err := share.Connect(ctx, s.Host, s.Port)
		if err == nil {
			return conn, s, nil
		}
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return nil, s, err
		}
		if i < len(services)-1 {
			earlier = append(earlier, e.Error())
			continue
		}
		if len(earlier) > 0 {
			e.reason += "; before that: " + strings.Join(earlier, "; ")
		}
		return nil, s, e
	}
	return nil, Service{}, errors.New("no server to connect to")
}
