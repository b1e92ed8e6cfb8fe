package secret

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode"

	"haulmail/config"
)

// pipeDelay is how long the output of a command is read on after its end. What
// it wrote is in the pipe by then; only a process that it left behind can keep
// the pipe open.
const pipeDelay = time.Second

// usualTimeout is for an account whose PasswordTimeout is not set.
const usualTimeout = time.Minute

// patience is how long a command or a keyring may take.
func patience(a *config.Account) time.Duration {
	return cmp.Or(time.Duration(a.PasswordTimeout), usualTimeout)
}

// ErrTimeout says that a command did not end, or a keyring did not answer, in time.
var ErrTimeout = errors.New("did not end in time")

// errEmpty says that a command ended well and said nothing.
var errEmpty = errors.New("the first line of the command's output is empty")

// fromCommand runs a command for an account; the first line of its output is
// the secret. The command finds HAULMAIL_ACCOUNT, HAULMAIL_SERVER (the host) and
// HAULMAIL_USERNAME in its environment and nothing on its standard input.
func (s Source) fromCommand(ctx context.Context, a *config.Account, command config.Command) (text, hint string, err error) {
	timed, stopTimer := context.WithTimeoutCause(ctx, patience(a), fmt.Errorf("the command %w (%v)", ErrTimeout, patience(a)))
	defer stopTimer()
	running, stop := context.WithCancelCause(timed)
	defer stop(nil)

	out := &bounded{limit: maxOutput, full: func() { stop(errTooLong) }}
	complaint := &tail{}
	cmd := s.command(running, a, command)
	cmd.Stdout, cmd.Stderr = out, complaint
	err = cmd.Run()
	text = firstLine(out.kept)
	if cause := context.Cause(running); err != nil && cause != nil {
		if errors.Is(cause, ErrTimeout) {
			hint = "it may wait for an answer: run it by hand, or set password_timeout"
		}
		return "", hint, stopped(ctx, cause)
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it ended well and left something behind that holds its output open
	}
	if err == nil && text == "" {
		err = errEmpty
	}
	if err == nil {
		return text, "", nil
	}
	reason := complaint.lastLine(command.Shell, text)
	if reason != "" {
		err = fmt.Errorf("%w: %s", err, reason)
	}
	return "", commandHint(err), err
}

// notFound is what a shell exits with when there is no such program (POSIX, Shell Command Language §2.8.2).
const notFound = 127

// commandHint gives what to do about a command that failed.
func commandHint(err error) string {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if errors.Is(err, exec.ErrNotFound) || ok && exit.ExitCode() == notFound {
		return "is it installed? if so, name the program with its folder: cron and systemd know few of them"
	}
	return "run the command by hand and see what it says"
}

// stopped says why a command was stopped. Where the caller's context ended, the
// error is the context's.
func stopped(ctx context.Context, cause error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("the command was stopped: %w", err)
	}
	return cause
}

// command prepares the process. It gets a group of its own, which is killed as
// a whole when ctx ends. The exception is a run with a person at the terminal:
// out of the terminal's group a command could not ask that person anything (it
// would be stopped by SIGTTIN), and Ctrl-C reaches everyone there anyway.
func (s Source) command(ctx context.Context, a *config.Account, command config.Command) *exec.Cmd {
	argv := command.Argv()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = pipeDelay
	cmd.Env = append(append([]string{}, s.Environ...),
		"HAULMAIL_ACCOUNT="+a.Name,
		"HAULMAIL_SERVER="+a.Server.Host,
		"HAULMAIL_USERNAME="+a.Username)
	if !s.AtTerminal {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error {
			err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			if errors.Is(err, syscall.ESRCH) {
				return os.ErrProcessDone
			}
			return err
		}
	}
	return cmd
}

// bounded keeps what is written up to a limit, and calls full for what is more.
// It is no bytes.Buffer itself: that one's ReadFrom knows no limit.
type bounded struct {
	kept  []byte
	limit int
	full  func()
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if len(b.kept)+len(p) > b.limit {
		b.full()
		return 0, errTooLong
	}
	b.kept = append(b.kept, p...)
	return len(p), nil
}

// tail keeps the end of what is written.
type tail struct {
	kept []byte
	lost bool // the start is gone
}

// Write implements io.Writer. It never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - maxStderr; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
		t.lost = true
	}
	return len(p), nil
}

// lastLine gives the last line that says something, fit to be printed: the
// hidden texts left out, control characters escaped, and not too long. Of a
// line without its start nothing is given: half a secret could not be found.
func (t *tail) lastLine(hidden ...string) string {
	lines := strings.Split(strings.TrimSpace(string(t.kept)), "\n")
	if t.lost && len(lines) == 1 {
		return ""
	}
	line := strings.TrimSpace(lines[len(lines)-1])
	for _, text := range hidden {
		if text = strings.TrimSpace(text); text != "" {
			line = strings.ReplaceAll(line, text, "[…]")
		}
	}
	var b strings.Builder
	shown := 0
	for _, r := range line {
		if shown++; shown > maxShown {
			b.WriteString("…")
			break
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\x%02x`, r)
		}
	}
	return b.String()
}
