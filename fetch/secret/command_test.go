package secret_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/secret"
)

func shell(line string) *config.Account {
	return account(config.Password{Command: config.Command{Shell: line}})
}

// hurried is shell with less time.
func hurried(line string, limit time.Duration) *config.Account {
	a := shell(line)
	a.PasswordTimeout = config.Duration(limit)
	return a
}

func TestCommand(t *testing.T) {
	s := secret.Source{Environ: append(os.Environ(), "HAULMAIL_ACCOUNT=old", "OTHER=x")}
	for _, c := range []struct{ line, password, why string }{
		{"echo hunter2", "hunter2", ""},
		{"printf 'hunter2'", "hunter2", ""},
		{"printf ' hun ter2 \\r\\nnotes\\n'", " hun ter2 ", ""},
		{`echo "$HAULMAIL_ACCOUNT/$HAULMAIL_SERVER/$HAULMAIL_USERNAME/$OTHER"`, "work/pop.example.org/me/x", ""},
		{"cat; echo hunter2", "hunter2", ""}, // standard input is empty
		{"echo hunter2; echo noise >&2", "hunter2", ""},
		{"true", "", "password_command: the first line of the command's output is empty"},
		{"echo; echo hunter2", "", "first line of the command's output is empty"},
		{"printf 'hunter2\\000x'", "", "a NUL"},
		{"printf 'hunter2\\rx'", "", "a line end"},
		{"echo hunter2; exit 3", "", "password_command: exit status 3"},
		{"echo first >&2; echo 'gpg: no secret key' >&2; echo >&2; exit 2", "", "exit status 2: gpg: no secret key"},
		{"echo 'gpg: no pinentry' >&2", "", "output is empty: gpg: no pinentry"},
		{`printf '\033[2Jbad\007\n' >&2; exit 1`, "", `exit status 1: \x1b[2Jbad\x07`},
		{"echo hunter2; echo refused hunter2 >&2; exit 1", "", "exit status 1: refused […]"},
		{"hunter2", "", "exit status 127: "}, // the password itself in the wrong key
		{"head -c 300 /dev/zero | tr '\\000' x >&2; exit 1", "", strings.Repeat("x", 200) + "…"},
		{"head -c 100000 /dev/zero | tr '\\000' x >&2; echo >&2; echo end >&2; exit 1", "", "exit status 1: end"},
		{"kill -9 $$", "", "signal: killed"},
		{"yes", "", "more than 64 KiB are no password"},
	} {
		t.Run(c.line, func(t *testing.T) {
			got, err := s.Password(t.Context(), shell(c.line))
			want(t, got, err, c.password, c.why)
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\x07\n") {
				t.Errorf("the error can steer a terminal: %q", err)
			}
		})
	}
}

// A program that a shell of cron does not find is told apart from one that fails.
func TestCommandHint(t *testing.T) {
	s := secret.Source{Environ: os.Environ()}
	nowhere := shell("")
	nowhere.Password.Command = config.Command{Args: []string{"no-such-program"}}
	for _, c := range []struct {
		a    *config.Account
		hint string
	}{
		{shell("no-such-program"), "name the program with its folder"},
		{nowhere, "name the program with its folder"},
		{shell("exit 1"), "run the command by hand"},
		{shell("echo locked >&2; exit 1"), "run the command by hand"},
		{shell("true"), "run the command by hand"},
	} {
		got, err := s.Password(t.Context(), c.a)
		if e := want(t, got, err, "", "password_command: "); e != nil && !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%v: hint %q, want %q", c.a.Password.Command, e.Hint, c.hint)
		}
	}
}

// Of a complaint whose start is lost nothing is shown: it could begin inside
// the password, where that would not be found.
func TestLostComplaint(t *testing.T) {
	_, err := secret.Source{Environ: os.Environ()}.Password(t.Context(), shell("head -c 100000 /dev/zero | tr '\\000' x >&2; exit 1"))
	if err == nil || err.Error() != "password_command: exit status 1" {
		t.Errorf("error %v", err)
	}
}

// The line of a shell is not touched: values come by the environment only.
func TestNoSubstitution(t *testing.T) {
	a := shell(`echo "$HAULMAIL_USERNAME"`)
	a.Username = `$(echo hunter2); "x' %s`
	got, err := secret.Source{Environ: os.Environ()}.Password(t.Context(), a)
	want(t, got, err, a.Username, "")
}

// An array runs without a shell.
func TestArgs(t *testing.T) {
	s := secret.Source{Environ: os.Environ()}
	got, err := s.Password(t.Context(), account(config.Password{Command: config.Command{Args: []string{"echo", "$HOME; x", "*"}}}))
	want(t, got, err, "$HOME; x *", "")
	got, err = s.Password(t.Context(), account(config.Password{Command: config.Command{Args: []string{"no-such-program"}}}))
	want(t, got, err, "", "executable file not found")
}

// A command that doesn't end is killed with all that it started.
func TestTimeout(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	s := secret.Source{Environ: os.Environ()}
	for limit := 300 * time.Millisecond; ; limit *= 4 { // a busy machine takes longer to start the shell
		start := time.Now()
		got, err := s.Password(t.Context(), hurried("echo hunter2; sleep 100 & echo $$ $! >"+pids+"; sleep 100", limit))
		want(t, got, err, "", "password_command: the command did not end in time ("+limit.String()+")")
		if !errors.Is(err, secret.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(start); took > limit+10*time.Second {
			t.Errorf("took %v", took)
		}
		if text, _ := os.ReadFile(pids); len(text) > 0 || limit > 10*time.Second {
			break
		}
	}
	checkGone(t, pids)
}

// The same when the caller's context ends.
func TestStopped(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for range 1000 { // until the command runs, 10 s at most
			if text, _ := os.ReadFile(pids); strings.HasSuffix(string(text), "\n") {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	got, err := secret.Source{Environ: os.Environ()}.Password(ctx, shell("sleep 100 & echo $$ $! >"+pids+"; wait"))
	want(t, got, err, "", "the command was stopped")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	checkGone(t, pids)
	got, err = secret.Source{Environ: os.Environ()}.Password(ctx, shell("echo hunter2"))
	want(t, got, err, "", "the command was stopped")
}

// With a person at the terminal the command stays in our process group, where
// it may ask; it is still stopped in time, though its child holds the output.
func TestTimeoutAtTerminal(t *testing.T) {
	s := secret.Source{Environ: os.Environ(), AtTerminal: true}
	start := time.Now()
	got, err := s.Password(t.Context(), hurried("sleep 15 & wait", 300*time.Millisecond))
	want(t, got, err, "", "did not end in time")
	if took := time.Since(start); took > 12*time.Second {
		t.Errorf("took %v", took)
	}
	got, err = s.Password(t.Context(), shell("ps -o pgid= -p $$"))
	if group := strconv.Itoa(syscall.Getpgrp()); err != nil || strings.TrimSpace(got.Reveal()) != group {
		t.Errorf("the command runs in group %q, %v; want %s", got.Reveal(), err, group)
	}
}

// A process left behind that keeps the output open delays nothing.
func TestLeftBehind(t *testing.T) {
	start := time.Now()
	got, err := secret.Source{Environ: os.Environ()}.Password(t.Context(), shell("sleep 15 & echo hunter2"))
	want(t, got, err, "hunter2", "")
	if took := time.Since(start); took > 12*time.Second {
		t.Errorf("took %v", took)
	}
}

// checkGone waits for the processes whose ids are in file to be gone. A killed
// grandchild is a zombie until init reaps it.
func checkGone(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		gone := false
		for deadline := time.Now().Add(5 * time.Second); !gone && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			gone = errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid)
		}
		if !gone {
			t.Errorf("process %d still runs", pid)
			_ = syscall.Kill(pid, syscall.SIGKILL) // the test's own sleep
		}
	}
}

// zombie reports whether a process has ended but wasn't reaped yet.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, found := strings.Cut(string(stat), ") ")
	return err == nil && found && strings.HasPrefix(rest, "Z")
}
