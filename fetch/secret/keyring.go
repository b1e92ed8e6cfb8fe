package secret

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/zalando/go-keyring"

	"haulmail/config"
)

// fromKeyring gives the user's password of a service in the desktop's keyring:
// the Secret Service of a D-Bus session, or the login keychain of macOS.
func (s Source) fromKeyring(ctx context.Context, a *config.Account) (text, hint string, err error) {
	text, err = s.inKeyring(ctx, a, func() (string, error) { return keyring.Get(a.Password.Keyring, a.Username) })
	switch {
	case err == nil:
		return text, "", nil
	case errors.Is(err, keyring.ErrNotFound):
		return "", "", fmt.Errorf("%w for the service %q and the user %s", ErrNotKept, a.Password.Keyring, a.Username)
	}
	return "", keyringHint(err), err
}

// Keep stores a password in the keyring, where Password finds it. The error is an
// *Error.
func (s Source) Keep(ctx context.Context, a *config.Account, password config.Secret) error {
	err, hint := check(password.Reveal()), ""
	if err == nil {
		_, err = s.inKeyring(ctx, a, func() (string, error) {
			return "", keyring.Set(a.Password.Keyring, a.Username, password.Reveal())
		})
		hint = keyringHint(err)
	}
	if err != nil {
		return &Error{Account: a.Name, Source: config.KeyPasswordKeyring, Err: err, Hint: hint}
	}
	return nil
}

// ErrNotKept says that a keyring has no such password: Keep puts one into it.
var ErrNotKept = errors.New("the keyring has no password")

var errNoSession = errors.New("there is no desktop session to ask for its keyring")

// keyringHint says what to do where a keyring gave no answer. One that is locked has no error of its own.
func keyringHint(err error) string {
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return ""
	case errors.Is(err, errNoSession):
		return "cron has none, as a rule: set DBUS_SESSION_BUS_ADDRESS, or use password_command or password_file"
	case errors.Is(err, ErrTimeout):
		return "it may be locked and wait for its passphrase: unlock it, or set password_timeout"
	}
	return "it may be locked: unlock it on the desktop, or use password_command or password_file"
}

// inKeyring calls do where there is a keyring to ask, and waits for it as long as
// for a command. A keyring that is locked may ask a person on the desktop; whoever
// does not come leaves do behind, until the process ends.
func (s Source) inKeyring(ctx context.Context, a *config.Account, do func() (string, error)) (string, error) {
	if !s.hasSession() {
		return "", errNoSession
	}
	type answer struct {
		text string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		text, err := do()
		done <- answer{text, err}
	}()
	late := time.NewTimer(patience(a))
	defer late.Stop()
	select {
	case got := <-done:
		return got.text, got.err
	case <-late.C:
		return "", fmt.Errorf("the keyring %w (%v)", ErrTimeout, patience(a))
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// hasSession says whether the library will find a D-Bus session. Where it finds
// none it would start one, for itself alone, and leave it behind.
func (s Source) hasSession() bool {
	if runtime.GOOS == "darwin" {
		return true
	}
	if address := s.lookup("DBUS_SESSION_BUS_ADDRESS"); address != "" && address != "autolaunch:" {
		return true
	}
	for _, name := range []string{"bus", "dbus-session"} {
		if _, err := os.Stat(filepath.Join("/run/user", strconv.Itoa(os.Getuid()), name)); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}
