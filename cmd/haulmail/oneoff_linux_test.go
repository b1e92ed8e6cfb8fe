package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// The password of a one-off is asked for, and stands nowhere that ps shows. A run that keeps no state leaves none behind, also where two
// signals end it half-way.
func TestOneOffLeavesNothingBehind(t *testing.T) {
	waiting := make(chan struct{})
	server := &pop3test.Server{
		Users:  map[string]pop3test.User{"me": {Password: "hunter2", Mailbox: pop3test.NewMailbox(pop3test.SampleMail(3)...)}},
		Faults: []pop3test.Fault{{On: "QUIT", Call: func() { close(waiting) }, Do: pop3test.Stall, For: time.Hour}},
	}
	addr, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	master, tty := newTerminal(t)
	dir, temp := t.TempDir(), t.TempDir()
	cmd := exec.Command(haulmailBinary(t), "--url", "pop://me@"+addr, "--tls", "none", "--maildir", filepath.Join(dir, "mail"), "--no-state")
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	cmd.Stdin = tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })

	readUntil(t, master, "Password of me@127.0.0.1 (me at "+addr+"): ")
	for deadline := time.Now().Add(5 * time.Second); echoes(t, tty); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what is typed is shown")
		}
	}
	if _, err := master.WriteString("hunter2\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-waiting:
	case <-time.After(20 * time.Second):
		t.Fatal("the run does not come to QUIT")
	}
	for _, name := range []string{"cmdline", "environ"} {
		shown, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), name))
		if err != nil || strings.Contains(string(shown), "hunter2") || !strings.Contains(string(shown), "/") {
			t.Errorf("%s shows %q, %v", name, shown, err)
		}
	}
	if len(entries(t, temp)) != 1 || len(entries(t, filepath.Join(dir, "mail", "new"))) != 3 {
		t.Errorf("while it runs: %q in %s, %q delivered", entries(t, temp), temp, entries(t, filepath.Join(dir, "mail", "new")))
	}
	stopTwice(t, cmd, syscall.SIGTERM, syscall.SIGTERM)
	if code := ends(t, cmd, 3*time.Second); code != 143 {
		t.Errorf("exit %d", code)
	}
	if left := entries(t, temp); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}
