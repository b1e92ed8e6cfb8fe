package config_test

import (
	"testing"

	"haulmail/config"
)

func TestAuth(t *testing.T) {
	for text, want := range map[string]config.Auth{
		work:                           config.AuthAuto,
		work + "auth = \"auto\"\n":     config.AuthAuto,
		work + "auth = \"userpass\"\n": config.AuthUserPass,
		work + "auth = \"cram-md5\"\ntls = \"none\"\n":                   config.AuthCRAMMD5,
		work + "auth = \"scram-sha-1-plus\"\n":                           config.AuthSCRAMSHA1Plus,
		"[defaults]\nauth = \"xoauth2\"\n" + work:                        config.AuthXOAUTH2,
		"[defaults]\nauth = \"xoauth2\"\n" + work + "auth = \"plain\"\n": config.AuthPlain,
		work + "auth = \"external\"\ntls_client_cert = \"me.pem\"\n":     config.AuthExternal,
	} {
		a := parse(t, text).Accounts[0]
		if a.Auth != want || a.NeedsSecret() != (want != config.AuthExternal) {
			t.Errorf("got %v, needs a secret: %v, want %v\n%s", a.Auth, a.NeedsSecret(), want, text)
		}
	}
}

// Where the way is left open, a certificate is enough, unless a password is named as well, or nothing can show the certificate.
func TestNeedsSecret(t *testing.T) {
	const cert = "tls_client_cert = \"me.pem\"\n"
	for text, want := range map[string]bool{
		work + cert: false,
		work + cert + "password_env = \"PASSWORD\"\n":             true,
		work + cert + "auth = \"plain\"\n":                        true,
		work + cert + "tls = \"none\"\n":                          true,
		"[defaults]\npassword_env = \"PASSWORD\"\n" + work + cert: true,
	} {
		if a := parse(t, text).Accounts[0]; a.NeedsSecret() != want {
			t.Errorf("needs a secret: %v, want %v\n%s", !want, want, text)
		}
	}
}

func TestByToken(t *testing.T) {
	for _, row := range []struct {
		account config.Account
		want    bool
	}{
		{config.Account{}, false},
		{config.Account{Password: config.Password{Command: config.Command{Shell: "x"}}}, false},
		{config.Account{Password: config.Password{TokenCommand: config.Command{Shell: "x"}}}, true},
		{config.Account{OAuth: "google"}, true},
	} {
		if row.account.ByToken() != row.want {
			t.Errorf("%+v: want %v", row.account, row.want)
		}
	}
}
