package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"haulmail/config"
)

const work = "[account.work]\nserver = \"pop.example.org\"\nusername = \"me\"\nmaildir = \"m\"\n"

// parse checks text as the file /etc/mail/haul.toml of a user at home in /home/me.
func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("/etc/mail/haul.toml", "/home/me", []byte(text), 0o600)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return c
}

func TestAllKeys(t *testing.T) {
	c := parse(t, `
jobs = 3
per_server = 2
jitter = "90s"
state_dir = "~/state"
[account."me@example.org"]
server = "POP.Example.org:1995"
tls = "starttls"
tls_ca_file = "ca.pem"
username = "me and you"
auth = "scram-sha-256"
password = 'p"\ä'
maildir = "~"
delete = "1w2d"
timeout = "90s"
pipelining = "off"
min_interval = "15m"
retries = 0
error_after = "3 runs"
max_size = "25MB"
max_messages = 100
max_bytes = "1.5 GiB"
since = "30d"
order = "newest"
`)
	want := &config.Config{
		File: "/etc/mail/haul.toml", Jobs: 3, PerServer: 2, Jitter: config.Duration(90 * time.Second), StateDir: "/home/me/state",
		Accounts: []*config.Account{{
			Name:     "me@example.org",
			Server:   config.Server{Host: "pop.example.org", Port: 1995},
			TLS:      config.TLSStart,
			Trust:    config.Trust{TLSCAFile: "/etc/mail/ca.pem"},
			Username: "me and you",
			Auth:     config.AuthSCRAMSHA256,
			Password: config.Password{Literal: config.NewSecret(`p"\ä`)},
			Maildir:  "/home/me",
			Delete:   config.Delete{Mode: config.DeleteAged, Age: 9 * 24 * time.Hour},
			Selection: config.Selection{
				MaxSize: 25_000_000, MaxMessages: 100, MaxBytes: 3 << 29,
				Since: config.Duration(30 * 24 * time.Hour), Order: config.NewestFirst,
			},
			Timeout:         config.Duration(90 * time.Second),
			Pipelining:      config.PipeliningOff,
			MinInterval:     config.Duration(15 * time.Minute),
			ErrorAfter:      config.Lasting{Runs: 3},
			PasswordTimeout: config.Duration(time.Minute),
		}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v %+v\nwant %+v %+v", c, c.Accounts[0], want, want.Accounts[0])
	}
}

func TestLeastKeys(t *testing.T) {
	c := parse(t, work)
	want := &config.Config{
		File: "/etc/mail/haul.toml", Jobs: 16, PerServer: 4,
		Accounts: []*config.Account{{
			Name:            "work",
			Server:          config.Server{Host: "pop.example.org", Port: 995},
			Username:        "me",
			Maildir:         "/etc/mail/m",
			Timeout:         config.Duration(time.Minute),
			Retries:         2,
			PasswordTimeout: config.Duration(time.Minute),
		}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v %+v\nwant %+v %+v", c, c.Accounts[0], want, want.Accounts[0])
	}
}

func TestDefaults(t *testing.T) {
	c := parse(t, `
[account.own]
server = "a.example.org"
maildir = "/a"
tls = "implicit"
delete = "never"
password_env = "OWN"
[defaults]
server = "b.example.org"
username = "me"
tls = "none"
delete = "fetched"
password_command = ["pass", "mail"]
[account.inherited]
maildir = "/b"
`)
	if got := c.Names(); !slices.Equal(got, []string{"own", "inherited"}) {
		t.Fatalf("accounts %q", got)
	}
	own, inherited := c.Account("own"), c.Account("inherited")
	if c.Account("other") != nil {
		t.Error("found an account that isn't there")
	}
	if own.Server.String() != "a.example.org:995" || inherited.Server.String() != "b.example.org:110" {
		t.Errorf("servers %v, %v", own.Server, inherited.Server)
	}
	if own.Delete.String() != "never" || inherited.Delete.String() != "fetched" {
		t.Errorf("delete %v, %v", own.Delete, inherited.Delete)
	}
	if own.Password.Key() != "password_env" || own.Password.Env != "OWN" || !own.Password.Command.IsZero() {
		t.Errorf("the account's password does not replace the default's: %v", own.Password)
	}
	if inherited.Password.Key() != "password_command" || !slices.Equal(inherited.Password.Command.Argv(), []string{"pass", "mail"}) {
		t.Errorf("the default password isn't inherited: %v", inherited.Password)
	}
	if own.Username != "me" {
		t.Errorf("username %q", own.Username)
	}
}

func TestServers(t *testing.T) {
	for in, want := range map[string]string{
		"pop.example.org":        "pop.example.org:995",
		"Pop.Example.ORG.":       "pop.example.org.:995",
		"pop.example.org:1":      "pop.example.org:1",
		"pop_3.xn--fiqs8s:65535": "pop_3.xn--fiqs8s:65535",
		"localhost:0110":         "localhost:110",
		"srv:995":                "srv:995",
		"127.0.0.1:1110":         "127.0.0.1:1110",
		"::1":                    "[::1]:995",
		"[::1]":                  "[::1]:995",
		"[2001:DB8::1]:110":      "[2001:db8::1]:110",
		"[fe80::1%eth0]:110":     "[fe80::1%eth0]:110",
	} {
		c := parse(t, strings.Replace(work, "pop.example.org", in, 1))
		if got := c.Accounts[0].Server.String(); got != want {
			t.Errorf("server %q is %s, want %s", in, got, want)
		}
	}
}

func TestPaths(t *testing.T) {
	for in, want := range map[string]string{
		"~":          "/home/me",
		"~/Mail/x/":  "/home/me/Mail/x",
		"/var/../m":  "/m",
		"Mail":       "/etc/mail/Mail",
		"../Mail":    "/etc/Mail",
		"./~":        "/etc/mail/~",
		"./$HOME":    "/etc/mail/$HOME",
		"邮件/a b":     "/etc/mail/邮件/a b",
		"a~b":        "/etc/mail/a~b",
		"~/../you/m": "/home/you/m",
	} {
		c := parse(t, strings.Replace(work, `"m"`, `"`+in+`"`, 1))
		if got := c.Accounts[0].Maildir; got != want {
			t.Errorf("maildir %q is %s, want %s", in, got, want)
		}
	}
	_, err := config.Parse("/etc/haul.toml", "", []byte(strings.Replace(work, `"m"`, `"~/m"`, 1)), 0o600)
	if err == nil || !strings.Contains(err.Error(), "the home folder is not known") {
		t.Errorf("~ without a home folder: %v", err)
	}
}

func TestRelativeFile(t *testing.T) {
	t.Chdir(t.TempDir())
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse("conf/haul.toml", "", []byte(work), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(folder, "conf/m"); c.Accounts[0].Maildir != want || c.File != "conf/haul.toml" {
		t.Errorf("maildir %s in %s, want %s", c.Accounts[0].Maildir, c.File, want)
	}
}

func TestOrderOfAccounts(t *testing.T) {
	var names []string
	var text strings.Builder
	for _, n := range []string{"z", "m", "a", "k", "b", "y", "c", "x"} {
		names = append(names, n)
		text.WriteString(strings.ReplaceAll(strings.Replace(work, "work", n, 1), `"m"`, `"`+n+`"`))
	}
	if got := parse(t, text.String()).Names(); !slices.Equal(got, names) {
		t.Errorf("accounts %q, want %q", got, names)
	}
}

// Editors on Windows write a byte order mark and CRLF; positions stay right.
func TestWindowsFiles(t *testing.T) {
	text := "\ufeff" + strings.ReplaceAll(work+"delete = \"14d\"\n", "\n", "\r\n")
	if c := parse(t, text); c.Accounts[0].Delete.String() != "14d" || c.Accounts[0].Username != "me" {
		t.Errorf("got %+v", c.Accounts[0])
	}
	const want = "config.toml:6:1: unknown key \"x\" in account \"work\"\n    6 | x = 'ä'\n      | ^\n"
	if got := report(t, []byte(text+"x = 'ä'\r\n"), 0o600); !strings.HasPrefix(got, want) {
		t.Errorf("got %s", got)
	}
	const first = "config.toml:1:1: unknown key \"x\" above the tables\n    1 | x = 1\n      | ^\n"
	if got := report(t, []byte("\ufeffx = 1\r\n"+work), 0o600); !strings.HasPrefix(got, first) {
		t.Errorf("got %s", got)
	}
}

func TestNotText(t *testing.T) {
	for text, want := range map[string]string{
		"\xff\xfe[\x00":                   "UTF-16",
		"x = 1\x00":                       "NUL",
		"x = \"\xe9\"":                    "not valid UTF-8",
		strings.Repeat("#", 1<<20) + "\n": "larger than 1024 KiB",
		"x = \"\x1b[31m\"":                "control characters",
	} {
		got := report(t, []byte(text), 0o600)
		if !strings.Contains(got, want) || !strings.HasPrefix(got, "config.toml:1:") {
			t.Errorf("%.20q gives %.200q, want %q", text, got, want)
		}
		for _, b := range []byte("\x00\x1b\xff\xe9") {
			if strings.IndexByte(got, b) >= 0 {
				t.Errorf("%.20q reaches the terminal: %.200q", text, got)
			}
		}
	}
}

// The place of the first odd byte is told, for a file of another character set has few of them; nothing of the file is shown.
func TestOddByteIsFound(t *testing.T) {
	const want = "config.toml:2:5: the file is not valid UTF-8\n  hint: save the file as plain UTF-8 text\n"
	if got := report(t, []byte("# \ufffd is fine\n# B\u00fc\xfc\n"), 0o600); got != want {
		t.Errorf("got %s", got)
	}
}

// However many mistakes a file holds, the report has an end and comes soon.
func TestManyMistakes(t *testing.T) {
	var text strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&text, "key%d = 1\n", i)
	}
	_, err := config.Parse("f", "", []byte(text.String()), 0o600)
	var all config.Errors
	if !errors.As(err, &all) || len(all) != 100 {
		t.Errorf("%d mistakes, want 100", len(all))
	}
}

func TestLoad(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "config.toml")
	if err := os.WriteFile(file, []byte(work), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, "")
	if err != nil || c.Accounts[0].Maildir != filepath.Join(folder, "m") || c.File != file {
		t.Errorf("got %+v, %v", c, err)
	}
	var path *fs.PathError
	_, err = config.Load(filepath.Join(folder, "none.toml"), "")
	if !errors.As(err, &path) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	_, err = config.Load(folder, "")
	if !errors.As(err, &path) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder: %v", err)
	}
}

// A file that holds a password is for its owner alone.
func TestPermissions(t *testing.T) {
	const hidden, open = "password_env = \"X\"\n", "password = \"hunter2\"\n"
	for _, c := range []struct {
		where   string
		text    string
		mode    fs.FileMode
		refused bool
	}{
		{"no password", work + hidden, 0o644, false},
		{"password, owner only", work + open, 0o600, false},
		{"password, owner reads only", work + open, 0o400, false},
		{"password, group reads", work + open, 0o640, true},
		{"password, others read", work + open, 0o604, true},
		{"password in defaults", "[defaults]\n" + open + work + hidden, 0o644, true},
	} {
		t.Run(c.where, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "my config.toml")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, c.mode); err != nil { // whatever the umask
				t.Fatal(err)
			}
			_, err := config.Load(file, "")
			var all config.Errors
			switch {
			case !c.refused && err != nil:
				t.Errorf("refused: %v", err)
			case c.refused && !errors.As(err, &all):
				t.Errorf("not refused: %v", err)
			case c.refused:
				e := all[0]
				if e.Message != "the file holds a password and can be read by others" || e.Hint != "chmod 600 '"+file+"'" {
					t.Errorf("message %q, hint %q", e.Message, e.Hint)
				}
				if e.Source != "password = …" {
					t.Errorf("the source line %q shows the password", e.Source)
				}
			}
		})
	}
}

// What the README tells people to write can be read, all of it together.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for i, block := range strings.Split(string(text), "```toml\n") {
		if i > 0 {
			block, _, _ = strings.Cut(block, "```")
			all.WriteString(block)
		}
	}
	c := parse(t, all.String())
	for name, key := range map[string]string{
		"personal": "password_command", "isp": "password_command", "qq": "password_file", "office": "oauth", "gmail": "oauth",
	} {
		if a := c.Account(name); a == nil || a.SecretKey() != key {
			t.Errorf("account %s: %+v", name, a)
		}
	}
}
