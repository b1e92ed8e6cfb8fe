package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	serverHint = `write a host, a host and a port, or an IPv6 address: "pop.example.org", "pop.example.org:995", "[2001:db8::1]:995"`

	srvPrefix  = "srv:"
	unixPrefix = "unix:"
	srvHint    = `write the domain of the mail address: "srv:example.org"`
	unixHint   = `write an absolute path: "unix:/run/pop3.sock"`
)

func (d *document) readServer(v value, a *Account) {
	s, ok := d.plain(v, serverHint)
	if !ok {
		return
	}
	server, problem, hint := parseServer(s)
	if problem != "" {
		d.failValue(v, problem, hint)
		return
	}
	a.Server = server
}

// parseServer reads HOST, HOST:PORT, an IP address, [V6] or [V6]:PORT. Port is
// 0 where none is named. A problem never quotes what may hold a password.
func parseServer(s string) (server Server, problem, hint string) {
	if path, ok := strings.CutPrefix(s, unixPrefix); ok {
		return parseSocket(path)
	}
	if domain, ok := strings.CutPrefix(s, srvPrefix); ok && !isNumber(domain) {
		return parseDomain(domain)
	}
	switch {
	case strings.Contains(s, "://"):
		return Server{}, "server is a URL, not a host", `leave out the scheme: pops:// is tls = "implicit", pop:// is tls = "starttls"`
	case strings.Contains(s, "@"):
		return Server{}, "server holds a user name", "write it as username"
	}
	return parseHostPort(s)
}

// parseHostPort reads what names neither a domain nor a socket.
func parseHostPort(s string) (server Server, problem, hint string) {
	host, port, named := strings.Cut(s, ":")
	switch {
	case strings.Contains(s, "/"):
		return Server{}, fmt.Sprintf("server %q holds a path", s), serverHint
	case strings.HasPrefix(s, "["):
		var after string
		if host, after, named = strings.Cut(s[1:], "]"); !named {
			return Server{}, fmt.Sprintf("server %q lacks a bracket", s), serverHint
		}
		port, named = strings.CutPrefix(after, ":")
		if !named && after != "" || !strings.Contains(host, ":") {
			return Server{}, fmt.Sprintf("server %q is not a host", s), serverHint
		}
	case strings.Count(s, ":") > 1:
		host, named = s, false // a bare IPv6 address
	}
	if server.Host, problem, hint = parseHost(host); problem != "" {
		return Server{}, problem, hint
	}
	if !named {
		return server, "", ""
	}
	n, err := strconv.Atoi(port)
	if err != nil || !isNumber(port) || n < 1 || n > 65535 {
		return Server{}, fmt.Sprintf("server %q: the port is not a number from 1 to 65535", s), serverHint
	}
	server.Port = n
	return server, "", ""
}

// parseSocket reads what stands behind "unix:".
func parseSocket(path string) (server Server, problem, hint string) {
	switch {
	case !filepath.IsAbs(path):
		return Server{}, fmt.Sprintf("server %q is not an absolute path", unixPrefix+path), unixHint
	case len(path) > maxSocket:
		return Server{}, fmt.Sprintf("the path of a socket is longer than %d bytes", maxSocket), "systems take no longer one; a symbolic link may lead there"
	}
	return Server{Kind: BySocket, Host: filepath.Clean(path)}, "", ""
}

// parseDomain reads what stands behind "srv:".
func parseDomain(domain string) (server Server, problem, hint string) {
	if strings.Contains(domain, "@") {
		return Server{}, "server holds a user name", srvHint
	}
	if strings.Contains(domain, ":") {
		return Server{}, fmt.Sprintf("server %q: the port comes from the SRV record", srvPrefix+domain), srvHint
	}
	if _, err := netip.ParseAddr(domain); err == nil {
		return Server{}, fmt.Sprintf("server %q: an address has no SRV records", srvPrefix+domain), srvHint
	}
	host, problem, hint := parseHost(domain)
	if problem != "" {
		return Server{}, problem, hint
	}
	return Server{Kind: BySRV, Host: strings.TrimSuffix(host, ".")}, "", ""
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// parseHost reads a DNS name (RFC 1123 §2.1, and "_" as it occurs) or an IP
// address. What could only be a broken IPv4 address is no name: no top-level
// domain is a number.
func parseHost(host string) (clean, problem, hint string) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), "", ""
	}
	problem = fmt.Sprintf("server %q is not a host", host)
	const maxName, maxLabel = 253, 63 // RFC 1035 §2.3.4
	lower := strings.ToLower(host)
	name := strings.TrimSuffix(lower, ".")
	if len(name) > maxName {
		return "", "server is longer than a host name can be", serverHint
	}
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		last = label
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return "", problem, serverHint
		}
		for _, r := range label {
			if r > 0x7f {
				return "", fmt.Sprintf("server %q is not in ASCII", host), `write the name in its ASCII form, which begins with "xn--"`
			}
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_", r) {
				return "", problem, serverHint
			}
		}
	}
	if isNumber(last) {
		return "", fmt.Sprintf("server %q is neither a name nor an IP address", host), serverHint
	}
	return lower, "", ""
}
