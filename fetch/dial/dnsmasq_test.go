package dial

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// zone is what the private dnsmasq answers; names under .test that are not here do not exist, others it refuses.
var zone = []string{
	"--local=/test/",
	"--host-record=four.test,192.0.2.1",
	"--host-record=six.test,2001:db8::1",
	"--host-record=both.test,192.0.2.1,2001:db8::1",
	"--cname=alias.test,both.test",
	"--txt-record=empty.test,no address here",
	"--host-record=blocked.test,0.0.0.0",
	"--host-record=pop.test,127.0.0.2",
	"--host-record=pop.test,127.0.0.1",
	"--host-record=dead.test,127.0.0.2",
	"--srv-host=_pop3s._tcp.both-kinds.test,tls.both-kinds.test,995",
	"--srv-host=_pop3._tcp.both-kinds.test,plain.both-kinds.test,110",
	"--srv-host=_pop3._tcp.starttls.test,pop.starttls.test,1110",
	"--srv-host=_pop3s._tcp.order.test,third.order.test,995,20,0",
	"--srv-host=_pop3s._tcp.order.test,first.order.test,995,0,0",
	"--srv-host=_pop3s._tcp.order.test,second.order.test,995,10,0",
	"--srv-host=_pop3s._tcp.weight.test,heavy.weight.test,995,0,99",
	"--srv-host=_pop3s._tcp.weight.test,light.weight.test,995,0,1",
	"--srv-host=_pop3s._tcp.none.test",
	"--srv-host=_pop3._tcp.none.test",
	"--srv-host=_pop3s._tcp.portless.test,pop.portless.test,0",
	"--srv-host=_pop3s._tcp.half.test",
	"--srv-host=_pop3._tcp.half.test,pop.half.test,110",
}

// manyAddrs are so many that a UDP answer of 1,232 octets cannot hold them: they come by TCP.
const manyAddrs = 100

// many adds a name with more addresses than anyone needs.
func many() []string {
	var args []string
	for i := 1; i <= 20; i++ {
		args = append(args, fmt.Sprintf("--srv-host=_pop3s._tcp.crowd.test,a-rather-long-name-of-a-server-that-fills-its-answer-%d.crowd.test,995,%d", i, i))
	}
	for i := 1; i <= manyAddrs; i++ {
		args = append(args, fmt.Sprintf("--host-record=many.test,192.0.2.%d,2001:db8::%d", i, i))
	}
	return args
}

// startDNS runs a private dnsmasq on a loopback port until the test ends and gives a resolver that asks it.
func startDNS(t *testing.T) *net.Resolver {
	t.Helper()
	binary := findDNSmasq(t)
	var last string
	for range 5 { // the port may be taken between choosing and using it
		addr := freePort(t)
		_, port, _ := net.SplitHostPort(addr)
		var output bytes.Buffer
		args := append([]string{
			"--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-daemon", "--pid-file=",
			"--listen-address=127.0.0.1", "--bind-interfaces", "--port=" + port,
		}, zone...)
		cmd := exec.Command(binary, append(args, many()...)...)
		cmd.Stderr = &output
		if err := cmd.Start(); err != nil {
			t.Fatalf("start dnsmasq: %v", err)
		}
		ended := make(chan struct{})
		go func() { cmd.Wait(); close(ended) }()
		resolver := resolverAt(addr)
		if answersFor(resolver, ended) {
			t.Cleanup(func() { cmd.Process.Kill(); <-ended })
			return resolver
		}
		cmd.Process.Kill()
		<-ended
		last = output.String()
	}
	t.Fatalf("dnsmasq does not answer: %s", last)
	return nil
}

// findDNSmasq looks where Debian puts it, which is not on everyone's PATH.
func findDNSmasq(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("dnsmasq"); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		path := filepath.Join(dir, "dnsmasq")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	const missing = "no dnsmasq on this machine: apt-get install dnsmasq-base"
	if ci, _ := strconv.ParseBool(os.Getenv("CI")); ci {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// answersFor waits until the server answers, or has ended.
func answersFor(r *net.Resolver, ended <-chan struct{}) bool {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		_, err := r.LookupNetIP(ctx, "ip4", "four.test")
		cancel()
		if err == nil {
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}

// resolverAt asks one name server and no other.
func resolverAt(addr string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}}
}

// freePort gives a loopback address whose port was free for UDP a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().String()
}

// DNS record types (RFC 1035 §3.2.2, RFC 3596 §2.1) and response codes (RFC 1035 §4.1.1) the small server knows.
const (
	typeA, typeAAAA                        = 1, 28
	codeNoError, codeServFail, codeRefused = 0, 2, 5
	silent                                 = -1
)

// startBadDNS is a name server for what dnsmasq does not do on request: each record type gets a response code without
// data, the address 127.0.0.1 for A with codeNoError, or no answer at all; SRV gets the code of A.
func startBadDNS(t *testing.T, a, aaaa int) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-ended })
	go func() {
		defer close(ended)
		query := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			if reply := badReply(query[:n], a, aaaa); reply != nil {
				conn.WriteTo(reply, from)
			}
		}
	}()
	return resolverAt(conn.LocalAddr().String())
}

// badReply answers one query (RFC 1035 §4.1).
func badReply(query []byte, a, aaaa int) []byte {
	end := 12 + bytes.IndexByte(query[12:], 0) + 5 // header, name, type, class
	if end > len(query) {
		return nil
	}
	code := a
	if qtype := int(query[end-4])<<8 | int(query[end-3]); qtype == typeAAAA {
		code = aaaa
	} else if qtype != typeA && code <= codeNoError {
		return nil
	}
	if code == silent {
		return nil
	}
	reply := append([]byte(nil), query[:end]...)
	reply[2], reply[3] = 0x81, 0x80|byte(code) // a response, recursion available
	clear(reply[6:12])
	if code == codeNoError {
		reply[7] = 1
		reply = append(reply, 0xc0, 12, 0, query[end-3], 0, 1, 0, 0, 0, 60)
		if query[end-3] == typeA {
			reply = append(reply, 0, 4, 127, 0, 0, 1)
		} else {
			reply = append(append(reply, 0, 16), net.IPv6loopback...)
		}
	}
	return reply
}
