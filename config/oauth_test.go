package config_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"haulmail/config"
)

// Each way to a password or token is read, and known by its key.
func TestWaysToASecret(t *testing.T) {
	for _, c := range []struct {
		line, key string
		want      config.Password
		token     bool
	}{
		{``, "", config.Password{}, false},
		{`password_credential = "mail"`, "password_credential", config.Password{Credential: "mail"}, false},
		{`password_keyring = true`, "password_keyring", config.Password{Keyring: "haulmail"}, false},
		{`password_keyring = "mutt"`, "password_keyring", config.Password{Keyring: "mutt"}, false},
		{`password_keyring = false`, "", config.Password{}, false},
		{`netrc = true`, "netrc", config.Password{Netrc: true}, false},
		{`netrc = false`, "", config.Password{}, false},
		{`token_command = "oama access me"`, "token_command", config.Password{TokenCommand: config.Command{Shell: "oama access me"}}, true},
		{`token_command = ["oama", "access"]`, "token_command", config.Password{TokenCommand: config.Command{Args: []string{"oama", "access"}}}, true},
	} {
		a := parse(t, work+c.line+"\n[defaults]\n").Account("work")
		if !reflect.DeepEqual(a.Password, c.want) || a.SecretKey() != c.key || a.ByToken() != c.token {
			t.Errorf("%s: %+v, key %q, by token %v", c.line, a.Password, a.SecretKey(), a.ByToken())
		}
	}
}

// An account's own way replaces the default's, whichever the two are.
func TestOwnWayToASecret(t *testing.T) {
	c := parse(t, `
[oauth.google]
client_id = "me"
[defaults]
oauth = "google"
password_timeout = "5s"
[account.inherits]
server = "pop.gmail.com"
username = "a"
maildir = "a"
[account.own]
server = "pop.example.org"
username = "b"
maildir = "b"
netrc = true
[account.none]
server = "pop.example.org"
username = "c"
maildir = "c"
netrc = false
`)
	for name, key := range map[string]string{"inherits": "oauth", "own": "netrc", "none": ""} {
		if a := c.Account(name); a.SecretKey() != key || a.PasswordTimeout != config.Duration(5*time.Second) {
			t.Errorf("%s: key %q, time-out %v", name, a.SecretKey(), a.PasswordTimeout)
		}
	}
}

func TestProviders(t *testing.T) {
	c := parse(t, work+`
oauth = "corp"
[oauth.corp]
device_url = "https://login.corp.example/device"
auth_url = "http://127.0.0.1:8080/auth?tenant=1"
token_url = "http://[::1]:8080/token"
redirect_url = "http://localhost:4711/done"
scopes = ["pop", "offline_access"]
client_id = "haul"
client_secret = "hunter2"
[oauth.microsoft]
client_id = "me"
client_secret_command = "pass show client"
[oauth.google]
client_id = "me"
scopes = "a b"
`)
	want := &config.Provider{
		Name: "corp", DeviceURL: "https://login.corp.example/device", AuthURL: "http://127.0.0.1:8080/auth?tenant=1",
		TokenURL: "http://[::1]:8080/token", RedirectURL: "http://localhost:4711/done", Scopes: []string{"pop", "offline_access"},
		ClientID: "haul", ClientSecret: config.NewSecret("hunter2"),
	}
	if got := c.Providers["corp"]; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	ms := c.Providers["microsoft"]
	if ms.DeviceURL == "" || ms.RedirectURL != "http://localhost" || !slices.Contains(ms.Scopes, "offline_access") || ms.ClientSecretCommand.Shell != "pass show client" {
		t.Errorf("microsoft: %+v", ms)
	}
	google := c.Providers["google"]
	if google.DeviceURL != "" || google.AuthURL == "" || !slices.Equal(google.Scopes, []string{"a", "b"}) {
		t.Errorf("google: %+v", google)
	}
	if a := c.Account("work"); a.OAuth != "corp" || !a.ByToken() {
		t.Errorf("oauth %q", a.OAuth)
	}
	// What a file says of a known provider stays in that file.
	if again := parse(t, work+"[oauth.google]\nclient_id = \"x\"\n").Providers["google"]; !slices.Equal(again.Scopes, []string{"https://mail.google.com/"}) {
		t.Errorf("google: %+v", again)
	}
}
