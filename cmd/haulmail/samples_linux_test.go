package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"haulmail/fetch/pop3/pop3test"
)

// cronHome is the home of somebody whose cron fetches mail: the program in ~/.local/bin, a config for two accounts, and a ~/bin/index-mail
// that says when it is called.
func cronHome(t *testing.T, servers ...string) string {
	t.Helper()
	home := t.TempDir()
	for _, dir := range []string{".local/bin", ".config/haulmail", "bin"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(haulmailBinary(t), filepath.Join(home, ".local/bin/haulmail")); err != nil {
		t.Fatal(err)
	}
	index := "#!/bin/sh\ntouch indexed\n"
	if err := os.WriteFile(filepath.Join(home, "bin/index-mail"), []byte(index), 0o700); err != nil {
		t.Fatal(err)
	}
	config := "[defaults]\ntls = \"none\"\nusername = \"me\"\npassword = \"secret\"\n"
	for i, name := range []string{"work", "home"}[:len(servers)] {
		config += fmt.Sprintf("[account.%s]\nserver = %q\nmaildir = \"~/Mail/%[1]s\"\n", name, servers[i])
	}
	if err := os.WriteFile(filepath.Join(home, ".config/haulmail/config.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

// sampleServer is a POP3 server with three messages for "me".
func sampleServer(t *testing.T) string {
	t.Helper()
	server := &pop3test.Server{Users: map[string]pop3test.User{"me": {Password: "secret", Mailbox: pop3test.NewMailbox(pop3test.SampleMail(3)...)}}}
	addr, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return addr
}

// asCron runs a line as cron does: by sh, in the home folder, with hardly any environment, no terminal and nothing on standard input. It gives
// what cron would mail.
func asCron(t *testing.T, home, line string) (mailed string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "SHELL=/bin/sh", "PATH=/usr/bin:/bin", "LOGNAME=me"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.CombinedOutput()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Fatal(err)
	}
	return string(out)
}

// cronLines gives the commands of the sample crontab, those included that are commented out for want of another.
func cronLines(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../scripts/crontab")
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, found := range regexp.MustCompile(`(?m)^#?(?:[0-9*/]+ +){5}(.*)$`).FindAllStringSubmatch(string(text), -1) {
		commands = append(commands, found[1])
	}
	if len(commands) != 5 {
		t.Fatalf("%d lines in the sample crontab: %q", len(commands), commands)
	}
	return commands
}

// Every line of the sample crontab fetches and says nothing; where it cannot fetch, cron has one line an account to mail, with a hint.
func TestSampleCrontab(t *testing.T) {
	for _, line := range cronLines(t) {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			quick := strings.Replace(line, "--jitter 2m", "--jitter 1s", 1)
			addr := sampleServer(t)
			home := cronHome(t, addr)
			for range 2 {
				for _, form := range []string{"%s", "exec 0<&-; %s"} {
					if mailed := asCron(t, home, fmt.Sprintf(form, quick)); mailed != "" {
						t.Errorf("cron has to mail: %s", mailed)
					}
				}
			}
			if got, err := filepath.Glob(filepath.Join(home, "Mail/work/new/*")); len(got) != 3 || err != nil {
				t.Errorf("%d messages (%v), want 3", len(got), err)
			}
			_, err := os.Stat(filepath.Join(home, "indexed"))
			if indexed := err == nil; indexed != strings.Contains(line, "index-mail") {
				t.Errorf("index-mail was called: %v", indexed)
			}

			broken := cronHome(t, "127.0.0.1:1")
			want := regexp.MustCompile(`^haulmail: work: connect to 127\.0\.0\.1:1: connection refused\n  hint: .*\n$`)
			if mailed := asCron(t, broken, quick); !want.MatchString(mailed) {
				t.Errorf("cron mails: %s", mailed)
			}
			if _, err := os.Stat(filepath.Join(broken, "indexed")); err == nil {
				t.Error("index-mail was called for no mail")
			}
		})
	}
}

// Of two accounts that fail for the same reason each has its line, and what to do about it is told once.
func TestCronMailOfSeveralAccounts(t *testing.T) {
	mailed := asCron(t, cronHome(t, "127.0.0.1:1", "127.0.0.1:1"), "$HOME/.local/bin/haulmail")
	if strings.Count(mailed, "\n") != 3 || strings.Count(mailed, "haulmail: ") != 2 || strings.Count(mailed, "  hint: ") != 1 {
		t.Errorf("cron mails: %s", mailed)
	}
}

// sampleUnits copies the units of a folder, with the built program for theirs, which verify would miss.
func sampleUnits(t *testing.T, folder string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"haulmail.service", "haulmail.timer"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		text = regexp.MustCompile(`(?m)^ExecStart=\S+`).ReplaceAll(text, []byte("ExecStart="+haulmailBinary(t)))
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// analyze runs systemd-analyze, which looks at units without systemd having to run.
func analyze(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	cmd := exec.Command(need(t, "systemd-analyze", "systemd"), append(args, "--no-pager")...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func TestSampleUnits(t *testing.T) {
	for _, of := range []struct {
		folder string
		flags  []string
		most   float64 // exposure, out of 10
	}{
		{"../../scripts/systemd", nil, 1.5},
		{"../../scripts/systemd/user", []string{"--user"}, 10}, // a sandbox would take the programs in that passwords come from
	} {
		t.Run(of.folder, func(t *testing.T) {
			dir := sampleUnits(t, of.folder)
			service := filepath.Join(dir, "haulmail.service")
			out, err := analyze(t, append(of.flags, "verify", "--man=no", service, filepath.Join(dir, "haulmail.timer"))...)
			if err != nil || out != "" {
				t.Errorf("verify: %v\n%s", err, out)
			}
			out, err = analyze(t, append(of.flags, "security", "--offline=yes", service)...)
			found := regexp.MustCompile(`Overall exposure level for haulmail.service: ([0-9.]+)`).FindStringSubmatch(out)
			if err != nil || found == nil {
				t.Fatalf("security: %v\n%s", err, out)
			}
			t.Log(found[0])
			var exposure float64
			if _, err := fmt.Sscan(found[1], &exposure); err != nil || exposure > of.most {
				t.Errorf("the exposure is %s, want %.1f at most\n%s", found[1], of.most, out)
			}
		})
	}
}

// A fetch makes no system call that the sandbox of the sample unit forbids.
func TestSandboxAllowsAFetch(t *testing.T) {
	unit, err := os.ReadFile("../../scripts/systemd/haulmail.service")
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^SystemCallFilter=(~?)(.*)$`).FindAllStringSubmatch(string(unit), -1) {
		for _, set := range strings.Fields(found[2]) {
			for _, call := range systemCalls(t, set) {
				allowed[call] = found[1] == ""
			}
		}
	}
	home := cronHome(t, sampleServer(t))
	trace := filepath.Join(home, "trace")
	cmd := exec.Command(need(t, "strace", "strace"), "-f", "-qq", "-o", trace, haulmailBinary(t))
	cmd.Env = []string{"HOME=" + home}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	forbidden := map[string]bool{}
	calls := regexp.MustCompile(`(?m)^\d+ +([a-z0-9_]+)\(`).FindAllSubmatch(text, -1)
	for _, found := range calls {
		if call := string(found[1]); !allowed[call] {
			forbidden[call] = true
		}
	}
	if len(forbidden) > 0 || !bytes.Contains(text, []byte("syncfs(")) && !bytes.Contains(text, []byte("fsync(")) {
		t.Errorf("of %d calls these are forbidden: %v", len(calls), forbidden)
	}
}

// systemCalls gives the system calls of a set such as "@system-service", and of the sets in it.
func systemCalls(t *testing.T, set string) (calls []string) {
	t.Helper()
	out, err := analyze(t, "syscall-filter", set)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, line := range strings.Split(out, "\n")[1:] {
		switch word := strings.TrimSpace(line); {
		case word == "" || strings.HasPrefix(word, "#"):
		case strings.HasPrefix(word, "@"):
			calls = append(calls, systemCalls(t, word)...)
		default:
			calls = append(calls, word)
		}
	}
	return calls
}
