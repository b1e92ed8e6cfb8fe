package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// reachZone adds names that lead to a Dovecot in one way or another.
func reachZone(pop *server) []string {
	_, plain, _ := net.SplitHostPort(pop.plain)
	_, tls, _ := net.SplitHostPort(pop.tls)
	lines := []string{
		"cname=alias.test,pop.test",
		"host-record=v6.test,::1",
		"host-record=outside.example,127.0.0.1",
		"srv-host=_pop3s._tcp.pop.test,pop.test," + tls,
		"srv-host=_pop3._tcp.start.test,pop.test," + plain,
		"srv-host=_pop3s._tcp.foreign.test,pop.test," + tls,
		"srv-host=_pop3s._tcp.dead.test,localhost,9,0",
		"srv-host=_pop3s._tcp.dead.test,pop.test," + tls + ",10",
		"srv-host=_pop3s._tcp.none.test",
		"srv-host=_pop3._tcp.none.test",
		"srv-host=_pop3s._tcp.gone.test,missing.test,995",
		"srv-host=_pop3s._tcp.wrongway.test,pop.test," + plain,
		"host-record=localhost,127.0.0.1",
	}
	for i := range 100 { // more than a UDP answer holds; nobody listens on any of them
		lines = append(lines, fmt.Sprintf("host-record=many.test,127.9.%d.1", i))
	}
	return append(lines, "host-record=many.test,127.0.0.1")
}

// Each way a name may go, and the exit code.
func TestReachByDNS(t *testing.T) {
	pop := newDovecot(t, 40)
	dns := net.JoinHostPort(newNameServer(t, reachZone(pop)...), "53")
	servfail, refused, silence := badNameServer(t, 2), badNameServer(t, 5), badNameServer(t, -1)
	_, plain, _ := net.SplitHostPort(pop.plain)
	_, tls, _ := net.SplitHostPort(pop.tls)
	in := func(domain string) string { return "tls_server_name = \"" + domain + "\"\n" }
	for _, test := range []struct {
		name   string
		server string
		dns    string
		more   string
		code   int
		says   string
	}{
		{"an address", "pop.test:" + tls, dns, "", 0, ""},
		{"an alias, whose name the certificate lacks", "alias.test:" + tls, dns, "", 69, "not for alias.test"},
		{"an alias, the certificate's name said", "alias.test:" + tls, dns, in("pop.test"), 0, ""},
		{"100 dead addresses, truncated to TCP", "many.test:" + plain, dns, "tls = \"none\"\n", 0, ""},
		{"IPv4 alone", "mixed.test:" + tls, dns, "ip = \"4\"\n" + in("pop.test"), 0, ""},
		{"IPv6 alone, of a name with IPv4", "pop.test:" + tls, dns, "ip = \"6\"\n", 68, "it has no IPv6 address"},
		{"IPv6 alone, refused", "v6.test:" + tls, dns, "ip = \"6\"\n", 75, "::1: "},
		{"from an address", "pop.test:" + tls, dns, "source_ip = \"127.5.5.5\"\n", 0, ""},
		{"from an address of another machine", "pop.test:" + tls, dns, "source_ip = \"192.0.2.9\"\n", 75, "source_ip, 192.0.2.9"},
		{"no such name", "missing.test", dns, "", 68, "no such host"},
		{"a name without an address", "empty.test", dns, "", 68, "the name exists and has no address"},
		{"SERVFAIL", "pop.test", servfail, "", 75, "SERVFAIL"},
		{"REFUSED", "pop.test", refused, "", 75, "the name server refused the question"},
		{"silence", "pop.test", silence, "timeout = \"2s\"\n", 75, ""},
		{"nobody there", "pop.test", ownAddress(55) + ":53", "timeout = \"2s\"\n", 75, "connection refused"},

		{"SRV", "srv:pop.test", dns, "", 0, ""},
		{"SRV, STARTTLS", "srv:start.test", dns, in("pop.test"), 0, ""},
		{"SRV, a dead one first", "srv:dead.test", dns, in("pop.test"), 0, ""},
		{"SRV, of another domain", "srv:foreign.test", dns, "", 69, `tls_server_name = "pop.test"`},
		{"SRV, of another domain, confirmed", "srv:foreign.test", dns, in("pop.test"), 0, ""},
		{"SRV, none", "srv:missing.test", dns, "", 68, "it names none"},
		{"SRV, not the kind asked for", "srv:pop.test", dns, "tls = \"starttls\"\n", 68, "it names none"},
		{"SRV, a dot", "srv:none.test", dns, "", 69, "the domain says that it has none"},
		{"SRV, to a name that does not exist", "srv:gone.test", dns, "", 68, "missing.test: no such host"},
		{"SRV, to a port without TLS", "srv:wrongway.test", dns, in("pop.test"), 69, "does not speak TLS"},
		{"SRV, SERVFAIL", "srv:pop.test", servfail, "", 75, "SERVFAIL"},
		{"SRV, REFUSED", "srv:pop.test", refused, "", 75, "refused the question"},
		{"SRV, silence", "srv:pop.test", silence, "timeout = \"2s\"\n", 75, "no answer in time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			box := pop.mailbox()
			mail := smallMail(test.name, 2)
			box.add(t, mail...)
			text := strings.NewReplacer("server = \""+pop.tls, "server = \""+test.server, "tls = \"implicit\"\n", "").Replace(box.account("lab", "implicit", "never"))
			h := newHome(t, text+"dns_server = \""+test.dns+"\"\n"+test.more)
			began := time.Now()
			r := h.run(t).exits(t, test.code)
			if !strings.Contains(r.stderr, test.says) {
				t.Errorf("should say %q\n%v", test.says, r)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if test.code == 0 {
				sameMail(t, "put in", allAsServed(mail), "delivered", delivered(t, h.maildir("lab")))
				h.run(t, "check", "--connect").exits(t, 0)
			}
		})
	}
}

// daemon runs a program until the test ends, and waits until it listens.
func daemon(t *testing.T, addr string, line ...string) {
	t.Helper()
	cmd := exec.Command(line[0], line[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", line[0], log.String())
		}
	})
	network := "tcp"
	if strings.HasPrefix(addr, "/") {
		network = "unix"
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial(network, addr); err == nil {
			conn.Close()
			return
		}
	}
	t.Fatalf("%s does not listen on %s", line[0], addr)
}

// config writes a file of the test's own and gives its path.
func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// newDante starts a SOCKS server that lets everybody to one port.
func newDante(t *testing.T, port string) string {
	t.Helper()
	danted := need(t, "danted", "dante-server")
	if os.Geteuid() != 0 {
		lacking(t, "dante wants root")
	}
	host := ownAddress(56)
	addr := net.JoinHostPort(host, "1080")
	daemon(t, addr, danted, "-f", configFile(t, `
logoutput: stderr
internal: `+host+` port = 1080
external: lo
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 0/0 to: 0/0 }
socks pass { from: 0/0 to: 0/0 port = `+port+` }
socks block { from: 0/0 to: 0/0 }
`), "-N", "1")
	return addr
}

// newTinyproxy starts an HTTP proxy that lets those with the password "Pr0xy-secret" to one port.
func newTinyproxy(t *testing.T, port string) string {
	t.Helper()
	tinyproxy := need(t, "tinyproxy", "tinyproxy")
	host := ownAddress(57)
	addr := net.JoinHostPort(host, "8080")
	daemon(t, addr, tinyproxy, "-d", "-c", configFile(t, `
Port 8080
Listen `+host+`
Timeout 60
LogLevel Error
BasicAuth me Pr0xy-secret
ConnectPort `+port+`
`))
	return addr
}

// Mail comes by every way there is, and where a way is closed the error says which part failed.
func TestWaysThrough(t *testing.T) {
	socat := need(t, "socat", "socat")
	pop := newDovecot(t, 30)
	_, tls, _ := net.SplitHostPort(pop.tls)
	socks, web := newDante(t, tls), newTinyproxy(t, tls)
	socket := filepath.Join(t.TempDir(), "pop.sock")
	daemon(t, socket, socat, "UNIX-LISTEN:"+socket+",fork", "TCP:"+pop.tls)
	here := "localhost:" + tls // resolved by the proxy, from its hosts file
	for _, test := range []struct {
		name   string
		server string
		more   string
		code   int
		says   string
	}{
		{"socks5", here, `proxy = "socks5://` + socks + `"`, 0, ""},
		{"socks5, an address", pop.tls, `proxy = "socks5://` + socks + `"`, 0, ""},
		{"socks5, a port that it does not let through", "localhost:1", `proxy = "socks5://` + socks + `"`, 69, "not allowed by ruleset"},
		{"socks5, an unknown name", "missing.invalid:" + tls, `proxy = "socks5://` + socks + `"`, 75, "the proxy says: "},
		{"socks5, nobody there", here, `proxy = "socks5://` + refusing + `"`, 75, "reach the proxy: "},
		{"socks5, an HTTP proxy there", here, "timeout = \"3s\"\nproxy = \"socks5://" + web + `"`, 75, "socks5:// or http://"},
		{"http", here, `proxy = "http://me:Pr0xy-secret@` + web + `"`, 0, ""},
		{"http, no login", here, `proxy = "http://` + web + `"`, 69, "407"},
		{"http, a wrong login", here, `proxy = "http://me:Wr0ng-secret@` + web + `"`, 69, "it wants a login"},
		{"http, a port that it does not let through", "localhost:1", `proxy = "http://me:Pr0xy-secret@` + web + `"`, 69, "403"},
		{"http, an unknown name", "missing.invalid:" + tls, `proxy = "http://me:Pr0xy-secret@` + web + `"`, 75, "the proxy says 50"},
		{"http, nobody there", here, `proxy = "http://` + refusing + `"`, 75, "reach the proxy: "},
		{"a line for the shell", here, `proxy_command = "socat - TCP:$HAULMAIL_SERVER:$HAULMAIL_PORT"`, 0, ""},
		{"a program", pop.tls, `proxy_command = ["` + socat + `", "-", "TCP:` + pop.tls + `"]`, 0, ""},
		{"a line that fails", pop.tls, `proxy_command = "echo Wr0ng-way >&2; exit 3"`, 75, "exit status 3: Wr0ng-way"},
		{"a program that cannot connect", pop.tls, `proxy_command = ["` + socat + `", "-", "TCP:` + refusing + `"]`, 75, "Connection refused"},
		{"no such program", pop.tls, `proxy_command = ["no-such-program"]`, 78, "executable file not found"},
		{"no such program in a line", pop.tls, `proxy_command = "no-such-program"`, 78, "not found"},
		{"a socket", "unix:" + socket, `tls_server_name = "localhost"`, 0, ""},
		{"a socket that is not there", "unix:" + socket + "x", `tls_server_name = "localhost"`, 75, "no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			box := pop.mailbox()
			mail := smallMail(test.name, 2)
			box.add(t, mail...)
			text := strings.Replace(box.account("lab", "implicit", "never"), "server = \""+pop.tls, "server = \""+test.server, 1)
			h := newHome(t, text+test.more+"\n")
			r := h.run(t).exits(t, test.code)
			if !strings.Contains(r.stderr, test.says) {
				t.Errorf("should say %q\n%v", test.says, r)
			}
			if strings.Contains(r.stdout+r.stderr, "-secret") {
				t.Errorf("the proxy's password is told\n%v", r)
			}
			if test.code == 0 {
				sameMail(t, "put in", allAsServed(mail), "delivered", delivered(t, h.maildir("lab")))
			}
		})
	}
}

// A real server's key: pinned as check shows it, trusted on first use, and both again after a new certificate.
func TestPinsAtDovecot(t *testing.T) {
	pop := newDovecot(t, 3)
	pin := ""
	account := func(box *mailbox, trust string) string {
		text := box.account("lab", "implicit", "never")
		return strings.Replace(text, fmt.Sprintf("tls_ca_file = %q", pop.ca), trust, 1)
	}
	t.Run("shown where it is not trusted", func(t *testing.T) {
		r := newHome(t, account(pop.mailbox(), "")).run(t, "check", "--connect").exits(t, 69)
		for line := range strings.Lines(r.stdout) {
			if _, after, ok := strings.Cut(line, "tls_fingerprint = "); ok {
				pin = strings.TrimSpace(after)
			}
		}
		if pin == "" {
			t.Fatalf("no pin\n%v", r)
		}
	})
	t.Run("pasted", func(t *testing.T) {
		box := pop.mailbox()
		box.add(t, smallMail("pin", 1)...)
		newHome(t, account(box, "tls_fingerprint = "+pin)).run(t).ok(t)
		other := `"spki-sha256:` + strings.Repeat("A", 43) + `="`
		r := newHome(t, account(box, "tls_fingerprint = "+other)).run(t).exits(t, 69)
		if !strings.Contains(r.stderr, strings.Trim(pin, `"`)) {
			t.Errorf("does not show the server's pin\n%v", r)
		}
	})
	t.Run("first use", func(t *testing.T) {
		box := pop.mailbox()
		box.add(t, smallMail("first", 1)...)
		h := newHome(t, account(box, `tls_trust = "first-use"`))
		if r := h.run(t).exits(t, 0); !strings.Contains(r.stderr, "trusted from now on: "+strings.Trim(pin, `"`)) {
			t.Errorf("%v", r)
		}
		h.run(t).ok(t)
	})
}
