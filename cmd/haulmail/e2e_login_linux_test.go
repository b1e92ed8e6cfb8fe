package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"haulmail/fetch/token/tokentest"
)

// signing is a user with an account at a Dovecot that takes the tokens of an OAuth server.
type signing struct {
	*home
	oauth *tokentest.Server
	box   *mailbox
}

// newSigning makes one; the further lines belong to the account.
func newSigning(t *testing.T, oauth *tokentest.Server, lines ...string) *signing {
	t.Helper()
	oauth.ClientID, oauth.ClientSecret, oauth.User = "haul", "hunter2-client", "user1"
	url, err := oauth.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(oauth.Close)
	pop := newDovecot(t, 1, "--token-info", url+tokentest.InfoPath+"?access_token=")
	s := &signing{oauth: oauth, box: pop.mailbox()}
	s.box.add(t, []byte("Subject: one\n\nbody\n"))
	s.home = newHome(t, fmt.Sprintf(`
[account.work]
server = %q
tls_ca_file = %q
username = "user1"
maildir = "Mail/work"
oauth = "corp"
%s
[oauth.corp]
device_url = "%[4]s/device"
auth_url = "%[4]s/auth"
token_url = "%[4]s/token"
scopes = ["pop"]
client_id = "haul"
client_secret_command = "echo hunter2-client"
`, pop.tls, pop.ca, strings.Join(lines, "\n"), url))
	return s
}

// talk runs the binary on a terminal, where react answers what is shown so far: with what to type, "" for nothing.
func (h *home) talk(t *testing.T, react func(shown string) string, args ...string) (r result, shown string) {
	t.Helper()
	master, tty := newTerminal(t)
	cmd := h.command(t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = tty.Close()
	var screen bytes.Buffer
	read := make(chan bool)
	go func() { // ends when the last process leaves the terminal
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			screen.Write(buf[:n])
			if err != nil {
				return
			}
			if answer := react(screen.String()); answer != "" {
				_, _ = master.WriteString(answer)
			}
		}
	}()
	_ = cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the run left behind, as a session's daemons are
	<-read
	r = result{args: args, code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	for _, secret := range []string{"hunter2", "access-", "refresh-"} {
		if all := r.stdout + r.stderr + screen.String(); strings.Contains(all, secret) {
			t.Errorf("a secret is shown: %s", all)
		}
	}
	return r, screen.String()
}

var (
	codeShown    = regexp.MustCompile(`type  (\S+)`)
	addressShown = regexp.MustCompile(`(http://127\.0\.0\.1:\d+/auth\S+)`)
)

// typing gives a person who types the code that they are shown.
func (s *signing) typing(do func(string) bool) func(string) string {
	var once sync.Once
	return func(shown string) string {
		if m := codeShown.FindStringSubmatch(shown); m != nil {
			once.Do(func() { do(m[1]) })
		}
		return ""
	}
}

func (s *signing) signIn(t *testing.T) {
	t.Helper()
	if r, shown := s.talk(t, s.typing(s.oauth.Approve), "login", "work"); r.code != 0 {
		t.Fatal(r, shown)
	}
}

func (s *signing) tokenFile() string { return filepath.Join(s.state, "work.token") }

// From no token to mail: by a code, by a browser on this machine, and by one on another.
func TestLoginThenFetch(t *testing.T) {
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, way := range []string{"code", "browser", "paste"} {
		t.Run(way, func(t *testing.T) {
			s := newSigning(t, &tokentest.Server{Lifetime: time.Hour, Rotate: true})
			s.run(t, "fetch").exits(t, 77)
			react, args := s.typing(s.oauth.Approve), []string{"login", "work"}
			if way != "code" {
				args = append(args, "--browser")
				var once sync.Once
				react = func(shown string) (answer string) {
					if m := addressShown.FindStringSubmatch(shown); m != nil && strings.Contains(shown, "press Enter") {
						once.Do(func() {
							client := http.DefaultClient
							if way == "paste" {
								client = stay
							}
							response, err := client.Get(m[1])
							if err != nil {
								t.Error(err)
								return
							}
							response.Body.Close()
							if way == "paste" {
								answer = response.Header.Get("Location") + "\n"
							}
						})
					}
					return answer
				}
			}
			r, shown := s.talk(t, react, args...)
			if r.code != 0 || !strings.HasPrefix(r.stdout, "work: signed in; the token is in ") || r.stderr != "" {
				t.Fatal(r, shown)
			}
			r = s.run(t, "fetch", "-v", "work").exits(t, 0)
			if !regexp.MustCompile("XOAUTH2|OAUTHBEARER").MatchString(r.stderr) {
				t.Errorf("logged in otherwise: %v", r)
			}
			if n := len(s.box.served(t)); n != 1 {
				t.Errorf("the server has %d messages", n)
			}
			if files, _ := filepath.Glob(s.maildir("work") + "/new/*"); len(files) != 1 {
				t.Errorf("delivered: %q", files)
			}
		})
	}
}

// What keeps a person from signing in is told with its step, and ends with the right code.
func TestLoginFails(t *testing.T) {
	s := newSigning(t, &tokentest.Server{})
	for _, c := range []struct {
		what  string
		fault tokentest.Fault
		deny  bool
		code  int
		first string
		hint  string
	}{
		{"denied", tokentest.Fault{}, true, 77, "haulmail: work: sign in: token: access_denied: this is the server's reason", "haulmail login -c"},
		{"code expired", tokentest.Fault{At: "token", Code: "expired_token"}, false, 77, "haulmail: work: sign in: token: expired_token", "haulmail login -c"},
		{"wrong client", tokentest.Fault{At: "device", Code: "invalid_client", Description: "\x1b[2Jno"}, false, 78, `haulmail: work: sign in: device code: invalid_client: \x1b[2Jno`, "client_id"},
		{"not JSON", tokentest.Fault{At: "device", Body: "<html>"}, false, 76, "haulmail: work: sign in: device code: the answer is not what OAuth asks for", "device_url"},
		{"away", tokentest.Fault{At: "device", Status: 503}, false, 75, "haulmail: work: sign in: device code: the provider answers 503", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			s.oauth.Break(c.fault)
			do := s.oauth.Approve
			if c.deny {
				do = s.oauth.Deny
			}
			r, _ := s.talk(t, s.typing(do), "login", "work")
			r.exits(t, c.code)
			first, rest, _ := strings.Cut(r.stderr, "\n")
			if !strings.HasPrefix(first, c.first) || !strings.Contains(rest, c.hint) {
				t.Error(r)
			}
			if _, err := os.Stat(s.tokenFile()); err == nil {
				t.Error("there is a token file")
			}
		})
	}
	t.Run("stopped", func(t *testing.T) {
		s.oauth.Break()
		interrupted := false
		r, _ := s.talk(t, func(shown string) string {
			if !interrupted && strings.Contains(shown, "Waiting") {
				interrupted = true
				return "\x03"
			}
			return ""
		}, "login", "work")
		r.exits(t, 130)
	})
}

// Nobody is waited for where there is no terminal.
func TestLoginWithoutATerminal(t *testing.T) {
	h := newHome(t, `
[defaults]
server = "127.0.0.1:9"
username = "me"
[account.work]
maildir = "a"
oauth = "corp"
[account.plain]
maildir = "b"
password = "secret"
[oauth.corp]
device_url = "http://127.0.0.1:9/device"
token_url = "http://127.0.0.1:9/token"
client_id = "haul"
`)
	for _, c := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{"login", "work"}, 64, "standard input is no terminal"},
		{[]string{"login"}, 64, "login needs one account"},
		{[]string{"login", "wrok"}, 64, `did you mean "work"`},
		{[]string{"login", "plain"}, 64, "there is nothing to sign in to"},
		{[]string{"fetch", "work"}, 77, "get the token: token file: nobody has signed in yet\n  hint: sign in with: haulmail login -c "},
		{[]string{"check", "--connect", "work"}, 77, "nobody has signed in yet"},
		{[]string{"list", "work"}, 77, "nobody has signed in yet"},
	} {
		if r := h.run(t, c.args...).exits(t, c.code); !strings.Contains(r.stderr, c.text) {
			t.Errorf("want %q: %v", c.text, r)
		}
	}
}

// What happens to a token later on.
func TestTokenLater(t *testing.T) {
	for _, c := range []struct {
		what   string
		oauth  *tokentest.Server
		happen func(*signing)
		code   int
		text   string
		more   int // refreshes
	}{
		{"good", &tokentest.Server{Lifetime: time.Hour}, func(*signing) {}, 0, "", 0},
		{"about to end", &tokentest.Server{Lifetime: time.Minute}, func(*signing) {}, 0, "", 1},
		{"about to end, rotating", &tokentest.Server{Lifetime: time.Minute, Rotate: true}, func(*signing) {}, 0, "", 1},
		{"refused by the mail server", &tokentest.Server{Lifetime: time.Hour}, func(s *signing) { s.oauth.Forget() }, 0, "", 1},
		{
			"revoked", &tokentest.Server{Lifetime: time.Hour}, func(s *signing) { s.oauth.Revoke() },
			77, "refresh: invalid_grant: this is the server's reason\n  hint: sign in with: haulmail login -c ", 0,
		},
		{
			"ended and revoked", &tokentest.Server{Lifetime: time.Second, Rotate: true}, func(s *signing) { s.oauth.Revoke(); time.Sleep(time.Second) },
			77, "get the token: refresh: invalid_grant", 0,
		},
		{
			"provider silent", &tokentest.Server{Lifetime: time.Second},
			func(s *signing) {
				s.oauth.Break(tokentest.Fault{At: "refresh", Silent: true})
				time.Sleep(time.Second)
			},
			75, "no answer in 2s", 0,
		},
		{
			"provider without end", &tokentest.Server{Lifetime: time.Second},
			func(s *signing) { s.oauth.Break(tokentest.Fault{At: "refresh", Huge: true}); time.Sleep(time.Second) },
			76, "the answer is longer than 1 MiB", 0,
		},
		{
			"no refresh token", &tokentest.Server{Lifetime: time.Second, Unrefreshing: true}, func(*signing) { time.Sleep(time.Second) },
			77, "the provider gave none to refresh it with", 0,
		},
		{
			"client thrown out", &tokentest.Server{Lifetime: time.Minute},
			func(s *signing) { s.oauth.Break(tokentest.Fault{At: "refresh", Code: "unauthorized_client"}) },
			78, "refresh: unauthorized_client", 0,
		},
		{
			"another one's mailbox", &tokentest.Server{Lifetime: time.Hour}, func(s *signing) { s.oauth.Rename("user2") },
			77, "hint: is username the mailbox that was signed in to", 1,
		},
		{
			"file damaged", &tokentest.Server{Lifetime: time.Hour}, func(s *signing) { _ = os.WriteFile(s.tokenFile(), nil, 0o600) },
			77, "is damaged\n  hint: sign in with", 0,
		},
		{
			"file readable by others", &tokentest.Server{Lifetime: time.Hour}, func(s *signing) { _ = os.Chmod(s.tokenFile(), 0o644) },
			78, "can be read by others\n  hint: chmod 600", 0,
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			patience := `timeout = "1m"`
			if c.code == 75 {
				patience = `timeout = "2s"` // of the row that waits for it
			}
			s := newSigning(t, c.oauth, patience)
			s.signIn(t)
			c.happen(s)
			r := s.run(t, "fetch", "work").exits(t, c.code)
			if !strings.Contains(r.stderr, c.text) || c.code == 0 && r.stderr != "" {
				t.Errorf("want %q: %v", c.text, r)
			}
			if n := c.oauth.Refreshes(); n != c.more {
				t.Errorf("%d refreshes, want %d: %v", n, c.more, r)
			}
			for _, secret := range []string{"hunter2", "access-", "refresh-"} {
				if strings.Contains(r.stdout+r.stderr, secret) {
					t.Errorf("a secret is shown: %v", r)
				}
			}
			if strings.Contains(s.run(t, "check", "--connect", "-vv").stderr, "access-") {
				t.Errorf("the dialogue shows the token")
			}
		})
	}
}

// Twenty runs that refresh at once, with tokens that serve once, leave one file with a pair of tokens that serve.
func TestRunsRefreshTogether(t *testing.T) {
	s := newSigning(t, &tokentest.Server{Lifetime: time.Hour, Rotate: true})
	s.signIn(t)
	s.oauth.Forget()
	s.binary = haulmailBinaryTB // twenty with the race detector would take the machine's memory
	const runs = 20
	results := make([]result, runs)
	var all sync.WaitGroup
	for i := range runs {
		cmd := s.command(t, "check", "--connect", "work")
		all.Go(func() { results[i] = runToEnd(t, cmd, []string{"check"}) })
	}
	all.Wait()
	for _, r := range results {
		if r.code != 0 && r.code != 75 { // the maildrop has one lock
			t.Error(r)
		}
	}
	if n := s.oauth.Refreshes(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	s.sound(t)
	s.run(t, "check", "--connect", "work").exits(t, 0)
}

// haulmailBinaryTB is haulmailBinary as a home's binary.
func haulmailBinaryTB(t testing.TB) string { return haulmailBinary(t) }

// sound fails the test unless the state folder has one good token file, and nothing half-written beside it.
func (s *signing) sound(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(s.tokenFile())
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(text, &kept); err != nil || !s.oauth.Good(kept.Access) || !s.oauth.Serves(kept.Refresh) {
		t.Errorf("the token file holds no good tokens (%v): %s", err, text)
	}
	files, err := filepath.Glob(s.state + "/{.,}*token*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if base := filepath.Base(name); base != "work.token" && base != "work.token.lock" {
			t.Errorf("%s is left", name)
		}
	}
}

// token_command gives a token to log in with, and is asked once more when that is refused.
func TestTokenCommand(t *testing.T) {
	s := newSigning(t, &tokentest.Server{Lifetime: time.Hour})
	s.signIn(t)
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	use := func(command string) {
		s.configure(t, strings.Replace(string(text), `oauth = "corp"`, fmt.Sprintf("token_command = %q", command), 1))
	}
	good := `sed -n 's/.*"access_token": "\(.*\)".*/\1/p' ` + s.tokenFile()
	use(good)
	s.run(t, "fetch", "work").exits(t, 0)
	use(`if [ -e asked ]; then ` + good + `; else touch asked; echo access-stale; fi`)
	if r := s.run(t, "check", "--connect", "work").exits(t, 0); r.stderr != "" {
		t.Error(r)
	}
	use("echo access-stale; echo x >> runs")
	r := s.run(t, "check", "--connect", "work").exits(t, 77)
	if strings.Contains(r.stderr, "access-") {
		t.Errorf("the token is shown: %v", r)
	}
	if runs, err := os.ReadFile(filepath.Join(s.dir, "runs")); err != nil || len(runs) != 4 {
		t.Errorf("the command ran for %q, %v: want twice", runs, err)
	}
	use("echo refresh failed >&2; exit 3")
	if r := s.run(t, "check", "--connect", "work").exits(t, 78); !strings.Contains(r.stderr, "get the token: token_command: exit status 3: refresh failed") {
		t.Error(r)
	}
}

// A password in the keyring of a real desktop, in a D-Bus session of its own.
func TestKeyring(t *testing.T) {
	need(t, "gnome-keyring-daemon", "gnome-keyring")
	session := need(t, "dbus-run-session", "dbus-bin dbus-daemon")
	pop := newDovecot(t, 1)
	box := pop.mailbox()
	password, err := os.ReadFile(pop.password)
	if err != nil {
		t.Fatal(err)
	}
	account := strings.Replace(box.account("work", "implicit", "never"), fmt.Sprintf("password_file = %q", pop.password), "password_keyring = true\npassword_timeout = \"5s\"", 1)
	h := newHome(t, account)
	if err := os.MkdirAll(filepath.Join(h.dir, "run"), 0o700); err != nil {
		t.Fatal(err)
	}

	// Under cron there is no session.
	r := h.run(t, "check", "--connect").exits(t, 78)
	if !strings.Contains(r.stderr, "no desktop session") || !strings.Contains(r.stderr, "\n  hint: ") {
		t.Error(r)
	}

	h.env = []string{"XDG_RUNTIME_DIR=" + filepath.Join(h.dir, "run"), "XDG_DATA_HOME=" + filepath.Join(h.dir, "data"), "GNOME_KEYRING_CONTROL="}
	// in runs the binary in a session whose keyring is open.
	in := func(script string) []string {
		return []string{session, "--", "sh", "-c", "printf keyring | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; " + script, "haulmail"}
	}
	h.among = in(`"$@"`)
	// A keyring that waits for its passphrase outlives its session: it goes with the group of the run.
	check := func() result {
		t.Helper()
		cmd := h.command(t, "check", "--connect")
		defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }()
		return runToEnd(t, cmd, []string{"check", "--connect"})
	}
	// The session's own daemons talk on standard error, too.
	r = check()
	for _, want := range []string{`password_keyring: the keyring has no password for the service "haulmail" and the user user1`, "put it there with: haulmail login"} {
		if r.code != 78 || !strings.Contains(r.stderr, want) {
			t.Errorf("want exit 78, %q: %v", want, r)
		}
	}
	typed := false
	r, shown := h.talk(t, func(shown string) string {
		if !typed && strings.Contains(shown, "Password of work") {
			typed = true
			time.Sleep(500 * time.Millisecond) // nobody types before the echo is off
			return string(password) + "\n"
		}
		return ""
	}, "login", "work")
	if r.code != 0 || r.stdout != "work: the password is in the keyring, under \"haulmail\"\n" || strings.Contains(shown, string(password)) {
		t.Fatal(r, shown)
	}
	if r := check(); r.code != 0 {
		t.Error(r)
	}

	// A keyring that is locked asks on the desktop; there nobody is, and nobody is waited for.
	h.among = []string{session, "--", "sh", "-c", `gnome-keyring-daemon --start --components=secrets >/dev/null 2>&1; "$@"`, "haulmail"}
	began := time.Now()
	r = check()
	if took := time.Since(began); took > 30*time.Second || r.code != 78 || !strings.Contains(r.stderr, "\n  hint: it may be locked: unlock it") {
		t.Errorf("a locked keyring: %v after %v", r, took)
	}
}
