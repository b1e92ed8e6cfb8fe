package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The e2e and kill tests run the real binary in processes of its own. They know nothing of its insides: what they hold
// is what a user, a cron line or a script can rely on.

// checkedBinary gives the real command, with the race detector in it where the tests have it too.
func checkedBinary(t testing.TB) string {
	t.Helper()
	plain := haulmailBinary(t)
	if !raceDetector() {
		return plain
	}
	path, err := raceBinary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// raceBinary is built beside the plain one, so that it goes with it.
var raceBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binary.dir, "haulmail-race")
	if out, err := exec.Command("go", "build", "-race", "-tags", "killpoint", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build haulmail with -race: %w\n%s", err, out)
	}
	return path, nil
})

func raceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	for _, setting := range info.Settings {
		if setting.Key == "-race" {
			return setting.Value == "true"
		}
	}
	return false
}

// need stops the test when a program is missing: with CI=true it fails, else it is skipped with what to install.
func need(t *testing.T, program, debianPackage string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		if info, err := os.Stat(filepath.Join(dir, program)); err == nil && info.Mode()&0o111 != 0 {
			return filepath.Join(dir, program)
		}
	}
	lacking(t, fmt.Sprintf("%s is missing: apt-get install %s (scripts/test does it)", program, debianPackage))
	return ""
}

func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// home is one user of haulmail: a home folder with a config and a state of its own.
type home struct {
	dir    string
	config string
	state  string
	binary func(testing.TB) string
	env    []string // further variables
	among  []string // what each command line begins with: nsenter, setpriv
}

// newHome makes a home in which config is the text of the config file; "" makes none.
func newHome(t *testing.T, config string) *home {
	t.Helper()
	dir := t.TempDir()
	h := &home{
		dir:    dir,
		config: filepath.Join(dir, "config.toml"),
		state:  filepath.Join(dir, "state"),
		binary: checkedBinary,
	}
	if config != "" {
		h.configure(t, config)
	}
	return h
}

func (h *home) configure(t *testing.T, config string) {
	t.Helper()
	if err := os.WriteFile(h.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}

// maildir is the folder of an account's Maildir by the configs of these tests.
func (h *home) maildir(account string) string { return filepath.Join(h.dir, "Mail", account) }

// result is what a finished run leaves.
type result struct {
	args   []string
	code   int
	signal syscall.Signal
	stdout string
	stderr string
}

func (r result) String() string {
	return fmt.Sprintf("haulmail %s: exit %d, signal %d\nstdout: %s\nstderr: %s",
		strings.Join(r.args, " "), r.code, r.signal, clip(r.stdout), clip(r.stderr))
}

func clip(s string) string {
	const most = 3000
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// longestRun bounds every run of the binary; one that lasts longer is a failure, killed with all its children.
const longestRun = 3 * time.Minute

func (h *home) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return h.wrapped(t, h.among, args...)
}

// wrapped is the command behind another one: strace, unshare.
func (h *home) wrapped(t *testing.T, wrapper []string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longestRun)
	t.Cleanup(cancel)
	line := append(append(wrapper[:len(wrapper):len(wrapper)], h.binary(t)), args...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Dir = h.dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir, "TMPDIR=" + os.TempDir(), "LC_ALL=C",
		"HAULMAIL_CONFIG=" + h.config, "HAULMAIL_STATE_DIR=" + h.state,
		"GORACE=exitcode=99 atexit_sleep_ms=0",
	}, h.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run runs the binary to its end.
func (h *home) run(t *testing.T, args ...string) result {
	t.Helper()
	return runToEnd(t, h.command(t, args...), args)
}

func runToEnd(t *testing.T, cmd *exec.Cmd, args []string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("haulmail %s: %v", strings.Join(args, " "), err)
	}
	r := result{args: args, code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		r.signal = status.Signal()
	}
	if strings.Contains(r.stderr, "DATA RACE") || strings.Contains(r.stderr, "panic:") || strings.Contains(r.stderr, "goroutine ") {
		t.Errorf("the binary has a defect\n%v", r)
	}
	return r
}

// ok fails the test unless the run ended well and silently, as cron wants it.
func (r result) ok(t *testing.T) result {
	t.Helper()
	if r.code != 0 {
		t.Fatal(r)
	}
	if r.stderr != "" {
		t.Errorf("a run that went well is not silent\n%v", r)
	}
	return r
}

// exits fails the test unless the run ended with the code, and told why in its first line where it failed.
func (r result) exits(t *testing.T, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("want exit %d, got %v", code, r)
	}
	if code != 0 && !strings.HasPrefix(r.stderr, "haulmail: ") {
		t.Errorf("a failure has to be told as «haulmail: …» on stderr\n%v", r)
	}
	return r
}
