package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"haulmail/cmd/haulmail/report"
	"haulmail/config"
)

// maxTyped bounds a typed password; no server takes a line that long.
const maxTyped = 1024

// typing is the terminal while a password is typed: its echo is off then, and must be on again however the process ends. x/term's
// ReadPassword shows the question before the echo is off, and goes on reading after a ^D.
type typing struct {
	mu    sync.Mutex
	fd    int
	saved *unix.Termios // nil while nobody types
}

var terminal typing

// hide turns the echo off; lines are still the terminal's to edit, and ^C is still a signal.
func (t *typing) hide(fd int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	saved, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	t.fd, t.saved = fd, saved
	return t.silence(setTermios)
}

// hideAgain turns the echo off once more, after whoever had the terminal in between, and drops the half of a password that may have
// been typed before.
func (t *typing) hideAgain() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.saved == nil {
		return nil // the process ends
	}
	return t.silence(setTermiosAfresh)
}

func (t *typing) silence(request uint) error {
	silent := *t.saved
	silent.Lflag &^= unix.ECHO
	silent.Lflag |= unix.ICANON | unix.ISIG
	silent.Iflag |= unix.ICRNL
	return unix.IoctlSetTermios(t.fd, request, &silent)
}

// restore puts the terminal back as it was. Safe from any goroutine, at any time.
func (t *typing) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.saved != nil {
		_ = unix.IoctlSetTermios(t.fd, setTermios, t.saved) // the terminal is gone, then
		t.saved = nil
	}
}

// askPasswords asks for the passwords of the accounts that have none configured, one after the other and before anything else
// happens, so that questions never mix and nobody has to stay. Without a terminal it asks nothing.
func askPasswords(ctx context.Context, accounts []*config.Account) (map[string]config.Secret, error) {
	typed := map[string]config.Secret{}
	if !isTerminal(os.Stdin) {
		return typed, nil
	}
	for _, a := range accounts {
		if a.SecretKey() != "" || !a.NeedsSecret() {
			continue
		}
		secret, err := ask(ctx, passwordQuestion(a))
		if err != nil {
			return nil, err
		}
		typed[a.Name] = secret
	}
	return typed, nil
}

func passwordQuestion(a *config.Account) string {
	return fmt.Sprintf("Password of %s (%s at %s): ", report.Escape(a.Name), report.Escape(a.Username), report.Escape(a.Server.String()))
}

// ask shows a question on the terminal and reads a line without echo. When ctx ends it gives its cause; the read that goes on then
// ends with the process. A process that was suspended (^Z, fg) finds the terminal as the shell has left it, with its echo on: it asks again.
func ask(ctx context.Context, question string) (config.Secret, error) {
	var none config.Secret
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return none, fmt.Errorf("ask for a password: %w", err)
	}
	resumed := make(chan os.Signal, 1)
	signal.Notify(resumed, syscall.SIGCONT)
	defer signal.Stop(resumed)
	if err := terminal.hide(int(tty.Fd())); err != nil {
		return none, fmt.Errorf("ask for a password: %w", err)
	}
	defer terminal.restore()
	fmt.Fprint(tty, question)
	typed := lineOf(tty)
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(tty)
			return none, context.Cause(ctx)
		case <-resumed:
			if err := terminal.hideAgain(); err != nil {
				return none, fmt.Errorf("ask for a password: %w", err)
			}
			fmt.Fprint(tty, "\n", question)
		case a := <-typed:
			fmt.Fprintln(tty)
			terminal.restore()
			_ = tty.Close()
			return checkTyped(a.text, a.err)
		}
	}
}

// line is what came of reading one.
type line struct {
	text string
	err  error
}

// lineOf reads a line that may be no longer than a password.
func lineOf(tty io.Reader) <-chan line {
	typed := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(io.LimitReader(tty, maxTyped+2)).ReadString('\n')
		typed <- line{text, err}
	}()
	return typed
}

// checkTyped gives the password of a line as the terminal gave it. A ^D at its start is an empty one.
func checkTyped(line string, err error) (config.Secret, error) {
	text := strings.TrimSuffix(line, "\n")
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return config.Secret{}, fmt.Errorf("read the password: %w", err)
	case text == "":
		return config.Secret{}, &usageError{"no password was typed", "set password_command, or give --password-command, to be asked no more"}
	case len(text) > maxTyped:
		return config.Secret{}, errors.New("the typed password is too long")
	}
	return config.NewSecret(text), nil
}
