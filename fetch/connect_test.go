package fetch

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"haulmail/config"
)

// listening gives a listener that serves one connection.
func listening(t *testing.T, serve func(net.Conn)) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		serve(conn)
	}()
	return l.Addr().(*net.TCPAddr)
}

// Connections to other hosts go as those to the account's server do; an account without a way of its own takes the usual one, and so does
// one with a proxy_command, which leads to its server.
func TestDialFor(t *testing.T) {
	for name, a := range map[string]*config.Account{
		"nothing of its own": {},
		"a program":          {Way: config.Way{Proxy: config.Proxy{Kind: config.ProxyCommand, Command: config.Command{Shell: "false"}}}},
	} {
		if DialFor(a, Options{}) != nil {
			t.Errorf("%s: there is a way", name)
		}
	}

	said := make(chan string, 1)
	tell := func(conn net.Conn) {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		said <- line
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	}
	proxy := listening(t, tell)
	through := config.Way{Proxy: config.Proxy{Kind: config.ProxyHTTP, Host: "127.0.0.1", Port: proxy.Port}}
	reach(t, &config.Account{Way: through}, "login.example:443")
	if line := <-said; line != "CONNECT login.example:443 HTTP/1.1\r\n" {
		t.Errorf("the proxy was asked %q", line)
	}

	server := listening(t, func(conn net.Conn) { said <- conn.RemoteAddr().String() })
	reach(t, &config.Account{Way: config.Way{SourceIP: netip.MustParseAddr("127.5.5.5")}}, server.String())
	if from := <-said; !strings.HasPrefix(from, "127.5.5.5:") {
		t.Errorf("it came from %s", from)
	}
}

// reach goes an account's way.
func reach(t *testing.T, a *config.Account, address string) {
	t.Helper()
	conn, err := DialFor(a, Options{})(context.Background(), "tcp", address)
	check(t, err)
	conn.Close()
}
