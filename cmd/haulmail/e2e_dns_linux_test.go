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

// zone is what the private DNS server answers for. Other names under test do not exist; names elsewhere are refused.
const zone = `
no-resolv
no-hosts
bind-interfaces
local=/test/
host-record=pop.test,127.0.0.1
host-record=mixed.test,127.0.0.1,::1
txt-record=empty.test,"no address"
host-record=wrongname.test,127.0.0.1
`

// ownAddress is a loopback address that is this process's own, so that test runs at the same time do not meet on its ports.
func ownAddress(last int) string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 100+pid>>8&0x7f, pid&0xff, last)
}

// newNameServer starts dnsmasq on port 53 of an address of its own, with the zone and more lines of its config, until the test ends.
func newNameServer(t *testing.T, more ...string) string {
	t.Helper()
	dnsmasq := need(t, "dnsmasq", "dnsmasq-base")
	if os.Geteuid() != 0 {
		lacking(t, "a name server on port 53 and a private /etc/resolv.conf need root")
	}
	addr := ownAddress(53)
	conf := filepath.Join(t.TempDir(), "dnsmasq.conf")
	if err := os.WriteFile(conf, []byte(zone+"listen-address="+addr+"\n"+strings.Join(more, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(dnsmasq, "--keep-in-foreground", "--conf-file="+conf, "--pid-file=", "--log-facility=-", "--user=root")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("dnsmasq: %s", log.String())
		}
	})
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", net.JoinHostPort(addr, "53")); err == nil {
			conn.Close()
			return addr
		}
	}
	t.Fatal("dnsmasq does not answer")
	return ""
}

// runWithResolver runs the binary where /etc/resolv.conf names this server only: in a mount namespace of its own.
func (h *home) runWithResolver(t *testing.T, nameserver string, args ...string) result {
	t.Helper()
	need(t, "unshare", "util-linux")
	conf := filepath.Join(h.dir, "resolv.conf")
	text := "nameserver " + nameserver + "\noptions timeout:1 attempts:2\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	script := `mount --bind "$0" "$(realpath /etc/resolv.conf)" && exec "$@"`
	wrapper := []string{"unshare", "--mount", "--propagation", "private", "sh", "-c", script, conf}
	return runToEnd(t, h.wrapped(t, wrapper, args...), args)
}

// The names of servers are asked for at a real DNS server, by way of resolv.conf, as on a user's machine.
func TestNamesByDNS(t *testing.T) {
	dns := newNameServer(t)
	pop := newDovecot(t, 10)
	silent, err := net.ListenPacket("udp", net.JoinHostPort(ownAddress(54), "53"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()

	for _, test := range []struct {
		name string
		host string
		mode string
		dns  string
		code int
	}{
		{"one address", "pop.test", "implicit", dns, 0},
		{"starttls", "pop.test", "starttls", dns, 0},
		{"a trailing dot", "pop.test.", "implicit", dns, 0},
		{"two addresses, one answers", "mixed.test", "none", dns, 0},
		{"no such name", "missing.test", "implicit", dns, 68},
		{"a name without an address", "empty.test", "implicit", dns, 68},
		{"a name the certificate is not for", "wrongname.test", "implicit", dns, 69},
		{"refused by the resolver", "pop.example.org", "implicit", dns, 75},
		{"nobody on port 53", "pop.test", "implicit", ownAddress(55), 75},
		{"silence on port 53", "pop.test", "implicit", ownAddress(54), 75},
	} {
		t.Run(test.name, func(t *testing.T) {
			box := pop.mailbox()
			mail := smallMail(test.name, 3)
			box.add(t, mail...)
			config := strings.Replace(box.account("lab", test.mode, "never"), `server = "127.0.0.1:`, `server = "`+test.host+`:`, 1)
			h := newHome(t, config)
			r := h.runWithResolver(t, test.dns).exits(t, test.code)
			if test.code == 0 {
				sameMail(t, "put in", allAsServed(mail), "delivered", delivered(t, h.maildir("lab")))
			} else if !strings.Contains(r.stderr, test.host) {
				t.Errorf("should name %s\n%v", test.host, r)
			}
		})
	}
}
