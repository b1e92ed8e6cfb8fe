package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Way says how a connection gets to the server.
type Way struct {
	IP        Family
	DNSServer netip.AddrPort // asked in place of the system's; not valid where none is named
	SourceIP  netip.Addr     // of this machine; not valid where none is named
	Proxy     Proxy
}

// Family is an address family.
type Family int

// The values of the key "ip".
const (
	IPAny Family = iota
	IP4
	IP6
)

var familyWords = []string{"any", "4", "6"}

// String gives the word that stands in the file.
func (f Family) String() string { return word(familyWords, int(f)) }

// ProxyKind says how a Proxy is spoken to.
type ProxyKind int

// The kinds of Proxy.
const (
	NoProxy      ProxyKind = iota
	ProxySOCKS5            // RFC 1928; names are resolved by the proxy
	ProxyHTTP              // CONNECT, RFC 9110 §9.3.6
	ProxyCommand           // a program that carries the connection on its standard input and output
)

// Proxy is what a connection goes through.
type Proxy struct {
	Kind     ProxyKind
	Host     string // a DNS name or an IP address
	Port     int
	Username string // "" is no login
	Password Secret
	Command  Command // of ProxyCommand
}

const (
	keyProxy        = "proxy"
	keyProxyCommand = "proxy_command"

	proxyHint = `write "socks5://127.0.0.1:9050" or "http://proxy.example.org:3128", or "none"`
)

// exclusive holds the keys of which only one can count. One of an account
// replaces whichever its defaults have.
var exclusive = []struct {
	what string
	keys []string
}{
	{"way to trust the server", []string{"tls_ca_file", "tls_fingerprint", "tls_trust"}},
	{"way through", []string{keyProxy, keyProxyCommand}},
}

// replaceDefaults clears what the defaults said where a key of the account
// stands for something else in its place.
func (a *Account) replaceDefaults(keys table) {
	if slices.ContainsFunc(exclusive[0].keys, keys.has) {
		a.TLSCAFile, a.TLSPins, a.TLSFirstUse = "", nil, false
	}
	if slices.ContainsFunc(exclusive[1].keys, keys.has) {
		a.Proxy = Proxy{}
	}
}

// onlyOne reports keys of one table that exclude each other.
func (d *document) onlyOne(keys table, where string) {
	for _, group := range exclusive {
		var found []string
		for _, k := range group.keys {
			if keys.has(k) {
				found = append(found, k)
			}
		}
		if len(found) > 1 {
			d.failKey(keys[found[1]], fmt.Sprintf("more than one %s %s: %s", group.what, where, strings.Join(found, ", ")), "keep one of them")
		}
	}
}

func (d *document) readFamily(v value, a *Account) {
	if n, ok := v.data.(int64); ok && (n == 4 || n == 6) {
		d.failValue(v, "ip must be a string, not a number", fmt.Sprintf(`write ip = "%d"`, n))
		return
	}
	if i, ok := d.oneOf(v, familyWords); ok {
		a.IP = Family(i)
	}
}

// readNameServer reads an address, with a port where it is not 53.
func (d *document) readNameServer(v value, a *Account) {
	const hint = `write an address, and a port if it is not 53: "192.0.2.53", "127.0.0.1:5353", "[::1]:53"`
	s, ok := d.plain(v, hint)
	if !ok {
		return
	}
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		a.DNSServer = netip.AddrPortFrom(addr, 53)
		return
	}
	server, err := netip.ParseAddrPort(s)
	if err != nil || server.Port() == 0 {
		d.failValue(v, fmt.Sprintf("dns_server %q is not an address", s), hint)
		return
	}
	a.DNSServer = server
}

func (d *document) readSource(v value, a *Account) {
	const hint = `write an address of this machine: "192.0.2.7"`
	s, ok := d.plain(v, hint)
	if !ok {
		return
	}
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.IsUnspecified() || addr.IsMulticast() {
		d.failValue(v, fmt.Sprintf("source_ip %q is not an address of a machine", s), hint)
		return
	}
	a.SourceIP = addr.Unmap()
}

func (d *document) readProxyCommand(v value, a *Account) {
	const hint = `write a line for the shell, "ssh -W $HAULMAIL_SERVER:$HAULMAIL_PORT gate", or an array of words`
	if c := d.command(v, hint); !c.IsZero() {
		a.Proxy = Proxy{Kind: ProxyCommand, Command: c}
	}
}

// readProxy reads a URL. What it reports never quotes it, since it may hold a
// password.
func (d *document) readProxy(v value, a *Account) {
	s, ok := d.plain(v, proxyHint)
	if !ok || s == "none" {
		return
	}
	proxy, hasPassword, problem, hint := parseProxy(s)
	if hasPassword {
		d.holdsSecret(v)
	}
	if problem != "" {
		d.failValue(v, problem+didYouMean(s, []string{"none"}), hint)
		return
	}
	a.Proxy = proxy
}

// parseProxy reads SCHEME://[USER:PASSWORD@]HOST:PORT.
func parseProxy(s string) (proxy Proxy, hasPassword bool, problem, hint string) {
	hasPassword = strings.Contains(s, "@")
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return Proxy{}, hasPassword, "proxy is not a URL", proxyHint
	}
	switch u.Scheme {
	case "socks5":
		proxy.Kind = ProxySOCKS5
	case "http":
		proxy.Kind = ProxyHTTP
	case "socks5h":
		return Proxy{}, hasPassword, `proxy begins with "socks5h"`, `write "socks5://…": names are resolved by the proxy anyway`
	default:
		return Proxy{}, hasPassword, fmt.Sprintf("proxy begins with %q", u.Scheme), proxyHint
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return Proxy{}, hasPassword, "proxy has something behind its port", proxyHint
	}
	if proxy.Host, problem, _ = parseHost(u.Hostname()); problem != "" {
		return Proxy{}, hasPassword, "proxy names no host", proxyHint
	}
	if proxy.Port, err = strconv.Atoi(u.Port()); err != nil || proxy.Port < 1 || proxy.Port > 65535 {
		return Proxy{}, hasPassword, "proxy lacks a port", proxyHint
	}
	if u.User == nil {
		return proxy, hasPassword, "", ""
	}
	password, _ := u.User.Password()
	proxy.Username, proxy.Password = u.User.Username(), NewSecret(password)
	if problem = proxyLogin(proxy.Kind, proxy.Username, password); problem != "" {
		return Proxy{}, hasPassword, problem, `write "` + u.Scheme + `://USER:PASSWORD@HOST:PORT", with %40 for "@" and %3A for ":"`
	}
	return proxy, hasPassword, "", ""
}

// proxyLogin tells what is wrong with a login at a proxy.
func proxyLogin(kind ProxyKind, user, password string) (problem string) {
	switch {
	case user == "" || password == "":
		return "proxy has a login without a user name or without a password"
	case len(user) > maxProxyLen || len(password) > maxProxyLen:
		return fmt.Sprintf("proxy has a user name or password of more than %d bytes", maxProxyLen)
	case strings.ContainsAny(user+password, "\r\n\x00"):
		return "proxy has a line end or a NUL in its login"
	case kind == ProxyHTTP && strings.Contains(user, ":"):
		return "proxy has a colon in its user name, which HTTP cannot carry" // RFC 7617 §2
	}
	return ""
}

// checkReach checks what keys say together, and fills in what follows from
// them.
func (d *document) checkReach(head value, keys, defaults table, a *Account) {
	switch a.Server.Kind {
	case ByHost:
		if a.Server.Port == 0 {
			a.Server.Port = a.TLS.Port()
		}
	case BySRV:
		d.checkSRV(head, keys, defaults, a)
	case BySocket:
		d.checkSocket(head, keys, a)
	}
	if a.TLSClientKey == "" {
		a.TLSClientKey = a.TLSClientCert
	} else if a.TLSClientCert == "" {
		d.failKey(head, fmt.Sprintf("account %q has a tls_client_key without a tls_client_cert", a.Name), "write both")
	}
	if a.SourceIP.IsValid() && (a.IP == IP4 && a.SourceIP.Is6() || a.IP == IP6 && a.SourceIP.Is4()) {
		d.failKey(head, fmt.Sprintf("account %q: source_ip %s cannot reach ip = %q", a.Name, a.SourceIP, a.IP), "leave one of them out")
	}
}

// checkSRV refuses what a server found by SRV records cannot have: who answers
// for the domain would decide where a password goes in clear, and asking for
// the records would tell the name to others than the proxy.
func (d *document) checkSRV(head value, keys, defaults table, a *Account) {
	switch {
	case a.TLS == TLSNone:
		d.failKey(head, fmt.Sprintf("account %q: %s goes with TLS only", a.Name, a.Server), `leave tls out, or write the server's host`)
	case a.Proxy.Kind != NoProxy:
		d.failKey(head, fmt.Sprintf("account %q: SRV records cannot be asked for through a proxy", a.Name), `write the server's host, or proxy = "none"`)
	}
	if !keys.has("tls") && !defaults.has("tls") {
		a.TLS = TLSBySRV
	}
}

// checkSocket asks for the name that a certificate behind a socket is for.
func (d *document) checkSocket(head value, keys table, a *Account) {
	if a.Proxy.Kind != NoProxy && (keys.has(keyProxy) || keys.has(keyProxyCommand)) {
		d.failKey(head, fmt.Sprintf("account %q has a proxy to a socket of this machine", a.Name), "leave one of them out")
	}
	a.Proxy = Proxy{}
	if a.TLS != TLSNone && a.TLSServerName == "" && len(a.TLSPins) == 0 && !a.TLSFirstUse {
		d.failKey(head, fmt.Sprintf("account %q does not say whom the certificate behind %s is for", a.Name, a.Server),
			`write tls = "none" if the server is on this machine, else tls_server_name`)
	}
}
