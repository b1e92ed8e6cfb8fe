package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// listen accepts on a loopback address until the test ends; each connection is greeted and closed.
func listen(t *testing.T, addr string) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte("+OK\r\n"))
			conn.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// noGoroutineLeft checks at the end of the test that as many goroutines run as at its start.
func noGoroutineLeft(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 1000 { // 10 s at most
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines, %d at the start:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
	})
}

func TestConnectByNameOverRealDNS(t *testing.T) {
	noGoroutineLeft(t)
	dns := startDNS(t)
	port := listen(t, "127.0.0.1:0")
	var trace []string
	d := &Dialer{Resolver: dns, Trace: func(e Event) { trace = append(trace, e.String()) }}
	conn, err := d.Connect(t.Context(), "pop.test", port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.RemoteAddr().(*net.TCPAddr).IP.String(); got != "127.0.0.1" {
		t.Errorf("connected to %s, want the address that listens", got)
	}
	first := trace[0]
	if !strings.HasPrefix(first, "resolved pop.test in ") || !strings.Contains(first, "127.0.0.1") || !strings.Contains(first, "127.0.0.2") {
		t.Errorf("trace does not tell both addresses: %q", first)
	}

	_, err = d.Connect(t.Context(), "dead.test", port)
	p := strconv.Itoa(port)
	e := want(t, err, Refused, "connect to dead.test:"+p+": 127.0.0.2: connection refused")
	if !errors.Is(err, syscall.ECONNREFUSED) || len(e.Tries) != 1 || e.Tries[0].Addr.String() != "127.0.0.2:"+p {
		t.Errorf("tries %v", e.Tries)
	}
	_, err = d.Connect(t.Context(), "nobody.test", port)
	want(t, err, UnknownHost, "resolve nobody.test: no such host")
}

func TestConnectIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("this machine has no IPv6 loopback: %v", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	defer l.Close()
	conn, err := new(Dialer).Connect(t.Context(), "::1", port)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	// Nothing listens on 127.0.0.1: IPv6 answers for a name that has both.
	d := &Dialer{Resolver: fixed(addrs("127.0.0.1", "::1"))}
	if conn, err = d.Connect(t.Context(), "pop.test", port); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	l.Close()
	_, err = new(Dialer).Connect(t.Context(), "::1", port)
	want(t, err, Refused, "connect to [::1]:"+strconv.Itoa(port)+": connection refused")
}

func TestConnectKeepsNoDelayAndKeepAlive(t *testing.T) {
	conn, err := new(Dialer).Connect(t.Context(), "127.0.0.1", listen(t, "127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if on, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_NODELAY); on == 0 || err != nil {
			t.Errorf("TCP_NODELAY %d, %v", on, err)
		}
		if on, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE); on == 0 || err != nil {
			t.Errorf("SO_KEEPALIVE %d, %v", on, err)
		}
	})
}

func TestConnectBadPort(t *testing.T) {
	for _, port := range []int{-1, 0, 65536} {
		if _, err := new(Dialer).Connect(t.Context(), "127.0.0.1", port); err == nil {
			t.Errorf("port %d is taken", port)
		}
	}
}

// blackHole makes 127.0.0.1 and 127.0.0.2 share a port: the first one's accept queue is full, so that the kernel drops
// each SYN as a firewall would, and the second one accepts.
func blackHole(t *testing.T) (port int) {
	t.Helper()
	var err error
	for range 20 { // a client of some other test may have the port on 127.0.0.1
		port = listen(t, "127.0.0.2:0")
		if err = neverAccept(t, port); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	full := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)).String()
	for range 20 {
		conn, err := net.DialTimeout("tcp", full, 100*time.Millisecond)
		if err != nil {
			return port
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("the accept queue does not fill")
	return 0
}

// neverAccept listens on a port of 127.0.0.1 with the shortest queue there is. Ends of old connections do not keep it
// from the port (SO_REUSEADDR).
func neverAccept(t *testing.T, port int) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	return syscall.Listen(fd, 0)
}

func TestConnectBlackHole(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux drops connections to a full queue")
	}
	noGoroutineLeft(t)
	port := blackHole(t)
	d := &Dialer{Resolver: fixed(addrs("127.0.0.1", "127.0.0.2")), Timeout: 20 * time.Second}
	start := time.Now()
	conn, err := d.Connect(t.Context(), "pop.test", port)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if took := time.Since(start); took < defaultAttemptDelay || took > 5*time.Second {
		t.Errorf("took %v, want a little more than %v", took, defaultAttemptDelay)
	}

	d.Timeout = 300 * time.Millisecond
	_, err = d.Connect(t.Context(), "127.0.0.1", port)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != TimedOut || !strings.HasPrefix(e.Error(), "connect to 127.0.0.1:"+strconv.Itoa(port)+": no answer within ") {
		t.Errorf("got %v, want a time-out", err)
	}

	d.Timeout = 20 * time.Second
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err = d.Connect(ctx, "127.0.0.1", port); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// TestNoDescriptorLeft counts this process's open files over races with losers.
func TestNoDescriptorLeft(t *testing.T) {
	const fds = "/proc/self/fd"
	count := func() int {
		open, _ := filepath.Glob(filepath.Join(fds, "*"))
		return len(open)
	}
	if _, err := os.Stat(fds); err != nil {
		t.Skip("this system does not list a process's open files")
	}
	port := listen(t, "127.0.0.1:0")
	d := &Dialer{Resolver: fixed(addrs("127.0.0.1", "127.0.0.2", "127.0.0.3", "::1")), AttemptDelay: time.Nanosecond}
	before := 0
	for i := range 300 {
		conn, err := d.Connect(t.Context(), "pop.test", port)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if i == 100 {
			before = count()
		}
	}
	if after := count(); after > before+10 {
		t.Errorf("%d open files, %d after the first hundred connects", after, before)
	}
}
