package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// stalled is a fetch that waits for a server, which answers one command in an hour and everything else in time.
func stalled(t *testing.T, command string, wrapper ...string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	return stalledAt(t, command, []string{"fetch", "work"}, wrapper...)
}

// stalledAt is stalled for any words of a command line.
func stalledAt(t *testing.T, command string, words []string, wrapper ...string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	waiting := make(chan struct{})
	server := &pop3test.Server{
		Users:  map[string]pop3test.User{"me": {Password: "secret", Mailbox: pop3test.NewMailbox(pop3test.SampleMail(3)...)}},
		Faults: []pop3test.Fault{{On: command, Limit: 1, Call: func() { close(waiting) }, Do: pop3test.Stall, For: time.Hour}},
	}
	addr, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	dir := t.TempDir()
	config := filepath.Join(dir, "config.toml")
	text := fmt.Sprintf("[account.work]\nserver = %q\ntls = \"none\"\nusername = \"me\"\npassword = \"secret\"\nmaildir = \"Mail\"\n", addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append(wrapper, haulmailBinary(t), "-c", config, "--state-dir", filepath.Join(dir, "state"))
	args = append(args, words...)
	cmd, stderr = exec.Command(args[0], args[1:]...), new(bytes.Buffer)
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	select {
	case <-waiting:
	case <-time.After(20 * time.Second):
		t.Fatal("the run does not connect")
	}
	return cmd, stderr
}

// ends waits for a run that was told to stop.
func ends(t *testing.T, cmd *exec.Cmd, within time.Duration) int {
	t.Helper()
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	select {
	case <-done:
		return cmd.ProcessState.ExitCode()
	case <-time.After(within):
		t.Fatalf("still runs %v after the signal", within)
	}
	return -1
}

func TestSignalStopsARun(t *testing.T) {
	for _, test := range []struct {
		signal syscall.Signal
		code   int
		says   string
	}{
		{syscall.SIGINT, 130, "haulmail: stopped by SIGINT; what was fetched is safe, the rest comes with the next run\n"},
		{syscall.SIGTERM, 143, "haulmail: stopped by SIGTERM; what was fetched is safe, the rest comes with the next run\n"},
		{syscall.SIGHUP, 129, "haulmail: stopped by SIGHUP; what was fetched is safe, the rest comes with the next run\n"},
	} {
		cmd, stderr := stalled(t, "CAPA")
		if err := cmd.Process.Signal(test.signal); err != nil {
			t.Fatal(err)
		}
		if code := ends(t, cmd, 10*time.Second); code != test.code || stderr.String() != test.says {
			t.Errorf("%v: exit %d, want %d, says %q", test.signal, code, test.code, stderr)
		}
	}
}

// Whoever only looks, or marks, is told that it was stopped and no more: nothing was fetched.
func TestSignalStopsALook(t *testing.T) {
	for _, words := range [][]string{
		{"list"},
		{"cat", "work", "m1"},
		{"check", "--connect"},
		{"fetch", "--dry-run"},
		{"seen", "add", "work", "--all"},
		{"seen", "verify", "--connect"},
	} {
		cmd, stderr := stalledAt(t, "CAPA", words)
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		code := ends(t, cmd, 10*time.Second)
		if want := "haulmail: stopped by SIGTERM\n"; code != 143 || stderr.String() != want {
			t.Errorf("%q: exit %d, says %q, want %q", words, code, stderr, want)
		}
	}
}

// nohup wants SIGHUP ignored; a run that is started so goes on.
func TestIgnoredSignalStaysIgnored(t *testing.T) {
	cmd, stderr := stalled(t, "CAPA", "sh", "-c", `trap '' HUP; exec "$0" "$@"`)
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := ends(t, cmd, 10*time.Second); code != 143 || strings.Contains(stderr.String(), "SIGHUP") {
		t.Errorf("exit %d, says %q", code, stderr)
	}
}

// After the first signal a run says QUIT and waits some seconds for the answer; the second one cuts that short.
func TestSecondSignalStopsAtOnce(t *testing.T) {
	cmd, _ := stalled(t, "QUIT")
	started := time.Now()
	stopTwice(t, cmd, syscall.SIGTERM, syscall.SIGINT)
	if code := ends(t, cmd, 10*time.Second); code != 130 || time.Since(started) > 4*time.Second { // it waits for 4.5 s
		t.Errorf("exit %d after %v, want 130 at once", code, time.Since(started))
	}
}

// stopTwice sends two signals that are two stops, also where the first one is heard late.
func stopTwice(t *testing.T, cmd *exec.Cmd, first, second syscall.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(first); err != nil {
		t.Fatal(err)
	}
	time.Sleep(oneStop + time.Second)
	if err := cmd.Process.Signal(second); err != nil {
		t.Fatal(err)
	}
}

// timeout(1) signals its child and then the child's process group: that is one stop, and a gentle one.
func TestTwoSignalsOfOneStop(t *testing.T) {
	for try := 1; ; try++ { // on a busy machine the second one may be heard so late that it is another stop
		cmd, stderr := stalled(t, "QUIT")
		for range 2 {
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		code := ends(t, cmd, 10*time.Second)
		if code == 143 && strings.Contains(stderr.String(), "stopped by SIGTERM") {
			return
		}
		if code != 143 || try == 3 {
			t.Fatalf("exit %d, says %q", code, stderr)
		}
	}
}
