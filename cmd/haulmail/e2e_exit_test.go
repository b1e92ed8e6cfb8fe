package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// refusing is a loopback address on which nobody listens: a port that was free a moment ago may be another test's by now.
const refusing = "127.0.0.1:1"

// The exit codes that a script or a cron line decides by (sysexits.h).
func TestExitCodes(t *testing.T) {
	pop := newDovecot(t, 1)
	box := pop.mailbox()
	mail := smallMail("exit", 3)
	box.add(t, mail...)
	good := func(mode string) string { return box.account("lab", mode, "fetched") }
	edit := func(mode, old, replacement string) string {
		text := good(mode)
		if !strings.Contains(text, old) {
			t.Fatalf("no %q in the config", old)
		}
		return strings.Replace(text, old, replacement, 1)
	}
	wrongPassword := func(mode string) string { return edit(mode, "password_file =", `password = "Wr0ng-secret" #`) }

	for _, test := range []struct {
		name   string
		config string // "" is no file
		args   []string
		code   int
		says   string
	}{
		{"no config", "", nil, 66, "config.toml"},
		{"config broken", "[account.lab\n", nil, 78, "config.toml:1:"},
		{"unknown key", good("none") + "prot = 1\n", nil, 78, "prot"},
		{"bare number", good("none") + "timeout = 30\n", nil, 78, "30s"},
		{"unknown flag", good("none"), []string{"--frobnicate"}, 64, "frobnicate"},
		{"unknown flag of fetch", good("none"), []string{"fetch", "--frobnicate"}, 64, "frobnicate"},
		{"unknown account", good("none"), []string{"fetch", "nobody"}, 64, "nobody"},
		{"connection refused", edit("none", pop.plain, refusing), nil, 75, "refused"},
		{"wrong password, none", wrongPassword("none"), nil, 77, "Authentication failed"},
		{"wrong password, starttls", wrongPassword("starttls"), nil, 77, "Authentication failed"},
		{"wrong password, implicit", wrongPassword("implicit"), nil, 77, "Authentication failed"},
		{"unknown authority, implicit", edit("implicit", "tls_ca_file", "#"), nil, 69, "certificate"},
		{"unknown authority, starttls", edit("starttls", "tls_ca_file", "#"), nil, 69, "certificate"},
		{"plain server asked for TLS", edit("none", `tls = "none"`, `tls = "implicit"`), nil, 69, "TLS"},
		{"Maildir below a file", edit("none", "Mail/lab", "config.toml/lab"), nil, 73, "config.toml"},
		{"Maildir is something else", edit("none", "Mail/lab", "other"), nil, 73, "other"},
		{"password file missing", edit("none", pop.password, "nowhere"), nil, 78, "nowhere"},
		{"password command fails", edit("none", "password_file =", `password_command = "echo sorry >&2; exit 3" #`), nil, 78, "sorry"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHome(t, test.config)
			if err := os.MkdirAll(filepath.Join(h.dir, "other", "stuff"), 0o755); err != nil {
				t.Fatal(err)
			}
			r := h.run(t, test.args...).exits(t, test.code)
			if !strings.Contains(r.stderr, test.says) {
				t.Errorf("should say %q\n%v", test.says, r)
			}
			if strings.Contains(r.stdout+r.stderr, "Wr0ng-secret") {
				t.Errorf("the password is told\n%v", r)
			}
			if r.stdout != "" {
				t.Errorf("a failure belongs on stderr\n%v", r)
			}
			if files := mailFiles(t, h.maildir("lab")); len(files) != 0 {
				t.Errorf("%d files in the Maildir", len(files))
			}
		})
	}
	sameMail(t, "put in", allAsServed(mail), "on the server after all these failures", box.served(t))
}

// silentServer accepts connections, says the given first words and then nothing. It tells of each.
func silentServer(t *testing.T, words string) (addr string, accepted <-chan net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	conns := make(chan net.Conn, 16)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(words))
			conns <- conn
		}
	}()
	return ln.Addr().String(), conns
}

// A second run on an account that is being fetched leaves at once: quietly from cron, with 75 where it was asked for.
func TestSecondRunFindsTheLock(t *testing.T) {
	pop := newDovecot(t, 1)
	box := pop.mailbox()
	addr, accepted := silentServer(t, "")
	busy := strings.Replace(box.account("lab", "none", "never"), pop.plain, addr, 1)
	h := newHome(t, busy)

	first := h.command(t)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = first.Process.Kill()
		_ = first.Wait()
	}()
	select {
	case conn := <-accepted:
		defer conn.Close()
	case <-time.After(20 * time.Second):
		t.Fatal("the first run does not connect")
	}
	for _, test := range []struct {
		args []string
		code int
		told bool
	}{
		{nil, 0, false},
		{[]string{"fetch"}, 0, false},
		{[]string{"-v"}, 0, true},
		{[]string{"lab"}, 75, true},
		{[]string{"fetch", "lab"}, 75, true},
	} {
		started := time.Now()
		r := h.run(t, test.args...)
		if r.code != test.code || (r.stderr != "") != test.told {
			t.Errorf("want exit %d, told %v: %v", test.code, test.told, r)
		}
		if took := time.Since(started); took > 20*time.Second {
			t.Errorf("haulmail %s: took %v to find the lock", strings.Join(test.args, " "), took)
		}
	}
	select {
	case <-accepted:
		t.Error("a run that does not have the lock has connected")
	default:
	}
}

// A server that falls silent ends in a time-out, not in a hang.
func TestSilentServerTimesOut(t *testing.T) {
	pop := newDovecot(t, 1)
	box := pop.mailbox()
	for mode, words := range map[string]string{"none": "", "starttls": "+OK hello\r\n", "implicit": ""} {
		t.Run(mode, func(t *testing.T) {
			addr, _ := silentServer(t, words)
			text := box.account("lab", mode, "never")
			text = strings.NewReplacer(pop.plain, addr, pop.tls, addr).Replace(text) + "timeout = \"2s\"\n"
			started := time.Now()
			newHome(t, text).run(t).exits(t, 75)
			if took := time.Since(started); took > 15*time.Second {
				t.Errorf("took %v with a time-out of 2 s", took)
			}
		})
	}
}

// Accounts beyond the limits wait and are served all the same.
func TestManyAccounts(t *testing.T) {
	const accounts = 24
	pop := newDovecot(t, accounts)
	config := "jobs = 5\nper_server = 3\n"
	for n := range accounts {
		box := pop.mailbox()
		box.add(t, smallMail(fmt.Sprint("account ", n), 5+n)...)
		config += box.account(fmt.Sprint("a", n), []string{"none", "starttls", "implicit"}[n%3], "fetched")
	}
	h := newHome(t, config)
	h.run(t).ok(t)
	for n := range accounts {
		sameMail(t, "put in", allAsServed(smallMail(fmt.Sprint("account ", n), 5+n)), "delivered", delivered(t, h.maildir(fmt.Sprint("a", n))))
	}
}
