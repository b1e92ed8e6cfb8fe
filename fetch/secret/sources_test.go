package secret_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haulmail/config"
	"haulmail/fetch/secret"
)

func TestCredential(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"mail": "hunter2\n", "empty": ""} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o440); err != nil {
			t.Fatal(err)
		}
	}
	s := secret.Source{LookupEnv: func(name string) (string, bool) { return folder, name == "CREDENTIALS_DIRECTORY" }}
	for _, c := range []struct{ name, password, why, hint string }{
		{"mail", "hunter2", "", ""}, // though its mode shows an ACL's mask
		{"empty", "", "is empty", ""},
		{"none", "", "no such file", "LoadCredential=none:/PATH"},
	} {
		got, err := s.Password(t.Context(), account(config.Password{Credential: c.name}))
		if e := want(t, got, err, c.password, c.why); e != nil && !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%s: hint %q", c.name, e.Hint)
		}
	}
	got, err := secret.Source{}.Password(t.Context(), account(config.Password{Credential: "mail"}))
	want(t, got, err, "", "password_credential: $CREDENTIALS_DIRECTORY is not set")
}

// A token is one word: around it, a login sends control characters.
func TestTokenCommand(t *testing.T) {
	s := secret.Source{Environ: os.Environ()}
	for _, c := range []struct{ line, token, why string }{
		{"echo ya29.hunter2-_~+/=", "ya29.hunter2-_~+/=", ""},
		{"printf 'hunter2\\001auth=x\\n'", "", "token_command: what the command printed is no token"},
		{"echo 'Bearer hunter2'", "", "is no token"},
		{"echo hunter2é", "", "is no token"},
		{"echo hunter2; echo 'refresh failed: hunter2' >&2; exit 1", "", "token_command: exit status 1: refresh failed: […]"},
	} {
		got, err := s.Password(t.Context(), account(config.Password{TokenCommand: config.Command{Shell: c.line}}))
		want(t, got, err, c.token, c.why)
	}
}

func TestClientSecret(t *testing.T) {
	s, a := secret.Source{Environ: os.Environ()}, account(config.Password{})
	for _, c := range []struct {
		p           config.Provider
		secret, why string
	}{
		{config.Provider{}, "", ""},
		{config.Provider{ClientSecret: config.NewSecret("hunter2")}, "hunter2", ""},
		{config.Provider{ClientSecretCommand: config.Command{Shell: "echo hunter2"}}, "hunter2", ""},
		{config.Provider{ClientSecretCommand: config.Command{Shell: "exit 1"}}, "", "client_secret_command: exit status 1"},
	} {
		got, err := s.ClientSecret(t.Context(), a, &c.p)
		want(t, got, err, c.secret, c.why)
	}
}
