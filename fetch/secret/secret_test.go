package secret_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/secret"
)

// account is one whose password comes from p.
func account(p config.Password) *config.Account {
	return &config.Account{
		Name: "work", Server: config.Server{Host: "pop.example.org", Port: 995}, Username: "me", Password: p,
		PasswordTimeout: config.Duration(time.Minute),
	}
}

// want checks that a password came, or an error that holds why.
func want(t *testing.T, got config.Secret, err error, password, why string) *secret.Error {
	t.Helper()
	if why == "" {
		if err != nil || got.Reveal() != password {
			t.Errorf("got %q, %v; want %q", got.Reveal(), err, password)
		}
		return nil
	}
	var e *secret.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), why) || !got.IsZero() {
		t.Fatalf("got %q, %v; want an error with %q", got.Reveal(), err, why)
	}
	if e.Account != "work" {
		t.Errorf("the error is about account %q", e.Account)
	}
	if strings.Contains(err.Error()+e.Hint, "hunter2") {
		t.Errorf("the error shows the password: %v, hint %q", err, e.Hint)
	}
	return e
}

func TestLiteral(t *testing.T) {
	got, err := secret.Source{}.Password(t.Context(), account(config.Password{Literal: config.NewSecret(" hunter2 ")}))
	want(t, got, err, " hunter2 ", "")
	got, err = secret.Source{}.Password(t.Context(), account(config.Password{Literal: config.NewSecret("hunter2\r\nDELE 1")}))
	want(t, got, err, "", "password: the password holds a line end or a NUL")
}

func TestEnv(t *testing.T) {
	env := map[string]string{"GOOD": "hunter2", "EMPTY": "", "TWO": "hunter2\n"}
	s := secret.Source{LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	for _, c := range []struct{ name, password, why string }{
		{"GOOD", "hunter2", ""},
		{"EMPTY", "", "password_env: the password is empty"},
		{"TWO", "", "password_env: the password holds a line end"},
		{"NONE", "", "password_env: the environment variable NONE is not set"},
	} {
		got, err := s.Password(t.Context(), account(config.Password{Env: c.name}))
		if e := want(t, got, err, c.password, c.why); e != nil && e.Hint != "set "+c.name+", or use password_command" {
			t.Errorf("%s: hint %q", c.name, e.Hint)
		}
	}
	got, err := secret.Source{}.Password(t.Context(), account(config.Password{Env: "GOOD"}))
	want(t, got, err, "", "GOOD is not set")
}

func TestPrompt(t *testing.T) {
	var asked string
	answer, failure := "hunter2", error(nil)
	s := secret.Source{Prompt: func(_ context.Context, label string) (config.Secret, error) {
		asked = label
		return config.NewSecret(answer), failure
	}}
	got, err := s.Password(t.Context(), account(config.Password{}))
	want(t, got, err, "hunter2", "")
	if asked != "me at pop.example.org" {
		t.Errorf("asked for %q", asked)
	}
	answer = ""
	got, err = s.Password(t.Context(), account(config.Password{}))
	want(t, got, err, "", "terminal: the password is empty")
	failure = context.Canceled
	got, err = s.Password(t.Context(), account(config.Password{}))
	want(t, got, err, "", "terminal: asking for the password")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the prompt's error is lost: %v", err)
	}
	got, err = secret.Source{}.Password(t.Context(), account(config.Password{}))
	if e := want(t, got, err, "", "there is no terminal to ask at"); !strings.Contains(e.Hint, "password_command") {
		t.Errorf("hint %q", e.Hint)
	}
}

func TestFile(t *testing.T) {
	for _, c := range []struct {
		what, text    string
		mode          fs.FileMode
		password, why string
	}{
		{"line", "hunter2\n", 0o600, "hunter2", ""},
		{"no line end", "hunter2", 0o400, "hunter2", ""},
		{"CRLF and notes", " hun ter2\r\nlogin: me\n", 0o600, " hun ter2", ""},
		{"empty", "", 0o600, "", "is empty"},
		{"first line empty", "\nhunter2\n", 0o600, "", "first line"},
		{"CR inside", "hunter2\rx\n", 0o600, "", "holds a line end"},
		{"NUL inside", "hunter2\x00\n", 0o600, "", "or a NUL"},
		{"group reads", "hunter2\n", 0o640, "", "can be read by others"},
		{"others read", "hunter2\n", 0o604, "", "can be read by others"},
		{"as long as can be", strings.Repeat("x", 64<<10), 0o600, strings.Repeat("x", 64<<10), ""},
		{"long notes", "hunter2\n" + strings.Repeat("x", 64<<10), 0o600, "hunter2", ""},
		{"too long", strings.Repeat("x", 64<<10+1), 0o600, "", "more than 64 KiB"},
	} {
		t.Run(c.what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "it's a file")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil { // whatever the umask
				t.Fatal(err)
			}
			got, err := secret.Source{}.Password(t.Context(), account(config.Password{File: path}))
			e := want(t, got, err, c.password, c.why)
			if c.why == "can be read by others" && e.Hint != `chmod 600 '`+strings.ReplaceAll(path, "'", `'"'"'`)+`'` {
				t.Errorf("hint %q", e.Hint)
			}
		})
	}
}

// What is no file is refused at once; a FIFO that nobody writes to would block.
func TestNotAFile(t *testing.T) {
	folder := t.TempDir()
	fifo := filepath.Join(folder, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, why := range map[string]string{
		folder:                        "is not a regular file",
		fifo:                          "is not a regular file",
		"/dev/zero":                   "is not a regular file",
		filepath.Join(folder, "none"): "no such file",
	} {
		got, err := secret.Source{}.Password(t.Context(), account(config.Password{File: path}))
		want(t, got, err, "", why)
	}
}
