// Package secret gets the password of an account from where its config says: a
// command, a file, an environment variable, systemd, a .netrc, the desktop's
// keyring, the config itself, or a person at the terminal. A command may give a
// token in its place; the tokens that have to be kept and refreshed are package
// fetch/token's.
//
// It promises three things. A password is one line: what could begin another
// POP3 command never leaves this package. Nothing waits for ever: a command has
// its time, and it goes together with all that it started. And no error holds
// the password or the command, which may have the password written into it;
// an error holds what the command itself said on its standard error, because
// "exited with 1" helps nobody.
//
// The package does not look at the environment and does not print: the caller
// passes in what may be used. Package fetch calls it once for each account of a
// run; a Source may be used by many goroutines if its functions may.
package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"haulmail/config"
)

// Source says what of the surroundings may be used to get a password.
type Source struct {
	// LookupEnv finds an environment variable, as os.LookupEnv does. It may be nil:
	// then no variable is set.
	LookupEnv func(name string) (value string, found bool)
	// Environ is the environment of commands, as os.Environ gives it.
	Environ []string
	// AtTerminal says that a person sits at the terminal whom a command may ask.
	AtTerminal bool
	// Home is the home folder, where .netrc lies; "" if there is none.
	Home string
	// Prompt asks a person for a password. The label says what for: USERNAME at
	// HOST. It may be nil: then there is nobody to ask, and an account without a
	// password is an error. Accounts are fetched side by side, so it must put
	// questions that come at the same time one after the other.
	Prompt func(ctx context.Context, label string) (config.Secret, error)
}

// Error says why there is no password for an account.
type Error struct {
	Account string
	Source  string // the key that was tried, such as "password_command"; "terminal" for the prompt
	Err     error
	Hint    string // what to do about it; may be empty
}

// Error gives SOURCE: WHY. It leaves out the account, which the caller names.
func (e *Error) Error() string { return e.Source + ": " + e.Err.Error() }

// Unwrap gives the cause. It is the context's error where that ended the wait.
func (e *Error) Unwrap() error { return e.Err }

// Password gets the password of a, or the token that its command gives. It is
// not empty and holds no CR, LF or NUL. The error is an *Error.
func (s Source) Password(ctx context.Context, a *config.Account) (config.Secret, error) {
	source := a.Password.Key()
	var text, hint string
	var err error
	switch source {
	case config.KeyPassword:
		text = a.Password.Literal.Reveal()
	case config.KeyPasswordCommand:
		text, hint, err = s.fromCommand(ctx, a, a.Password.Command)
	case config.KeyTokenCommand:
		text, hint, err = s.fromCommand(ctx, a, a.Password.TokenCommand)
	case config.KeyPasswordFile:
		text, hint, err = fromFile(a.Password.File)
	case config.KeyPasswordEnv:
		text, hint, err = s.fromEnv(a.Password.Env)
	case config.KeyPasswordCredential:
		text, hint, err = s.fromCredential(a.Password.Credential)
	case config.KeyNetrc:
		text, hint, err = s.fromNetrc(a)
	case config.KeyPasswordKeyring:
		text, hint, err = s.fromKeyring(ctx, a)
	default:
		source = "terminal"
		text, hint, err = s.fromPrompt(ctx, a)
	}
	if err == nil {
		err = check(text)
	}
	if err == nil && source == config.KeyTokenCommand {
		err = checkToken(text)
	}
	if err != nil {
		return config.Secret{}, &Error{Account: a.Name, Source: source, Err: err, Hint: hint}
	}
	return config.NewSecret(text), nil
}

// ClientSecret gets the secret of the program that a provider knows us as; there
// may be none. The error is an *Error.
func (s Source) ClientSecret(ctx context.Context, a *config.Account, p *config.Provider) (config.Secret, error) {
	if p.ClientSecretCommand.IsZero() {
		return p.ClientSecret, nil
	}
	text, hint, err := s.fromCommand(ctx, a, p.ClientSecretCommand)
	if err == nil {
		err = check(text)
	}
	if err != nil {
		return config.Secret{}, &Error{Account: a.Name, Source: "client_secret_command", Err: err, Hint: hint}
	}
	return config.NewSecret(text), nil
}

// check refuses what cannot be a password of POP3: a line end in it would end
// the command it is sent in and begin another (RFC 1939 §3).
func check(text string) error {
	switch {
	case text == "":
		return errors.New("the password is empty")
	case strings.ContainsAny(text, "\r\n\x00"):
		return errors.New("the password holds a line end or a NUL")
	case len(text) > maxOutput:
		return errTooLong
	}
	return nil
}

// checkToken refuses what cannot be a bearer token (RFC 6750 §2.1, and whatever
// else is visible): what a login sends around it begins with control characters.
func checkToken(text string) error {
	if strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		return errors.New("what the command printed is no token: it holds a blank or a character that is not ASCII")
	}
	return nil
}

func (s Source) fromEnv(name string) (text, hint string, err error) {
	hint = "set " + name + ", or use password_command"
	if s.LookupEnv != nil {
		text, found := s.LookupEnv(name)
		if found {
			return text, hint, nil
		}
	}
	return "", hint, fmt.Errorf("the environment variable %s is not set", name)
}

// lookup gives an environment variable, "" where it is not set.
func (s Source) lookup(name string) string {
	if s.LookupEnv == nil {
		return ""
	}
	text, _ := s.LookupEnv(name)
	return text
}

func (s Source) fromPrompt(ctx context.Context, a *config.Account) (text, hint string, err error) {
	hint = "set password_command in the config, or with --url give --password-command"
	if s.Prompt == nil {
		return "", hint, errors.New("no password is configured, and there is no terminal to ask at")
	}
	answer, err := s.Prompt(ctx, a.Username+" at "+a.Server.Host)
	if err != nil {
		return "", hint, fmt.Errorf("asking for the password: %w", err)
	}
	return answer.Reveal(), "", nil
}
