package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/token"
	"haulmail/fetch/token/tokentest"
)

const clientSecret = "hunter2-client"

// lab is an account, its keeper and a provider.
type lab struct {
	*testing.T
	server  *tokentest.Server
	account *config.Account
	keeper  token.Keeper
	p       *config.Provider
}

func newLab(t *testing.T, s *tokentest.Server) *lab {
	t.Helper()
	s.ClientID, s.ClientSecret, s.User = "haul", clientSecret, "me"
	url, err := s.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	p := &config.Provider{
		Name: "corp", DeviceURL: url + tokentest.DevicePath, AuthURL: url + tokentest.AuthPath, TokenURL: url + tokentest.TokenPath,
		RedirectURL: "http://127.0.0.1", Scopes: []string{"pop"}, ClientID: s.ClientID, ClientSecret: config.NewSecret(s.ClientSecret),
	}
	return &lab{
		T: t, server: s, p: p,
		account: &config.Account{
			Name: "work", OAuth: "corp", Username: "me", Timeout: config.Duration(time.Minute), PasswordTimeout: config.Duration(time.Minute),
		},
		keeper: token.Keeper{
			Folder:    filepath.Join(t.TempDir(), "state"),
			Providers: map[string]*config.Provider{"corp": p},
			ClientSecret: func(_ context.Context, _ *config.Account, p *config.Provider) (config.Secret, error) {
				return p.ClientSecret, nil
			},
		},
	}
}

// approving is a person who does what they are asked to.
func (l *lab) approving() token.Person {
	return token.Person{
		ShowCode: func(_, code string, _ time.Time) {
			if !l.server.Approve(code) {
				l.Errorf("the code %q is none", code)
			}
		},
		ShowAddress: func(address string) { go l.browse(address) },
	}
}

// browse opens an address as a browser does, and gives the page.
func (l *lab) browse(address string) string {
	response, err := http.Get(address)
	if err != nil {
		l.Errorf("browser: %v", err)
		return ""
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		l.Errorf("browser: %v", err)
	}
	return string(page)
}

// signIn signs in by a browser, which is quicker than a code.
func (l *lab) signIn() {
	l.Helper()
	person := l.approving()
	person.Browser = true
	if _, err := l.keeper.SignIn(l.Context(), l.account, person); err != nil {
		l.Fatal(err)
	}
}

// kept is what the token file holds.
type kept struct {
	AccessToken  string    `json:"access_token"`
	RefreshToken string    `json:"refresh_token"`
	Expiry       time.Time `json:"expiry"`
}

func (l *lab) kept() kept {
	l.Helper()
	path := l.keeper.Path(l.account)
	info, err := os.Stat(path)
	if err != nil {
		l.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		l.Errorf("the token file has mode %v", info.Mode())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		l.Fatal(err)
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		l.Fatalf("%v in %q", err, text)
	}
	return k
}

// wantError demands an *Error of that step, kind and text, which shows no secret.
func (l *lab) wantError(err error, step string, kind token.Kind, text string) *token.Error {
	l.Helper()
	e, ok := errors.AsType[*token.Error](err)
	if !ok || e.Step != step || e.Kind != kind || !strings.Contains(err.Error(), text) {
		l.Fatalf("got %v (%+v), want step %q, kind %d, %q", err, e, step, kind, text)
	}
	for _, secret := range []string{"hunter2", "access-", "refresh-"} {
		if strings.Contains(err.Error()+e.Hint, secret) {
			l.Errorf("the error shows a secret: %v, hint %q", err, e.Hint)
		}
	}
	if strings.ContainsAny(err.Error()+e.Hint, "\x1b\n\x07") {
		l.Errorf("the error can steer a terminal: %q", err)
	}
	return e
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	for _, redirect := range []string{"http://127.0.0.1", "http://localhost", "http://127.0.0.1/done"} {
		l := newLab(t, &tokentest.Server{Lifetime: time.Hour})
		l.p.DeviceURL, l.p.RedirectURL = "", redirect
		pages := make(chan string, 1)
		person := token.Person{ShowAddress: func(address string) {
			if !strings.Contains(address, "login_hint=me") || !strings.Contains(address, "code_challenge=") {
				t.Errorf("address %q", address)
			}
			go func() { pages <- l.browse(address) }()
		}}
		if _, err := l.keeper.SignIn(t.Context(), l.account, person); err != nil {
			t.Fatal(err)
		}
		if page := <-pages; !strings.Contains(page, "you can close this page") {
			t.Errorf("page %q", page)
		}
		if got, err := l.keeper.Token(t.Context(), l.account); err != nil || !l.server.Good(got.Reveal()) {
			t.Errorf("token %q, %v", got.Reveal(), err)
		}
	}
}

// A browser on another machine ends at an address it cannot reach; that can be pasted.
func TestPastedAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		spoil func(string) string
		kind  token.Kind
		why   string
	}{
		{func(s string) string { return " " + s + "\n" }, 0, ""},
		{func(string) string { return "http://127.0.0.1/?code=x&state=y" }, token.SignedOut, "what was pasted is not the address"},
		{func(string) string { return "%" }, token.SignedOut, "what was pasted is not the address"},
		{func(s string) string { return strings.Replace(s, "code=", "kode=", 1) }, token.Malformed, "neither a code nor an error"},
	} {
		l := newLab(t, &tokentest.Server{Lifetime: time.Hour})
		shown := make(chan string, 1)
		person := token.Person{
			Browser:     true,
			ShowAddress: func(address string) { shown <- address },
			Paste: func(context.Context) (string, error) {
				stay := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
				response, err := stay.Get(<-shown)
				if err != nil {
					return "", err
				}
				response.Body.Close()
				return c.spoil(response.Header.Get("Location")), nil
			},
		}
		_, err := l.keeper.SignIn(t.Context(), l.account, person)
		if c.why == "" && err != nil {
			t.Error(err)
		} else if c.why != "" {
			l.wantError(err, token.StepSignIn, c.kind, c.why)
		}
	}
}

// Who is not sent by the provider changes nothing.
func TestStrangerAtTheRedirect(t *testing.T) {
	t.Parallel()
	l := newLab(t, &tokentest.Server{Lifetime: time.Hour})
	l.p.DeviceURL = ""
	person := token.Person{ShowAddress: func(address string) {
		_, to, _ := strings.Cut(address, "redirect_uri=http%3A%2F%2F")
		to, _, _ = strings.Cut(to, "&")
		host := strings.NewReplacer("%3A", ":", "%2F", "").Replace(to)
		go func() {
			for _, path := range []string{"/?code=stolen&state=x", "/?error=access_denied", "/favicon.ico"} {
				if page := l.browse("http://" + host + path); !strings.Contains(page, "not the page") {
					t.Errorf("%s gives %q", path, page)
				}
			}
			l.browse(address)
		}()
	}}
	if _, err := l.keeper.SignIn(t.Context(), l.account, person); err != nil {
		t.Error(err)
	}
}

// Every way in which signing in fails names its step, and what the provider said.
func TestSignInFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what    string
		fault   tokentest.Fault
		browser bool
		step    string
		kind    token.Kind
		why     string
		hint    string
	}{
		{"unknown client", tokentest.Fault{At: "device", Code: "invalid_client", Description: "AADSTS7000218: \x1b[2Jno"}, false, "device code", token.Misconfigured, `invalid_client: AADSTS7000218: \x1b[2Jno`, "client_id"},
		{"wrong scope", tokentest.Fault{At: "device", Code: "invalid_scope"}, false, "device code", token.Misconfigured, "invalid_scope", "scopes"},
		{"no device codes", tokentest.Fault{At: "device", Code: "invalid_request"}, false, "device code", token.Misconfigured, "invalid_request", "--browser"},
		{"device not JSON", tokentest.Fault{At: "device", Body: "<html>"}, false, "device code", token.Malformed, "not what OAuth asks for", "device_url"},
		{"device lacks codes", tokentest.Fault{At: "device", Body: `{"user_code":"A"}`}, false, "device code", token.Malformed, "lacks a code", "device_url"},
		{"device address no address", tokentest.Fault{At: "device", Body: `{"device_code":"A","user_code":"A","verification_uri":"javascript:x"}`}, false, "device code", token.Malformed, "lacks a code, or the address", ""},
		{"device has no end", tokentest.Fault{At: "device", Huge: true}, false, "device code", token.Malformed, "longer than 1 MiB", ""},
		{"device 404", tokentest.Fault{At: "device", Status: 404, Body: "no"}, false, "device code", token.Malformed, "404 Not Found", "device_url"},
		{"device 503", tokentest.Fault{At: "device", Status: 503}, false, "device code", token.Temporary, "503", ""},
		{"device redirects", tokentest.Fault{At: "device", Status: 302}, false, "device code", token.Malformed, "302", ""},
		{"device dropped", tokentest.Fault{At: "device", Drop: true}, false, "device code", token.Temporary, "EOF", ""},
		{"denied", tokentest.Fault{At: "token", Code: "access_denied", Description: strings.Repeat("x", 1000)}, false, "token", token.SignedOut, "access_denied: " + strings.Repeat("x", 300) + "…", ""},
		{"expired", tokentest.Fault{At: "token", Code: "expired_token"}, false, "token", token.SignedOut, "expired_token", ""},
		{"token not JSON", tokentest.Fault{At: "token", Body: "{"}, false, "token", token.Malformed, "not what OAuth asks for", "token_url"},
		{"token empty", tokentest.Fault{At: "token", Body: "{}"}, false, "token", token.Malformed, "missing access_token", ""},
		{"token with controls", tokentest.Fault{At: "token", Body: `{"access_token":"access-\u0001auth="}`}, false, "token", token.Malformed, "is no token", ""},
		{"token without end", tokentest.Fault{At: "token", Huge: true}, false, "token", token.Malformed, "longer than 1 MiB", ""},
		{"token as an error of 200", tokentest.Fault{At: "token", Status: 200, Code: "invalid_client"}, false, "token", token.Misconfigured, "invalid_client", ""},
		{"secrets come back", tokentest.Fault{At: "token", Code: "invalid_client", Echo: true}, false, "token", token.Misconfigured, "client_secret=[…]", ""},
		{"browser denied", tokentest.Fault{At: "auth", Code: "access_denied", Description: "she said no"}, true, "sign-in", token.SignedOut, "access_denied: she said no", ""},
		{"browser wrong scope", tokentest.Fault{At: "auth", Code: "invalid_scope"}, true, "sign-in", token.Misconfigured, "invalid_scope", "scopes"},
		{"code refused", tokentest.Fault{At: "token", Code: "invalid_grant", Echo: true}, true, "token", token.SignedOut, "invalid_grant", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &tokentest.Server{Faults: []tokentest.Fault{c.fault}})
			person := l.approving()
			person.Browser = c.browser
			_, err := l.keeper.SignIn(t.Context(), l.account, person)
			if e := l.wantError(err, c.step, c.kind, c.why); !strings.Contains(e.Hint, c.hint) {
				t.Errorf("hint %q, want %q", e.Hint, c.hint)
			}
			if _, err := os.Stat(l.keeper.Path(l.account)); err == nil {
				t.Error("there is a token file")
			}
		})
	}
}

// What leads elsewhere is not followed: a 307 would have the secrets sent there.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for at, step := range map[string]string{
		tokentest.AtDevice: token.StepDevice, tokentest.AtToken: token.StepToken, tokentest.AtRefresh: token.StepRefresh,
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				t.Errorf("%s %s came elsewhere", r.Method, r.URL)
			}))
			defer elsewhere.Close()
			l := newLab(t, &tokentest.Server{Lifetime: time.Minute})
			if at == tokentest.AtRefresh {
				l.signIn()
			}
			l.server.Break(tokentest.Fault{At: at, Status: http.StatusTemporaryRedirect, Location: elsewhere.URL})
			var err error
			if at == tokentest.AtRefresh {
				_, err = l.keeper.Renew(t.Context(), l.account, config.NewSecret(l.kept().AccessToken))
			} else {
				person := l.approving()
				person.Browser = at == tokentest.AtToken
				_, err = l.keeper.SignIn(t.Context(), l.account, person)
			}
			l.wantError(err, step, token.Malformed, "307")
		})
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	for at, step := range map[string]string{tokentest.AtDevice: token.StepDevice, tokentest.AtToken: token.StepToken} {
		l := newLab(t, &tokentest.Server{Faults: []tokentest.Fault{{At: at, Silent: true}}})
		l.account.Timeout = config.Duration(2 * time.Second)
		person := l.approving()
		person.Browser = at == tokentest.AtToken
		_, err := l.keeper.SignIn(t.Context(), l.account, person)
		l.wantError(err, step, token.Temporary, "no answer in 2s")
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	for _, rotate := range []bool{false, true} {
		l := newLab(t, &tokentest.Server{Lifetime: time.Minute, Rotate: rotate}) // shorter than the margin: refreshed each time
		l.signIn()
		first := l.kept()
		for n := 1; n <= 3; n++ {
			got, err := l.keeper.Token(t.Context(), l.account)
			if err != nil || !l.server.Good(got.Reveal()) || l.server.Refreshes() != n {
				t.Fatalf("rotate %v: token %q, %v, %d refreshes", rotate, got.Reveal(), err, l.server.Refreshes())
			}
		}
		last := l.kept()
		if last.AccessToken == first.AccessToken || (last.RefreshToken != first.RefreshToken) != rotate || !l.server.Serves(last.RefreshToken) {
			t.Errorf("rotate %v: kept %+v, first %+v", rotate, last, first)
		}
	}
}

// A token without an end is used until a server refuses it.
func TestRenew(t *testing.T) {
	t.Parallel()
	l := newLab(t, &tokentest.Server{Rotate: true})
	l.signIn()
	old, err := l.keeper.Token(t.Context(), l.account)
	if err != nil || l.server.Refreshes() != 0 {
		t.Fatal(err, l.server.Refreshes())
	}
	l.server.Forget()
	fresh, err := l.keeper.Renew(t.Context(), l.account, old)
	if err != nil || !l.server.Good(fresh.Reveal()) || l.server.Refreshes() != 1 {
		t.Fatalf("token %q, %v, %d refreshes", fresh.Reveal(), err, l.server.Refreshes())
	}
	again, err := l.keeper.Renew(t.Context(), l.account, old) // another run was refused the same one
	if err != nil || again.Reveal() != fresh.Reveal() || l.server.Refreshes() != 1 {
		t.Errorf("token %q, %v, %d refreshes", again.Reveal(), err, l.server.Refreshes())
	}
}

func TestRefreshFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what  string
		fault tokentest.Fault
		kind  token.Kind
		why   string
	}{
		{"revoked", tokentest.Fault{Code: "invalid_grant", Description: "Token has been expired or revoked.", Echo: true}, token.SignedOut, "invalid_grant: Token has been expired or revoked."},
		{"an error of its own", tokentest.Fault{Code: "bad_verification"}, token.SignedOut, "bad_verification"},
		{"client thrown out", tokentest.Fault{Code: "invalid_client", Status: 401}, token.Misconfigured, "invalid_client"},
		{"away", tokentest.Fault{Code: "temporarily_unavailable", Status: 503}, token.Temporary, "temporarily_unavailable"},
		{"broken", tokentest.Fault{Status: 502, Body: "<html>"}, token.Temporary, "502 Bad Gateway"},
		{"busy", tokentest.Fault{Status: 429}, token.Temporary, "429"},
		{"not JSON", tokentest.Fault{Body: "<html>", Type: "text/html"}, token.Malformed, "not what OAuth asks for"},
		{"without end", tokentest.Fault{Huge: true}, token.Malformed, "longer than 1 MiB"},
		{"dropped", tokentest.Fault{Drop: true}, token.Temporary, "EOF"},
		{"silent", tokentest.Fault{Silent: true}, token.Temporary, "no answer in 500ms"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &tokentest.Server{Lifetime: time.Minute})
			l.signIn()
			before := l.kept()
			if c.fault.Silent {
				l.account.Timeout = config.Duration(500 * time.Millisecond)
			}
			c.fault.At = tokentest.AtRefresh
			l.server.Break(c.fault)
			// What passes is no failure as long as the old token is good.
			got, err := l.keeper.Token(t.Context(), l.account)
			if c.kind == token.Temporary {
				if err != nil || got.Reveal() != before.AccessToken {
					t.Fatalf("token %q, %v", got.Reveal(), err)
				}
			} else {
				l.wantError(err, token.StepRefresh, c.kind, c.why)
			}
			_, err = l.keeper.Renew(t.Context(), l.account, config.NewSecret(before.AccessToken))
			l.wantError(err, token.StepRefresh, c.kind, c.why)
			if after := l.kept(); after != before {
				t.Errorf("the token file has changed: %+v, before %+v", after, before)
			}
		})
	}
}

// A file that cannot serve says what to do, and asks no provider.
func TestTokenFile(t *testing.T) {
	t.Parallel()
	good := `{"v":1,"provider":"corp","client_id":"haul","access_token":"x"}`
	for _, c := range []struct {
		what, text string
		mode       os.FileMode
		kind       token.Kind
		why        string
	}{
		{"good", good, 0o600, 0, ""},
		{"missing", "", 0, token.SignedOut, "nobody has signed in yet"},
		{"readable", good, 0o644, token.Misconfigured, "can be read by others"},
		{"empty", "", 0o600, token.SignedOut, "is damaged"},
		{"cut off", good[:30], 0o600, token.SignedOut, "is damaged"},
		{"of a later version", strings.Replace(good, "1", "2", 1), 0o600, token.SignedOut, "is damaged"},
		{"no token", strings.Replace(good, `"x"`, `""`, 1), 0o600, token.SignedOut, "is damaged"},
		{"controls", strings.Replace(good, `"x"`, `"x\u0001"`, 1), 0o600, token.SignedOut, "is damaged"},
		{"another provider", strings.Replace(good, "corp", "google", 1), 0o600, token.SignedOut, "another provider, or to another client"},
		{"another client", strings.Replace(good, "haul", "mutt", 1), 0o600, token.SignedOut, "another provider, or to another client"},
		{"ended", strings.Replace(good, "}", `,"expiry":"2020-01-01T00:00:00Z"}`, 1), 0o600, token.SignedOut, "gave none to refresh it with"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &tokentest.Server{})
			if c.mode != 0 {
				if err := os.MkdirAll(l.keeper.Folder, 0o700); err != nil {
					t.Fatal(err)
				}
				path := l.keeper.Path(l.account)
				if err := errors.Join(os.WriteFile(path, []byte(c.text), c.mode), os.Chmod(path, c.mode)); err != nil { // whatever the umask
					t.Fatal(err)
				}
			}
			got, err := l.keeper.Token(t.Context(), l.account)
			if c.why == "" {
				if err != nil || got.Reveal() != "x" {
					t.Errorf("token %q, %v", got.Reveal(), err)
				}
				return
			}
			step := token.StepStore
			if c.what == "ended" {
				step = token.StepRefresh
			}
			l.wantError(err, step, c.kind, c.why)
		})
	}
}

// Many at once refresh once: the others read what the first has written.
func TestTogether(t *testing.T) {
	t.Parallel()
	l := newLab(t, &tokentest.Server{Lifetime: time.Hour, Rotate: true})
	l.signIn()
	old := l.kept()
	l.server.Forget()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got, err := l.keeper.Renew(t.Context(), l.account, config.NewSecret(old.AccessToken))
			if err != nil || !l.server.Good(got.Reveal()) {
				t.Errorf("token %q, %v", got.Reveal(), err)
			}
		})
	}
	all.Wait()
	if n := l.server.Refreshes(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

// Secrets go only where the certificate is trusted.
func TestCertificate(t *testing.T) {
	t.Parallel()
	asked := false
	stranger := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer stranger.Close()
	l := newLab(t, &tokentest.Server{})
	l.p.DeviceURL = stranger.URL
	_, err := l.keeper.SignIn(t.Context(), l.account, l.approving())
	l.wantError(err, token.StepDevice, token.Unavailable, "certificate")
	if asked {
		t.Error("something was sent all the same")
	}
}
