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
