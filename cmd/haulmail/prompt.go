package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

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
	saved *term.State // nil while nobody types
}

var terminal typing

// hide turns the echo off; lines are still the terminal's to edit, and ^C is still a signal.
func (t *typing) hide(fd int) error {
	saved, err := term.GetState(fd)
	if err != nil {
		return err
	}
	silent, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	silent.Lflag &^= unix.ECHO
	silent.Lflag |= unix.ICANON | unix.ISIG
	silent.Iflag |= unix.ICRNL
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fd, t.saved = fd, saved
	return unix.IoctlSetTermios(fd, setTermios, silent)
}

// restore puts the terminal back as it was. Safe from any goroutine, at any time.
func (t *typing) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.saved != nil {
		_ = term.Restore(t.fd, t.saved) // the terminal is gone, then
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
// ends with the process.
func ask(ctx context.Context, question string) (config.Secret, error) {
	var none config.Secret
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return none, fmt.Errorf("ask for a password: %w", err)
	}
	fd := int(tty.Fd())
	if err := terminal.hide(fd); err != nil {
		return none, fmt.Errorf("ask for a password: %w", err)
	}
	defer terminal.restore()
	fmt.Fprint(tty, question)
	type answer struct {
		text string
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		text, err := bufio.NewReader(io.LimitReader(tty, maxTyped+2)).ReadString('\n')
		typed <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(tty)
		return none, context.Cause(ctx)
	case a := <-typed:
		fmt.Fprintln(tty)
		terminal.restore()
		_ = tty.Close()
		return checkTyped(a.text, a.err)
	}
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
