package config_test

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"haulmail/config"
)

// What a URL means: name, server, TLS, user, auth.
func TestURLs(t *testing.T) {
	for _, c := range []struct{ url, means string }{
		// RFC 2384 §8, with a user of one's own.
		{"pop://rg@mailsrv.example.com", "rg@mailsrv.example.com: rg at mailsrv.example.com:110, starttls, auto"},
		{"pop://rg;AUTH=+APOP@mail.example.com:8110", "rg@mail.example.com: rg at mail.example.com:8110, starttls, apop"},
		{"pop://baz;AUTH=SCRAM-SHA-1@foo.bar", "baz@foo.bar: baz at foo.bar:110, starttls, scram-sha-1"},
		{"pops://me@pop.example.org", "me@pop.example.org: me at pop.example.org:995, implicit, auto"},
		{"POPS://me@POP.Example.org:1995/", "me@pop.example.org: me at pop.example.org:1995, implicit, auto"},
		{"pops://me;auth=*@pop.example.org", "me@pop.example.org: me at pop.example.org:995, implicit, auto"},
		{"pops://me;Auth=userpass@pop.example.org", "me@pop.example.org: me at pop.example.org:995, implicit, userpass"},
		// An address for a user name.
		{"pops://me%40example.org@pop.example.org", "me@example.org@pop.example.org: me@example.org at pop.example.org:995, implicit, auto"},
		{"pops://me@example.org@pop.example.org", "me@example.org@pop.example.org: me@example.org at pop.example.org:995, implicit, auto"},
		{"pops://me@example.org;auth=plain@pop.example.org", "me@example.org@pop.example.org: me@example.org at pop.example.org:995, implicit, plain"},
		// Escapes: a plus is a plus.
		{"pops://me+list@pop.example.org", "me+list@pop.example.org: me+list at pop.example.org:995, implicit, auto"},
		{"pops://a%3Bb%3Ac%25@pop.example.org", "a_b_c_@pop.example.org-ea209e5a: a;b:c% at pop.example.org:995, implicit, auto"},
		{"pops://j%C3%BCrgen@pop.example.org", "jürgen@pop.example.org: jürgen at pop.example.org:995, implicit, auto"},
		{"pops://../../etc@pop.example.org", ""},
		{"pops://..%2F..%2Fetc@pop.example.org", "etc@pop.example.org-ecf9a7fb: ../../etc at pop.example.org:995, implicit, auto"},
		{"pops://%2F@[::]", "maildrop-ac3face7: / at [::]:995, implicit, auto"},
		// Addresses.
		{"pops://me@192.0.2.7:110", "me@192.0.2.7: me at 192.0.2.7:110, implicit, auto"},
		{"pops://me@[2001:DB8::1]", "me@2001_db8__1-b8c9da5f: me at [2001:db8::1]:995, implicit, auto"},
		{"pops://me@[fe80::1%25eth0]:1995/", "me@fe80__1_eth0-532b4826: me at [fe80::1%eth0]:1995, implicit, auto"},
	} {
		got := ""
		if a, err := oneOff(c.url, nil); err == nil {
			got = fmt.Sprintf("%s: %s at %s, %s, %s", a.Name, a.Username, a.Server, a.TLS, a.Auth)
		}
		if got != c.means {
			t.Errorf("%s is %q, want %q", c.url, got, c.means)
		}
	}
}

func oneOff(text string, keys map[string]string) (*config.Account, error) {
	c, err := config.OneOff(text, "/home/me", keys)
	if err != nil {
		return nil, err
	}
	return c.Accounts[0], nil
}

// testdata/urls.txt holds what is wrong with URLs, as a person reads it. No password is ever shown, wherever it was put.
func TestWrongURLs(t *testing.T) {
	const golden = "testdata/urls.txt"
	file, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for paragraph := range strings.SplitSeq(string(file), "\n\n") {
		text, _, _ := strings.Cut(strings.TrimSpace(paragraph), "\n")
		fmt.Fprintf(&got, "%s\n%s\n", text, strings.ReplaceAll(mistake(t, text), "hunter2", "SHOWN"))
	}
	if *update {
		if err := os.WriteFile(golden, []byte(strings.TrimSuffix(got.String(), "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(file) + "\n"; got.String() != want || strings.Contains(want, "SHOWN") {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
}

// mistake gives what is wrong with a URL and keys behind it, "URL KEY=VALUE…", in two lines.
func mistake(t *testing.T, text string) string {
	t.Helper()
	words := strings.Split(text, " ")
	keys := map[string]string{}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		keys[key] = value
	}
	_, err := config.OneOff(words[0], "/home/me", keys)
	e, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("%s: error %v, want a mistake", text, err)
	}
	return fmt.Sprintf("  %v\n  hint: %s\n", e, e.Hint)
}

// The keys beside a URL are read as in a file, and what is not said is as in a file.
func TestOneOff(t *testing.T) {
	plain, err := config.Parse("/x/config.toml", "/home/me",
		[]byte("[account.'me@pop.example.org']\nserver = 'pop.example.org'\nusername = 'me'\nmaildir = '/mail'\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	got, err := oneOff("pops://me@pop.example.org", map[string]string{"maildir": "/mail"})
	if err != nil {
		t.Fatal(err)
	}
	if g, w := fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", *plain.Accounts[0]); g != w {
		t.Errorf("a URL gives\n%s\na file\n%s", g, w)
	}

	got, err = oneOff("pop://me@pop.example.org", map[string]string{
		"maildir": "mail", "tls": "none", "delete": "14d", "password_command": "pass show x",
	})
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("mail")
	if err != nil {
		t.Fatal(err)
	}
	if got.Maildir != here || got.TLS != config.TLSNone || got.Server.Port != 110 || got.Password.Command.Shell != "pass show x" ||
		got.Delete != (config.Delete{Mode: config.DeleteAged, Age: 14 * 24 * time.Hour}) {
		t.Errorf("got %+v", got)
	}
	if got, err := oneOff("pops://me@pop.example.org", map[string]string{"maildir": "~/Mail"}); err != nil || got.Maildir != "/home/me/Mail" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Whatever the user is called, the URL that names them is understood, and the account has a name that can be a file's and is nobody
// else's.
func TestUsersInURLs(t *testing.T) {
	names := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		user := rapid.StringN(1, 40, 200).Filter(func(s string) bool { return !strings.ContainsFunc(s, unicode.IsControl) }).Draw(t, "user")
		escaped := strings.ReplaceAll(url.QueryEscape(user), "+", "%20")
		a, err := oneOff("pops://"+escaped+"@pop.example.org", nil)
		if err != nil || a.Username != user {
			t.Fatalf("user %q: %+v, %v", user, a, err)
		}
		if other, taken := names[a.Name]; taken && other != user {
			t.Fatalf("%q and %q are both called %q", user, other, a.Name)
		}
		names[a.Name] = user
		inFile := fmt.Sprintf("[account.'%s']\nserver = 'x.example'\nusername = 'x'\nmaildir = '/x'\n", a.Name)
		if _, err := config.Parse("/x/config.toml", "/home/me", []byte(inFile), 0o600); err != nil {
			t.Fatalf("user %q: %v", user, err)
		}
	})
}

// FuzzOneOff: no URL makes OneOff panic; what it takes is an account as any, and what is wrong with others can be printed.
func FuzzOneOff(f *testing.F) {
	for _, seed := range []string{"pops://me@pop.example.org", "pop://me;auth=+APOP@[::1%25x]:110/", "pops://a%40b@c@d", "pop://a:b@c?d#e"} {
		f.Add(seed, "none")
	}
	f.Fuzz(func(t *testing.T, text, tls string) {
		c, err := config.OneOff(text, "/home/me", map[string]string{"tls": tls, "maildir": "/mail"})
		if err == nil {
			checkConfig(t, c)
			return
		}
		e, ok := errors.AsType[*config.Error](err)
		if !ok {
			t.Fatalf("error %v", err)
		}
		if shown := e.Error() + e.Hint; shown == "" || strings.ContainsFunc(shown, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			t.Errorf("cannot be printed: %q", shown)
		}
	})
}
