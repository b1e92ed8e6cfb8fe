package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newTerminal gives both ends of a pseudo-terminal.
func newTerminal(t *testing.T) (master, tty *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return master, tty
}

// echoes says whether a terminal shows what is typed.
func echoes(t *testing.T, tty *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// readUntil reads from a terminal until text has come.
func readUntil(t *testing.T, from io.Reader, text string) {
	t.Helper()
	found := make(chan bool, 1)
	go func() {
		var all bytes.Buffer
		buf := make([]byte, 1)
		for !bytes.Contains(all.Bytes(), []byte(text)) {
			if _, err := from.Read(buf); err != nil {
				found <- false
				return
			}
			all.Write(buf)
		}
		found <- true
	}()
	select {
	case ok := <-found:
		if !ok {
			t.Fatalf("the terminal ends without %q", text)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%q does not come", text)
	}
}

const question = "Password of work (me at 127.0.0.1:995): "

// asking is a run that asks for a password on a terminal of its own; wrapper is a program that starts it.
func asking(t *testing.T, wrapper ...string) (cmd *exec.Cmd, master, tty *os.File, stderr *bytes.Buffer) {
	t.Helper()
	master, tty = newTerminal(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "config.toml")
	text := "[account.work]\nserver = \"127.0.0.1\"\nusername = \"me\"\nmaildir = \"Mail\"\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stderr = new(bytes.Buffer)
	args := append(wrapper, haulmailBinary(t), "-c", config, "--state-dir", filepath.Join(dir, "state"))
	cmd = exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stderr = tty, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	readUntil(t, master, question)
	return cmd, master, tty, stderr
}

// Whoever sees the question may type at once: nothing of it is shown. However they leave it, they get their terminal back as it was.
func TestLeftPromptRestoresTheTerminal(t *testing.T) {
	for _, row := range []struct {
		typed string
		code  int
		says  string
	}{
		{"half a pass\x03", 130, "haulmail: stopped by SIGINT\n"},
		{"\x04", 64, "haulmail: no password was typed\n  hint: set password_command, or give --password-command, to be asked no more\n"},
	} {
		cmd, master, tty, stderr := asking(t)
		if echoes(t, tty) {
			t.Error("what is typed is shown")
		}
		if _, err := master.WriteString(row.typed); err != nil {
			t.Fatal(err)
		}
		if code := ends(t, cmd, 10*time.Second); code != row.code || stderr.String() != row.says {
			t.Errorf("%q: exit %d, says %q", row.typed, code, stderr)
		}
		if !echoes(t, tty) {
			t.Error("the terminal is left without echo")
		}
	}
}

// A shell gives a terminal its echo back when a run is suspended, and leaves it on when the run goes on: the question comes again, and
// what is typed then is not shown. What was typed before is no part of the answer.
func TestSuspendedPromptHidesAgain(t *testing.T) {
	const shell = `set -m; "$0" "$@"; stty echo; echo suspended >/dev/tty; read line; fg`
	cmd, master, tty, stderr := asking(t, "sh", "-c", shell)
	if _, err := master.WriteString("half a pass\x1a"); err != nil {
		t.Fatal(err)
	}
	readUntil(t, master, "suspended")
	if !echoes(t, tty) {
		t.Error("the shell's terminal has no echo")
	}
	if _, err := master.WriteString("\n"); err != nil {
		t.Fatal(err)
	}
	readUntil(t, master, question)
	if echoes(t, tty) {
		t.Error("what is typed is shown")
	}
	if _, err := master.WriteString("\x04"); err != nil {
		t.Fatal(err)
	}
	code := ends(t, cmd, 10*time.Second)
	if want := "haulmail: no password was typed\n"; code != exitUsage || !strings.Contains(stderr.String(), want) {
		t.Errorf("exit %d, says %q", code, stderr)
	}
}
