package dial

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// proxyAt runs one connection's worth of a proxy on loopback and gives how to reach it.
func proxyAt(t *testing.T, http bool, answer func(net.Conn)) Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-ended })
	go func() {
		defer close(ended)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		answer(conn)
	}()
	return Proxy{HTTP: http, Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}
}

// socks is a SOCKS5 server that answers a request with a reply code; 0 greets as a POP3 server behind it would.
func socks(method, reply byte, login, heard *string) func(net.Conn) {
	return func(conn net.Conn) {
		r := bufio.NewReader(conn)
		take := func(n byte) string {
			b := make([]byte, n)
			_, _ = io.ReadFull(r, b)
			return string(b)
		}
		head := take(2)
		take(head[1])
		_, _ = conn.Write([]byte{5, method})
		if method == 2 {
			user := take(take(2)[1])
			*login = user + ":" + take(take(1)[0])
			status := byte(0)
			if *login != "me:s3cret" {
				status = 1
			}
			_, _ = conn.Write([]byte{1, status})
		}
		request := take(5)
		*heard = request[3:4] + take(request[4]+2)
		_, _ = conn.Write(append([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0}, "+OK ready\r\n"...))
		drain(conn)
	}
}

// http is a proxy that answers CONNECT with text, and keeps what it was told.
func httpProxy(text string, heard *string) func(net.Conn) {
	return func(conn net.Conn) {
		r := bufio.NewReader(conn)
		for {
			line, err := r.ReadString('\n')
			*heard += line
			if line == "\r\n" || err != nil {
				break
			}
		}
		_, _ = io.WriteString(conn, text)
		drain(conn)
	}
}

// greeted reads the greeting and closes; what the proxy was told is known after that.
func greeted(t *testing.T, conn net.Conn) {
	t.Helper()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if line != "+OK ready\r\n" || err != nil {
		t.Errorf("greeting %q, %v", line, err)
	}
	conn.Close()
}

// noResolver is asked by nobody.
type noResolver struct{ t *testing.T }

func (r noResolver) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	r.t.Errorf("%s of %s is looked up here", network, host)
	return nil, errors.New("not here")
}

// The proxy gets the server's name, which nobody here looks up, and what comes behind its answer is the server's.
func TestThroughProxies(t *testing.T) {
	d := &Dialer{Resolver: noResolver{t}}
	t.Run("socks", func(t *testing.T) {
		noGoroutineLeft(t)
		var heard string
		p := proxyAt(t, false, socks(0, 0, nil, &heard))
		conn, err := d.ConnectThrough(t.Context(), p, "pop.onion.", 995)
		if err != nil {
			t.Fatal(err)
		}
		greeted(t, conn)
		if heard != "\x03pop.onion\x03\xe3" {
			t.Errorf("the proxy was asked for %q", heard)
		}
	})
	t.Run("socks with a login", func(t *testing.T) {
		var login, heard string
		p := proxyAt(t, false, socks(2, 0, &login, &heard))
		p.Username, p.Password = "me", "s3cret"
		conn, err := d.ConnectThrough(t.Context(), p, "pop.onion", 995)
		if err != nil {
			t.Fatal(err)
		}
		greeted(t, conn)
		if login != "me:s3cret" {
			t.Errorf("login %q", login)
		}
	})
	t.Run("http", func(t *testing.T) {
		noGoroutineLeft(t)
		var heard string
		p := proxyAt(t, true, httpProxy("HTTP/1.0 200 OK\r\nVia: x\r\n\r\n+OK ready\r\n", &heard))
		p.Username, p.Password = "me", "s3cret"
		conn, err := d.ConnectThrough(t.Context(), p, "2001:db8::1", 995)
		if err != nil {
			t.Fatal(err)
		}
		greeted(t, conn)
		if heard != "CONNECT [2001:db8::1]:995 HTTP/1.1\r\nHost: [2001:db8::1]:995\r\nProxy-Authorization: Basic bWU6czNjcmV0\r\n\r\n" {
			t.Errorf("the proxy was told %q", heard)
		}
	})
}

// The time-out is the proxy's; how long the server takes behind it is the session's business.
func TestProxyDeadlineEnds(t *testing.T) {
	p := proxyAt(t, true, func(conn net.Conn) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		time.Sleep(1500 * time.Millisecond)
		io.WriteString(conn, "+OK ready\r\n")
		drain(conn)
	})
	conn, err := (&Dialer{Timeout: time.Second}).ConnectThrough(t.Context(), p, "pop.example.org", 995)
	if err != nil {
		t.Fatal(err)
	}
	greeted(t, conn)
}

func TestProxiesThatRefuse(t *testing.T) {
	var none string
	says := func(text string) func(net.Conn) { return httpProxy(text, new(string)) }
	hangUp := func(conn net.Conn) { conn.Read(make([]byte, 1)) }
	const where = "connect to pop.example.org:995 through the proxy 127.0.0.1:"
	for name, row := range map[string]struct {
		http   bool
		answer func(net.Conn)
		kind   Kind
		says   string
	}{
		"socks: failure":           {false, socks(0, 1, &none, new(string)), ProxyFailed, "the proxy says: general SOCKS server failure"},
		"socks: rules":             {false, socks(0, 2, &none, new(string)), ProxyRefused, "the proxy says: connection not allowed by ruleset"},
		"socks: no network":        {false, socks(0, 3, &none, new(string)), ProxyFailed, "the proxy says: network unreachable"},
		"socks: no host":           {false, socks(0, 4, &none, new(string)), ProxyFailed, "the proxy says: host unreachable"},
		"socks: refused":           {false, socks(0, 5, &none, new(string)), ProxyFailed, "the proxy says: connection refused"},
		"socks: command":           {false, socks(0, 7, &none, new(string)), ProxyRefused, "the proxy says: command not supported"},
		"socks: no way to log in":  {false, socks(0xff, 0, &none, new(string)), ProxyRefused, "the proxy says: no acceptable authentication methods"},
		"socks: wrong password":    {false, socks(2, 0, new(string), new(string)), ProxyRefused, "the proxy says: username/password authentication failed"},
		"socks: HTTP there":        {false, says("HTTP/1.0 400 Bad\r\n\r\n"), TimedOut, "the proxy gave no answer within 1s"},
		"socks: POP3 there":        {false, func(c net.Conn) { io.WriteString(c, "+OK ready\r\n"); drain(c) }, ProxyRefused, "it does not speak SOCKS5"},
		"socks: hangs up":          {false, hangUp, Lost, "the proxy ended the connection"},
		"socks: silent":            {false, drain, TimedOut, "the proxy gave no answer within 1s"},
		"http: login":              {true, says("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), ProxyRefused, "the proxy says 407 Proxy Authentication Required"},
		"http: repeats the secret": {true, says("HTTP/1.1 407 no wrong or bWU6d3Jvbmc=\r\n\r\n"), ProxyRefused, "the proxy says 407 no […] or […]"},
		"http: forbidden":          {true, says("HTTP/1.1 403 \x1b[2JForbidden\r\n\r\n"), ProxyRefused, `the proxy says 403 \x1b[2JForbidden`},
		"http: not a proxy":        {true, says("HTTP/1.1 501\r\n\r\n"), ProxyRefused, "the proxy says 501"},
		"http: bad gateway":        {true, says("HTTP/1.1 502 Bad Gateway\r\n\r\n"), ProxyFailed, "the proxy says 502 Bad Gateway"},
		"http: unavailable":        {true, says("HTTP/1.1 503 Busy\n\n"), ProxyFailed, "the proxy says 503 Busy"},
		"http: POP3 there":         {true, says("+OK ready\r\n"), ProxyRefused, "it does not speak HTTP"},
		"http: nonsense":           {true, says("HTTP/1.1 fine\r\n\r\n"), ProxyRefused, "it does not speak HTTP"},
		"http: endless":            {true, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n"+strings.Repeat("X: y\r\n", 5000)); drain(c) }, ProxyFailed, "the proxy says: its answer is longer than 16 KiB"},
		"http: hangs up":           {true, hangUp, Lost, "the proxy ended the connection"},
		"http: cut off":            {true, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n") }, Lost, "the proxy ended the connection"},
		"http: silent":             {true, drain, TimedOut, "the proxy gave no answer within 1s"},
		"http: SOCKS there":        {true, func(c net.Conn) { c.Write([]byte{5, 0xff}); drain(c) }, TimedOut, "the proxy gave no answer within 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := proxyAt(t, row.http, row.answer)
			p.Username, p.Password = "me", "wrong"
			d := &Dialer{Timeout: 20 * time.Second}
			if row.kind == TimedOut {
				d.Timeout = time.Second
			}
			_, err := d.ConnectThrough(t.Context(), p, "pop.example.org", 995)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != row.kind || !strings.HasPrefix(e.Error(), where) || !strings.HasSuffix(e.Error(), ": "+row.says) {
				t.Fatalf("got %v, want %v, %q", err, row.kind, row.says)
			}
			if e.Temporary() != (row.kind != ProxyRefused) || strings.Contains(e.Error()+e.Hint(), "wrong") && !strings.Contains(row.says, "wrong") {
				t.Errorf("temporary %v: %v", e.Temporary(), e)
			}
		})
	}
}

// A login without a password leaves the proxy's words as they are, but for the login itself.
func TestProxyLoginWithoutPassword(t *testing.T) {
	p := proxyAt(t, true, httpProxy("HTTP/1.1 407 no bWU6 here\r\n\r\n", new(string)))
	p.Username = "me"
	_, err := new(Dialer).ConnectThrough(t.Context(), p, "pop.example.org", 995)
	if err == nil || !strings.HasSuffix(err.Error(), ": the proxy says 407 no […] here") {
		t.Errorf("got %v", err)
	}
}

// A proxy that is not there is told apart from one that refuses.
func TestNoProxyThere(t *testing.T) {
	port := listen(t, "127.0.0.1:0") // nobody listens on 127.0.0.2, not even the servers of other tests
	_, err := new(Dialer).ConnectThrough(t.Context(), Proxy{Host: "127.0.0.2", Port: port}, "pop.example.org", 995)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Refused || !strings.HasPrefix(e.Error(), "reach the proxy: connect to 127.0.0.2:") || !strings.Contains(e.Hint(), "proxy") {
		t.Errorf("got %v", err)
	}
}

func TestProxyCancelled(t *testing.T) {
	noGoroutineLeft(t)
	for _, http := range []bool{true, false} {
		p := proxyAt(t, http, drain)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		began := time.Now()
		if _, err := new(Dialer).ConnectThrough(ctx, p, "pop.example.org", 995); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	}
}
