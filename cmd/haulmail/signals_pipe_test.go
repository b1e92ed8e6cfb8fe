package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// waiting is a run with a config of one account in a folder of its own, in which there is a pipe named "pipe".
func waiting(t *testing.T, args ...string) (cmd *exec.Cmd, dir string, stderr *bytes.Buffer) {
	t.Helper()
	dir, stderr = t.TempDir(), new(bytes.Buffer)
	text := "state_dir = \"state\"\n[account.work]\nserver = \"127.0.0.1:1\"\nusername = \"me\"\npassword_command = \"false\"\nmaildir = \"Mail\"\n"
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(haulmailBinary(t), args...)
	cmd.Dir, cmd.Stderr = dir, stderr
	return cmd, dir, stderr
}

// start starts a run, and feeds it until it has begun to read. What it reads from has no end then.
func start(t *testing.T, cmd *exec.Cmd, feed func() (*os.File, error)) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	type open struct {
		file *os.File
		err  error
	}
	fed := make(chan open, 1)
	go func() {
		file, err := feed()
		fed <- open{file, err}
	}()
	select {
	case f := <-fed:
		if f.err != nil {
			t.Fatal(f.err)
		}
		t.Cleanup(func() { _ = f.file.Close() })
	case <-time.After(20 * time.Second):
		t.Fatal("it does not read")
	}
}

// A run that reads from a pipe without end stops at the first signal, with nothing changed.
func TestSignalWhileReadingAPipe(t *testing.T) {
	for _, args := range [][]string{
		{"-c", "config.toml", "seen", "import", "work", "pipe"},
		{"-c", "pipe", "status"},
		{"-c", "pipe"},
	} {
		cmd, dir, stderr := waiting(t, args...)
		start(t, cmd, func() (*os.File, error) { return os.OpenFile(filepath.Join(dir, "pipe"), os.O_WRONLY, 0) })
		stopsAtOnce(t, cmd, dir, stderr)
	}
}

func TestSignalWhileReadingStandardInput(t *testing.T) {
	cmd, dir, stderr := waiting(t, "-c", "config.toml", "seen", "import", "work", "-")
	input, output, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	cmd.Stdin = input
	start(t, cmd, func() (*os.File, error) {
		_, err := output.WriteString(strings.Repeat("# more than a pipe holds\n", 10_000))
		return output, err
	})
	stopsAtOnce(t, cmd, dir, stderr)
}

func stopsAtOnce(t *testing.T, cmd *exec.Cmd, dir string, stderr *bytes.Buffer) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	code := ends(t, cmd, 20*time.Second)
	if code != 143 || !strings.HasPrefix(stderr.String(), "haulmail: stopped by SIGTERM") {
		t.Errorf("%q: exit %d, says %q", cmd.Args[1:], code, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "state")); err == nil {
		t.Errorf("%q: a state was made", cmd.Args[1:])
	}
}
