package config

import (
	"fmt"
	"strings"
)

// Password says where a password, or a token in its place, comes from. At most
// one field is set; none means that the terminal is asked, unless Account.OAuth
// names a provider.
type Password struct {
	Literal      Secret
	Command      Command
	File         string // absolute
	Env          string // the name of an environment variable
	Credential   string // the name of a systemd credential: a file in $CREDENTIALS_DIRECTORY
	Keyring      string // the service in the desktop's keyring whose entry for the user is the password
	Netrc        bool   // the entry of .netrc for the server and the user
	TokenCommand Command
}

// The keys of a password, as Password.Key gives them, and KeyOAuth.
const (
	KeyPassword           = "password"
	KeyPasswordCommand    = "password_command"
	KeyPasswordFile       = "password_file"
	KeyPasswordEnv        = "password_env"
	KeyPasswordCredential = "password_credential"
	KeyPasswordKeyring    = "password_keyring"
	KeyNetrc              = "netrc"
	KeyTokenCommand       = "token_command"
	KeyOAuth              = "oauth"
)

// keyringService is the service of an entry in the keyring where none is named.
const keyringService = "haulmail"

// Key gives the name of the key that was set, "" if none was.
func (p Password) Key() string {
	switch {
	case !p.Literal.IsZero():
		return KeyPassword
	case !p.Command.IsZero():
		return KeyPasswordCommand
	case p.File != "":
		return KeyPasswordFile
	case p.Env != "":
		return KeyPasswordEnv
	case p.Credential != "":
		return KeyPasswordCredential
	case p.Keyring != "":
		return KeyPasswordKeyring
	case p.Netrc:
		return KeyNetrc
	case !p.TokenCommand.IsZero():
		return KeyTokenCommand
	}
	return ""
}

// SecretKey gives the name of the key that the account's password or token comes
// by, "" if the terminal is asked for a password.
func (a *Account) SecretKey() string {
	if a.OAuth != "" {
		return KeyOAuth
	}
	return a.Password.Key()
}

func (d *document) readPassword(v value, a *Account) {
	d.readSecret(v, "write it in quotes, or use password_command", &a.Password.Literal)
}

// readSecret reads a secret that stands in the file itself.
func (d *document) readSecret(v value, hint string, to *Secret) {
	d.holdsSecret(v)
	s, ok := d.str(v, hint)
	if !ok {
		return
	}
	if strings.ContainsAny(s, "\r\n\x00") {
		d.failValue(v, v.key()+" holds a line end or a NUL", "write it in single quotes on one line if it holds a backslash")
		return
	}
	*to = NewSecret(s)
}

// readCommand reads a line for a shell, or an array of words.
func (d *document) readCommand(v value, to *Command) {
	*to = d.command(v, `write a line for the shell, "pass show mail", or an array of words, ["pass", "show", "mail"]`)
}

// command reads a program to run.
func (d *document) command(v value, hint string) Command {
	if line, ok := v.data.(string); ok && strings.TrimSpace(line) != "" && !strings.Contains(line, "\x00") {
		return Command{Shell: line}
	}
	words, ok := v.data.([]any)
	var args []string
	for _, w := range words {
		s, isString := w.(string)
		ok = ok && isString && !strings.Contains(s, "\x00")
		args = append(args, s)
	}
	if !ok || len(args) == 0 || args[0] == "" {
		d.failValue(v, v.key()+" is no command", hint)
		return Command{}
	}
	return Command{Args: args}
}

func (d *document) readEnv(v value, a *Account) {
	const hint = `write the name of a variable: password_env = "MAIL_PASSWORD"`
	s, ok := d.plain(v, hint)
	if !ok {
		return
	}
	if name := strings.TrimPrefix(s, "$"); name != s || strings.ContainsAny(s, "= ") {
		d.failValue(v, fmt.Sprintf("password_env %q is not the name of a variable", s), hint)
		return
	}
	a.Password.Env = s
}

// readCredential reads the name of a file that systemd puts into a folder of its
// own: no path leads out of that.
func (d *document) readCredential(v value, a *Account) {
	const hint = `write the name in the unit's LoadCredential=: password_credential = "mail"`
	s, ok := d.plain(v, hint)
	if !ok {
		return
	}
	if strings.Contains(s, "/") || s == "." || s == ".." {
		d.failValue(v, fmt.Sprintf("password_credential %q is not the name of a credential", s), hint)
		return
	}
	a.Password.Credential = s
}

// readKeyring reads true, for the usual service, or the name of another one.
func (d *document) readKeyring(v value, a *Account) {
	const hint = `write true, or the name under which the password is kept there`
	if on, ok := v.data.(bool); ok && on {
		a.Password.Keyring = keyringService
		return
	} else if ok {
		return
	}
	if s, ok := d.plain(v, hint); ok {
		a.Password.Keyring = s
	}
}

func (d *document) readNetrc(v value, a *Account) {
	on, ok := v.data.(bool)
	if !ok {
		d.failValue(v, "netrc must be true or false, not "+typeName(v.data), "$NETRC names the file; without it, ~/.netrc is read")
		return
	}
	a.Password.Netrc = on
}
