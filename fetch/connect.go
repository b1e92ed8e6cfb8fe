package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"haulmail/config"
	"haulmail/fetch/dial"
	"haulmail/fetch/pop3"
	"haulmail/fetch/token"
)

// aim is the server that a connection leads to: the account's, or the one its domain names.
type aim struct {
	certName  string // the certificate has to be for it
	otherName string // or for this one
	foreign   string // the server's name, where only DNS says that it belongs to the domain
	mode      config.TLSMode
}

// connect resolves, connects, and brings TLS up; nothing secret is sent before it returns.
func (h *haul) connect(ctx context.Context, password config.Secret) (*session, error) {
	s := &session{h: h, ctx: ctx, password: password}
	h.hide(s.secrets())
	conn, err := s.reach(ctx)
	if err != nil {
		return nil, doing(doingConnect, err)
	}
	s.conn = conn
	s.unwatch = context.AfterFunc(ctx, s.stop)
	if err := s.open(conn); err != nil {
		s.close()
		return nil, err
	}
	h.Step(StepConnected)
	return s, nil
}

// reach opens a connection by the account's way.
func (s *session) reach(ctx context.Context) (net.Conn, error) {
	a := s.h.a
	d := s.h.dialer()
	d.Trace = s.trace
	s.aim = aim{certName: cmp.Or(a.TLSServerName, a.Server.Host), mode: a.TLS}
	began := time.Now()
	switch {
	case a.Server.Kind == config.BySRV:
		return s.reachService(ctx, &d)
	case a.Server.Kind == config.BySocket:
		s.aim.certName = a.TLSServerName
		conn, err := d.ConnectSocket(ctx, a.Server.Host)
		return s.reached(conn, err, a.Server.Host, began)
	case a.Proxy.Kind == config.ProxyCommand:
		conn, err := dial.Run(dial.Program{Argv: a.Proxy.Command.Argv(), Env: s.h.programEnv()})
		return s.reached(conn, err, "proxy_command", began)
	case a.Proxy.Kind != config.NoProxy:
		return d.ConnectThrough(ctx, proxyOf(a), a.Server.Host, a.Server.Port)
	}
	return d.Connect(ctx, a.Server.Host, a.Server.Port)
}

// reachService connects to the first server of the account's domain that answers (RFC 6186). TLS is as its record has it.
func (s *session) reachService(ctx context.Context, d *dial.Dialer) (net.Conn, error) {
	a := s.h.a
	records, _ := d.Resolver.(dial.SRVResolver) // another kind of resolver leaves it to the system's
	kinds := dial.Kinds{Implicit: a.TLS != config.TLSStart, StartTLS: a.TLS != config.TLSImplicit}
	services, err := dial.Services(ctx, records, a.Server.Host, kinds, time.Duration(a.Timeout))
	if err != nil {
		return nil, err
	}
	found := Found{Account: a.Name, Domain: a.Server.Host}
	for _, service := range services {
		found.Servers = append(found.Servers, net.JoinHostPort(service.Host, strconv.Itoa(service.Port)))
	}
	s.h.tell(found)
	conn, service, err := d.ConnectService(ctx, services)
	if err != nil {
		return nil, err
	}
	s.h.found = service.Host
	s.aim.certName, s.aim.otherName = service.CertNames(a.Server.Host)
	switch {
	case a.TLSServerName != "":
		s.aim.certName, s.aim.otherName = a.TLSServerName, ""
	case s.aim.certName != service.Host:
		s.aim.foreign = service.Host
	}
	s.aim.mode = config.TLSImplicit
	if service.StartTLS {
		s.aim.mode = config.TLSStart
	}
	return conn, nil
}

// reached tells of a way that has no address.
func (s *session) reached(conn net.Conn, err error, through string, began time.Time) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	s.h.tell(Connected{Account: s.h.a.Name, Through: through, Took: time.Since(began)})
	return conn, nil
}

// dialer opens connections as the account has it.
func (h *haul) dialer() dial.Dialer {
	return dial.Dialer{Resolver: h.resolver(), Family: dial.Family(h.a.IP), Source: h.a.SourceIP, Timeout: time.Duration(h.a.Timeout)}
}

// proxyOf is the account's proxy, where it has one that is no command.
func proxyOf(a *config.Account) dial.Proxy {
	return dial.Proxy{
		HTTP: a.Proxy.Kind == config.ProxyHTTP, Host: a.Proxy.Host, Port: a.Proxy.Port,
		Username: a.Proxy.Username, Password: a.Proxy.Password.Reveal(),
	}
}

// DialFor gives how an account's connections to other hosts than its server are opened, such as those to a provider of tokens: through its
// proxy, by its name server, from its address. Nil is for an account with none of these. A proxy_command counts for nothing here: it
// leads to the server, wherever its words say.
func DialFor(a *config.Account, o Options) token.Dial {
	h := newHaul(newEngine(o), a)
	d, proxied := h.dialer(), a.Proxy.Kind == config.ProxySOCKS5 || a.Proxy.Kind == config.ProxyHTTP
	if !proxied && !a.DNSServer.IsValid() && !a.SourceIP.IsValid() && a.IP == config.IPAny {
		return nil
	}
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		host, text, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		port, err := strconv.Atoi(text)
		if err != nil {
			return nil, err
		}
		if proxied {
			return d.ConnectThrough(ctx, proxyOf(a), host, port)
		}
		return d.Connect(ctx, host, port)
	}
}

// resolver is the one the account names, or the run's.
func (h *haul) resolver() dial.Resolver {
	if h.a.DNSServer.IsValid() {
		return dial.NewNameServer(h.a.DNSServer)
	}
	return h.Resolver
}

// programEnv is the environment of a program that carries the connection: where it has to lead to stands in it.
func (h *haul) programEnv() []string {
	return append(slices.Clone(h.Environ),
		"HAULMAIL_ACCOUNT="+h.a.Name,
		"HAULMAIL_SERVER="+strings.TrimSuffix(h.a.Server.Host, "."),
		"HAULMAIL_PORT="+strconv.Itoa(h.a.Server.Port))
}

// open takes a fresh connection to where a login may be sent: the greeting is read, and TLS stands unless the account does without.
func (s *session) open(conn net.Conn) (err error) {
	if s.aim.mode == config.TLSImplicit {
		if conn, err = s.handshake(conn); err != nil {
			return doing(doingConnect, err)
		}
	}
	wire := func(sent bool, line string) { s.h.Wire(s.h.a.Name, sent, line) }
	if s.h.Wire == nil {
		wire = nil
	}
	s.client = pop3.New(conn, pop3.Options{Timeout: time.Duration(s.h.a.Timeout), Wire: wire, Secrets: s.secrets()})
	if err := s.client.Greeting(); err != nil {
		return doing(doingConnect, err)
	}
	if s.aim.mode == config.TLSStart {
		return doing(doingStartTLS, s.client.StartTLS(s.handshake))
	}
	return nil
}

// handshake brings TLS up on conn, with the server verified as the account has it.
func (s *session) handshake(conn net.Conn) (net.Conn, error) {
	options, err := s.h.trust()
	if err != nil {
		return nil, err
	}
	options.ServerName, options.OtherName = s.aim.certName, s.aim.otherName
	cfg, err := dial.TLSConfig(options)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, time.Duration(s.h.a.Timeout))
	defer cancel()
	secure, err := dial.Handshake(ctx, conn, cfg)
	if err != nil {
		s.h.show(chainOf(err), false)
		return nil, s.distrust(err)
	}
	chain := secure.ConnectionState().PeerCertificates
	s.h.show(chain, true)
	if err := s.h.rememberKey(chain[0]); err != nil {
		return nil, err
	}
	s.tls = tls.VersionName(secure.ConnectionState().Version)
	s.mu.Lock()
	s.conn = secure
	s.mu.Unlock()
	return secure, nil
}

// trace tells what the dialer does.
func (s *session) trace(e dial.Event) {
	name := s.h.a.Name
	switch e.Kind {
	case dial.Resolved:
		s.h.tell(Resolved{Account: name, Host: e.Host, Addrs: slices.Clone(e.Addrs), Err: e.Err, Took: e.Took})
	case dial.Tried:
		s.h.tell(Tried{Account: name, Addr: e.Addr, Err: e.Err})
	case dial.Connected:
		through := ""
		if s.h.a.Proxy.Kind != config.NoProxy {
			through = "proxy"
		}
		s.h.tell(Connected{Account: name, Addr: e.Addr, Through: through, Took: e.Took})
	}
}
