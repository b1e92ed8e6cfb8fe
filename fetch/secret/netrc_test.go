package secret_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"haulmail/config"
	"haulmail/fetch/secret"
)

func TestNetrc(t *testing.T) {
	for _, c := range []struct{ what, text, password, why string }{
		{"one line", "machine pop.example.org login me password hunter2", "hunter2", ""},
		{"one word a line", "machine\npop.example.org\n\tlogin\r\nme\r\npassword\r\nhunter2\r\n", "hunter2", ""},
		{"any case, a final dot", "machine POP.Example.org. login me password hunter2", "hunter2", ""},
		{"password before login", "machine pop.example.org password hunter2 login me", "hunter2", ""},
		{"another machine", "machine imap.example.org login me password x\nmachine pop.example.org login me password hunter2", "hunter2", ""},
		{"another user", "machine pop.example.org login you password x\nmachine pop.example.org login me password hunter2", "hunter2", ""},
		{"any user", "machine pop.example.org password hunter2", "hunter2", ""},
		{"the first that fits", "machine pop.example.org login me password hunter2\nmachine pop.example.org login me password x", "hunter2", ""},
		{"default", "machine imap.example.org login me password x\ndefault login me password hunter2", "hunter2", ""},
		{"without a password first", "machine pop.example.org login me\ndefault password hunter2", "hunter2", ""},
		{"account", "machine pop.example.org login me account x password hunter2", "hunter2", ""},
		{"quotes", `machine pop.example.org login "me" password "hunter \"2\\"`, `hunter "2\`, ""},
		{"a number sign inside", "machine pop.example.org login me password h#2", "h#2", ""},
		{"a number sign first", "machine pop.example.org login me password #hunter2 # new", "#hunter2", ""},
		{"a number sign first, and a default", "machine pop.example.org login me password #hunter2\ndefault login me password x", "#hunter2", ""},
		{"a quote inside", `machine pop.example.org login me password h"2`, `h"2`, ""},
		{"comments", "# password x\nmachine pop.example.org # login you\nlogin me\n#\npassword hunter2 # new", "hunter2", ""},
		{"macro", "macdef init\nmachine pop.example.org login me password x\n\nmachine pop.example.org login me password hunter2", "hunter2", ""},
		{"macro to the end", "machine pop.example.org login me password hunter2 macdef init\nx y", "hunter2", ""},
		{"a user of another case", "machine pop.example.org login Me password hunter2", "", "has no password for me at pop.example.org"},
		{"empty", "", "", "has no password for me at pop.example.org"},
		{"an empty password", `machine pop.example.org login me password ""`, "", "has no password for me"},
		{"unknown word", "machine pop.example.org login me\npasword hunter2", "", "line 2: neither \"machine\""},
		{"password of two words", "machine pop.example.org login me password hun ter2", "", "line 1: neither"},
		{"cut off", "machine pop.example.org login me password", "", "line 1: nothing stands behind \"password\""},
		{"no machine", "login me password hunter2", "", "line 1: \"login\" stands before the first machine"},
		{"open quotes", "machine pop.example.org\nlogin me password \"hunter2\nmachine x", "", "line 2: quotes are not closed"},
		{"line end in quotes", `machine pop.example.org password "hunter2\nDELE 1"`, "", "holds a line end"},
	} {
		t.Run(c.what, func(t *testing.T) {
			home := t.TempDir()
			if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := secret.Source{Home: home}.Password(t.Context(), account(config.Password{Netrc: true}))
			want(t, got, err, c.password, c.why)
		})
	}
}

func TestNetrcFile(t *testing.T) {
	home := t.TempDir()
	env := func(name string) (string, bool) {
		return filepath.Join(home, "other"), name == "NETRC"
	}
	a := account(config.Password{Netrc: true})
	got, err := secret.Source{Home: home}.Password(t.Context(), a)
	if e := want(t, got, err, "", "no such file"); !strings.Contains(e.Hint, "machine pop.example.org login me password") {
		t.Errorf("hint %q", e.Hint)
	}
	got, err = secret.Source{}.Password(t.Context(), a)
	want(t, got, err, "", "no home folder is known")
	const text = "machine pop.example.org login me password hunter2"
	if err := os.WriteFile(filepath.Join(home, "other"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err = secret.Source{Home: home, LookupEnv: env}.Password(t.Context(), a)
	want(t, got, err, "hunter2", "")
	if err := os.Chmod(filepath.Join(home, "other"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err = secret.Source{Home: home, LookupEnv: env}.Password(t.Context(), a)
	if e := want(t, got, err, "", "can be read by others"); !strings.HasPrefix(e.Hint, "chmod 600 /") {
		t.Errorf("hint %q", e.Hint)
	}
	if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte(text+strings.Repeat("\n", 64<<10)), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err = secret.Source{Home: home}.Password(t.Context(), a)
	want(t, got, err, "", "larger than 64 KiB")
}

// netrcSays are the errors of a .netrc, and all that is told of its text.
var netrcSays = regexp.MustCompile(`^netrc: (FILE(: line \d+: (` +
	`neither "machine", "default", "login", "password", "account" nor "macdef"|` +
	`nothing stands behind "(machine|login|password|account)"|` +
	`"(login|password|account)" stands before the first machine|` +
	`quotes are not closed)` +
	`| has no password for me at pop\.example\.org| is larger than 64 KiB)` +
	`|the password holds a line end or a NUL|more than 64 KiB are no password)$`)

// No text makes the parser fail otherwise than by an error, and none shows in it.
func FuzzNetrc(f *testing.F) {
	f.Add("machine pop.example.org login \"m\\e\" password hunter2 # x\nmacdef a\n\ndefault password y")
	f.Add("machine pop.example.org login me password #hunter2 hunter2")
	f.Add("machine pop.example.org login \"hunter2")
	f.Fuzz(func(t *testing.T, text string) {
		home := t.TempDir()
		path := filepath.Join(home, ".netrc")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := secret.Source{Home: home}.Password(t.Context(), account(config.Password{Netrc: true}))
		if (err == nil) == got.IsZero() {
			t.Errorf("got %q, %v", got.Reveal(), err)
		}
		e, failed := errors.AsType[*secret.Error](err)
		if failed && !netrcSays.MatchString(strings.Replace(e.Error(), path, "FILE", 1)) {
			t.Errorf("the error says %q", e)
		}
		if failed && e.Hint != "" && e.Hint != "write into it: machine pop.example.org login me password …" {
			t.Errorf("the hint says %q", e.Hint)
		}
	})
}
