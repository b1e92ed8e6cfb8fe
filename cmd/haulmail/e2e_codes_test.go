package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// badNameServer answers every question with a response code and no data (RFC 1035 §4.1.1), or not at all if that is -1.
func badNameServer(t *testing.T, code int) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		query := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			if code < 0 || n < 12 {
				continue
			}
			query[2], query[3] = 0x81, 0x80|byte(code)
			query[11] = 0 // without the OPT record, which stands behind the question
			_, _ = conn.WriteTo(query[:12+strings.IndexByte(string(query[12:n]), 0)+5], from)
		}
	}()
	return conn.LocalAddr().String()
}

// sample gives a server whose maildrop of "me" has three messages; faults are told to it.
func sample(t *testing.T, faults ...pop3test.Fault) (addr string) {
	t.Helper()
	drop := pop3test.NewMailbox()
	for _, uid := range []string{"m1", "m2", "m3"} {
		drop.Add(pop3test.Message{UID: uid, Data: []byte("Subject: " + uid + "\r\n\r\nbody\r\n")})
	}
	server := &pop3test.Server{Users: map[string]pop3test.User{"me": {Password: "secret", Mailbox: drop}}, Faults: faults}
	addr, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return addr
}

// Every exit code there is, by a command that shows it: one line says what and why, one what to type next, and JSON has the class and the
// code. (70 is a defect, which no command shows; see TestDefectIsTold.)
func TestEveryExitCode(t *testing.T) {
	good := sample(t)
	lost := sample(t, pop3test.Fault{On: "RETR", UID: "m2", Ignore: true, Text: "-ERR lost\r\n"})
	noPOP, _ := silentServer(t, "HTTP/1.1 400 Bad Request\r\n")
	account := func(server, more string) string {
		return fmt.Sprintf("[account.work]\nserver = %q\ntls = \"none\"\nusername = \"me\"\nmaildir = \"Mail/work\"\n%s", server, more)
	}
	const password = "password = \"secret\"\n"
	for _, test := range []struct {
		name        string
		config      string // "" is no file
		args        string
		code        int
		class       string // in JSON
		says, hints string // what stands in the error line and in the hint
	}{
		{"all went well", account(good, password), "fetch", 0, "", "", ""},
		{"a flag that is none", account(good, password), "fetch --dry-rnu", 64, "usage", `unknown flag "--dry-rnu"`, "did you mean --dry-run"},
		{"an account that is none", account(good, password), "fetch wrok", 64, "usage", `no account "wrok"`, `did you mean "work"`},
		{"a message that cannot be fetched", account(lost, password), "fetch", 65, "poison", "1 message could not be fetched", "haulmail seen list --failed"},
		{"a damaged state", account(good, password), "fetch --state-dir damaged", 65, "damaged", "is damaged", "mv "},
		{"no config", "", "fetch", 66, "config", "no config file", "haulmail config example > "},
		{"a config that is a folder", account(good, password), "fetch -c Mail", 66, "config", "is a directory", "-c FILE"},
		{"a name that does not exist", account("no-such-host.example", password+fmt.Sprintf("dns_server = %q\n", badNameServer(t, 3))), "fetch", 68, "unknown_host", "no-such-host.example", "server"},
		{"no TLS where it is asked for", strings.Replace(account(good, password), `"none"`, `"implicit"`, 1), "fetch", 69, "unavailable", "does not speak TLS", "set tls"},
		{"a Maildir that cannot be made", strings.Replace(account(good, password), "Mail/work", "/dev/null/Mail", 1), "fetch", 73, "cannot_create", "/dev/null/Mail", "maildir"},
		{"a state that cannot be kept", account(good, password), "fetch --state-dir /dev/null/state", 74, "io", "open the state", "haulmail config path"},
		{"a server that is down", account(refusing, password), "fetch", 75, "temporary", "connection refused", "check the port"},
		{"a server that is no POP3 server", account(noPOP, password), "fetch", 76, "protocol", "expected a status line", "haulmail fetch -vv"},
		{"a password that is wrong", account(good, "password = \"wr0ng\"\n"), "fetch", 77, "login", "refused", "haulmail check --connect"},
		{"a config with a mistake", account(good, password+"dleete = \"never\"\n"), "fetch", 78, "config", `did you mean "delete"?`, ""},
		{"a password file that is not there", account(good, "password_file = \"nowhere\"\n"), "fetch", 78, "config", "nowhere", "cat > "},
		{"nobody to ask for a password", account(good, ""), "fetch", 78, "config", "password", "password_command"},
	} {
		t.Run(test.name, func(t *testing.T) {
			run := func(more ...string) result { // each in a home of its own: a message that failed is left alone for a while
				h := newHome(t, test.config)
				for _, dir := range []string{"Mail", "damaged"} {
					if err := os.Mkdir(filepath.Join(h.dir, dir), 0o700); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.WriteFile(filepath.Join(h.dir, "damaged", "work.db"), []byte("no state"), 0o600); err != nil {
					t.Fatal(err)
				}
				return h.run(t, append(strings.Fields(test.args), more...)...).exits(t, test.code)
			}
			checkTold(t, run("--quiet"), test.says, test.hints)
			inJSON := run("--quiet", "--json")
			checkTold(t, inJSON, test.says, test.hints)
			checkClass(t, inJSON, test.class, test.code)
		})
	}
}

// checkTold: one line says why, and one that begins with "hint:" what to do about it. A mistake in the config shows its place between them.
func checkTold(t *testing.T, r result, says, hints string) {
	t.Helper()
	if says == "" {
		if r.stderr != "" {
			t.Errorf("nothing is wrong\n%v", r)
		}
		return
	}
	lines := regexp.MustCompile(`^haulmail: ([^\n]+)\n(?: +[0-9]* \| [^\n]*\n){0,2}(?:  hint: ([^\n]+)\n)?$`).FindStringSubmatch(r.stderr)
	if lines == nil {
		t.Fatalf("not one line and one hint\n%v", r)
	}
	if !strings.Contains(lines[1], says) || !strings.Contains(lines[2], hints) || lines[2] == "" && hints != "" {
		t.Errorf("should say %q and hint %q\n%v", says, hints, r)
	}
}

// checkClass: the error's line in JSON has the class, and the last line the code.
func checkClass(t *testing.T, r result, class string, code int) {
	t.Helper()
	classes, end := []string{}, -1
	for line := range strings.Lines(r.stdout) {
		var event struct {
			Event, Class string
			Exit         int
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%v\n%v", err, r)
		}
		switch event.Event {
		case "error":
			classes = append(classes, event.Class)
		case "done":
			end = event.Exit
		}
	}
	if end != code || strings.Join(classes, " ") != class {
		t.Errorf("JSON tells classes %q and the exit code %d; want %q and %d\n%v", classes, end, class, code, r)
	}
}

// A signal ends a run that waits for its server at once, and the exit code says which signal.
func TestExitCodesOfSignals(t *testing.T) {
	for signal, code := range map[syscall.Signal]int{syscall.SIGHUP: 129, syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		t.Run(signal.String(), func(t *testing.T) {
			addr, accepted := silentServer(t, "")
			h := newHome(t, fmt.Sprintf("[account.work]\nserver = %q\ntls = \"none\"\nusername = \"me\"\npassword = \"secret\"\nmaildir = \"Mail\"\n", addr))
			var stdout, stderr bytes.Buffer
			cmd := h.command(t, "fetch", "--json")
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-accepted:
			case <-time.After(longestRun):
				t.Error("no connection came")
			}
			_ = cmd.Process.Signal(signal) // if it has ended, that shows below
			_ = cmd.Wait()                 // its exit code is looked at
			r := result{args: cmd.Args, code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}.exits(t, code)
			checkClass(t, r, "interrupted", code)
			if !strings.Contains(r.stderr, "stopped by SIG") {
				t.Errorf("the signal is not told\n%v", r)
			}
		})
	}
}

// Standard output that is full: all mail is fetched, and the code says that not everything was told.
func TestExitCodeOfFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	h := newHome(t, fmt.Sprintf("[account.work]\nserver = %q\ntls = \"none\"\nusername = \"me\"\npassword = \"secret\"\nmaildir = \"Mail/work\"\n", sample(t)))
	var stderr strings.Builder
	cmd := h.command(t, "fetch", "--json")
	cmd.Stdout, cmd.Stderr = full, &stderr
	_ = cmd.Run() // its exit code is looked at
	checkTold(t, result{args: cmd.Args, code: cmd.ProcessState.ExitCode(), stderr: stderr.String()}.exits(t, 74), "no space left", "make room")
	if files := mailFiles(t, h.maildir("work")); len(files) != 3 {
		t.Errorf("%d messages fetched, want 3", len(files))
	}
}
