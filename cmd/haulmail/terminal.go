package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/term"

	"haulmail/cmd/haulmail/report"
	"haulmail/config"
)

// maxTyped bounds a typed password; no server takes a line that long.
const maxTyped = 1024

// isTerminal says whether a person sits at the other end of f.
func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// canDraw says whether f is a terminal on which lines can be drawn over.
func canDraw(f *os.File) bool {
	kind := os.Getenv("TERM")
	return kind != "" && kind != "dumb" && isTerminal(f)
}

// typing is the terminal while a password is typed: its echo is off then, and must be on again however the process ends.
type typing struct {
	mu    sync.Mutex
	fd    int
	saved *term.State // nil while nobody types
}

var terminal typing

func (t *typing) hide(fd int) error {
	saved, err := term.GetState(fd)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fd, t.saved = fd, saved
	return nil
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
		if a.SecretKey() != "" {
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
		text []byte
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		typed <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(tty)
		return none, context.Cause(ctx)
	case a := <-typed:
		fmt.Fprintln(tty)
		_ = tty.Close()
		return checkTyped(a.text, a.err)
	}
}

func checkTyped(text []byte, err error) (config.Secret, error) {
	switch {
	case err != nil:
		return config.Secret{}, fmt.Errorf("read the password: %w", err)
	case len(text) == 0:
		return config.Secret{}, &usageError{"no password was typed", `to be asked no more, set password_command in the config`}
	case len(text) > maxTyped:
		return config.Secret{}, errors.New("the typed password is too long")
	}
	return config.NewSecret(string(text)), nil
}
