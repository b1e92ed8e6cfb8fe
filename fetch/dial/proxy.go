package dial

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/proxy"
)

// Proxy is what connections go through. It is told the server's name and resolves it itself, as Tor wants it.
type Proxy struct {
	HTTP               bool // CONNECT (RFC 9110 §9.3.6); else SOCKS5 (RFC 1928)
	Host               string
	Port               int
	Username, Password string // "" is no login
}

// past is a deadline that ends what waits.
var past = time.Unix(1, 0)

// ConnectThrough opens a connection to a server through a proxy, which is reached as Connect reaches a server. Timeout
// bounds the way to the proxy, and then the proxy's answer. The caller closes the connection.
//
// Errors: those of Connect for the proxy itself, with a text that says so; *Error with Kind ProxyRefused or ProxyFailed,
// TimedOut or Lost for its answer. A cancelled ctx: an error that is context.Canceled.
func (d *Dialer) ConnectThrough(ctx context.Context, p Proxy, host string, port int) (net.Conn, error) {
	conn, err := d.Connect(ctx, p.Host, p.Port)
	if e, ok := errors.AsType[*Error](err); ok {
		e.doing = "reach the proxy: " + e.doing
		if e.Kind == Refused || e.Kind == TimedOut {
			e.hint = "is the proxy running? check proxy in the config"
		}
	}
	if err != nil {
		return nil, err
	}
	server := net.JoinHostPort(strings.TrimSuffix(host, "."), strconv.Itoa(port))
	if err := d.ask(ctx, conn, p, server); err != nil {
		_ = conn.Close()
		if ctx.Err() != nil && !isTimeout(ctx.Err()) {
			return nil, fmt.Errorf("connect to %s through the proxy: %w", plain(server), ctx.Err())
		}
		e := p.refusal(err, d.limit())
		e.Host, e.Port, e.Err = host, port, err
		e.doing = "connect to " + plain(server) + " through the proxy " + target(p.Host, p.Port)
		return nil, e
	}
	return conn, nil
}

// ask has the proxy connect to the server.
func (d *Dialer) ask(ctx context.Context, conn net.Conn, p Proxy, server string) error {
	if err := conn.SetDeadline(time.Now().Add(d.limit())); err != nil {
		return err
	}
	unwatch := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
	err := p.connect(conn, server)
	if !unwatch() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}

// connect says what the proxy's kind has to say over conn, and reads its answer and no octet more.
func (p Proxy) connect(conn net.Conn, server string) error {
	if p.HTTP {
		return p.connectHTTP(conn, server)
	}
	var login *proxy.Auth
	if p.Username != "" {
		login = &proxy.Auth{User: p.Username, Password: p.Password}
	}
	socks, err := proxy.SOCKS5("tcp", target(p.Host, p.Port), login, already{conn})
	if err != nil {
		return err
	}
	_, err = socks.Dial("tcp", server)
	return err
}

// already is the connection to the proxy, for a library that would open one.
type already struct{ conn net.Conn }

func (a already) Dial(string, string) (net.Conn, error) { return a.conn, nil }

// statusError is a proxy's answer to CONNECT that is not a success.
type statusError struct {
	code int
	text string // fit to be shown
}

func (e *statusError) Error() string { return strings.TrimSpace(strconv.Itoa(e.code) + " " + e.text) }

// errNoProxy is an answer that no proxy gives.
var errNoProxy = errors.New("it does not speak HTTP")

func (p Proxy) connectHTTP(conn net.Conn, server string) error {
	request := "CONNECT " + server + " HTTP/1.1\r\nHost: " + server + "\r\n"
	if p.Username != "" {
		request += "Proxy-Authorization: Basic " + p.basic() + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return err
	}
	header, err := readHeader(conn)
	if err != nil {
		return err
	}
	// HTTP/1.1 200 Connection established
	line, _, _ := strings.Cut(header, "\n")
	version, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	number, text, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(number)
	if !strings.HasPrefix(version, "HTTP/") || err != nil {
		return errNoProxy
	}
	if code < 200 || code > 299 {
		// Once more as it is shown: an escaped octet could make up for one that is missing.
		return &statusError{code, p.withoutSecrets(plain(p.withoutSecrets(text)))}
	}
	return nil
}

func (p Proxy) basic() string {
	return base64.StdEncoding.EncodeToString([]byte(p.Username + ":" + p.Password))
}

// withoutSecrets takes out of a proxy's words what it was told in confidence.
func (p Proxy) withoutSecrets(text string) string {
	for _, secret := range []string{p.Password, p.basic()} {
		if p.Username != "" && secret != "" {
			text = strings.ReplaceAll(text, secret, "[…]")
		}
	}
	return text
}

// readHeader reads up to an empty line, octet by octet: what comes behind it is the server's.
func readHeader(conn net.Conn) (string, error) {
	header := make([]byte, 0, 256)
	for octet := make([]byte, 1); ; {
		if _, err := io.ReadFull(conn, octet); err != nil {
			return "", err
		}
		header = append(header, octet[0])
		text := string(header[max(0, len(header)-4):])
		switch {
		case strings.HasSuffix(text, "\n\n"), strings.HasSuffix(text, "\n\r\n"):
			return string(header), nil
		case len(header) == len("HTTP/") && string(header) != "HTTP/":
			return "", errNoProxy // a POP3 greeting, for one, has no empty line to wait for
		case len(header) >= maxProxyHeader:
			return "", fmt.Errorf("its answer is longer than %d KiB", maxProxyHeader>>10)
		}
	}
}

// refusal words why the proxy did not connect.
func (p Proxy) refusal(err error, limit time.Duration) *Error {
	const rightKind = "does proxy name the right kind, socks5:// or http://?"
	switch {
	case isTimeout(err):
		return &Error{Kind: TimedOut, reason: "the proxy gave " + within(limit), hint: rightKind + " If so, the server may be down: try again later"}
	case lost(err):
		return &Error{Kind: Lost, reason: "the proxy ended the connection", hint: rightKind}
	case errors.Is(err, errNoProxy):
		return &Error{Kind: ProxyRefused, reason: err.Error(), hint: "check the port in proxy, and whether it is socks5:// or http://"}
	}
	if status, ok := errors.AsType[*statusError](err); ok {
		return httpRefusal(status)
	}
	return socksRefusal(err)
}

// httpRefusal sorts the answers to CONNECT (RFC 9110 §15).
func httpRefusal(status *statusError) *Error {
	e := &Error{Kind: ProxyRefused, reason: "the proxy says " + status.Error()}
	switch {
	case status.code == 407 || status.code == 401: // tinyproxy answers a wrong password so
		e.hint = `it wants a login: proxy = "http://USER:PASSWORD@HOST:PORT"`
	case status.code == 403 || status.code == 405:
		e.hint = "many proxies let only port 443 through; ask whoever runs it"
	case status.code == 429 || status.code >= 500 && status.code != 501 && status.code != 505:
		e.Kind, e.hint = ProxyFailed, "it does not reach the server for now; try later, or check its name"
	}
	return e
}

// socksRefusal sorts the replies of RFC 1928 §6. The library has no types for them, so their texts decide; a text that
// changes costs the hint, and makes it a failure that may pass.
func socksRefusal(err error) *Error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		err = op.Err
	}
	text := strings.TrimPrefix(err.Error(), "unknown error ")
	e := &Error{Kind: ProxyRefused, reason: "the proxy says: " + plain(text)}
	switch {
	case strings.Contains(text, "unexpected protocol version"):
		e.reason, e.hint = "it does not speak SOCKS5", "check the port in proxy, and whether it is socks5:// or http://"
	case strings.Contains(text, "authentication"):
		e.hint = `it wants a login: proxy = "socks5://USER:PASSWORD@HOST:PORT"`
	case strings.Contains(text, "not allowed"):
		e.hint = "ask whoever runs the proxy, or use another way"
	case strings.Contains(text, "not supported"):
	default:
		e.Kind, e.hint = ProxyFailed, "it does not reach the server for now; try later, or check its name"
	}
	return e
}
