package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"haulmail/config"
)

// explain loads text from a file of its owner.
func explain(t *testing.T, file, text string) (*config.Config, *config.Origins) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, origins, err := config.Explain(file, "/home/me")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return c, origins
}

// setting gives the one of a key, in the only table of its kind.
func setting(c *config.Config, origins *config.Origins, k config.Key) (s config.Setting, ok bool) {
	all := origins.File(c)
	switch k.Table {
	case config.TableAccount:
		all = origins.Account(c.Accounts[0])
	case config.TableOAuth:
		all = origins.Provider(c.Providers["microsoft"])
	}
	i := slices.IndexFunc(all, func(s config.Setting) bool { return s.Key.Name == k.Name })
	if i < 0 {
		return config.Setting{}, false
	}
	return all[i], true
}

// Each key is shown with the line that it stands in, and written as it is shown it says the same as before.
func TestOrigins(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	for _, k := range config.Reference() {
		t.Run(k.Table+"."+k.Name, func(t *testing.T) {
			text := withKey(k, k.Example)
			c, origins := explain(t, file, text)
			s, ok := setting(c, origins, k)
			if !ok {
				t.Fatal("not shown")
			}
			if line := strings.Split(text, "\n")[max(s.Line-1, 0)]; s.From != config.FromFile || !strings.HasPrefix(line, k.Name+" =") {
				t.Errorf("from %d, line %d: %q", s.From, s.Line, line)
			}
			if again, _ := explain(t, file, withKey(k, s.TOML())); s.Value != "[secret]" && !reflect.DeepEqual(again, c) {
				t.Errorf("%s is shown as %s, which is something else", k.Example, s.TOML())
			}
			c, origins = explain(t, file, withKey(k, ""))
			if s, ok := setting(c, origins, k); ok && !k.Required && (s.From != config.FromDefault || s.Line != 0) {
				t.Errorf("not set, and shown as %s from %d, line %d", s.TOML(), s.From, s.Line)
			} else if !ok && k.Default != "" && k.Name != "netrc" {
				t.Error("the default is not shown")
			}
		})
	}
}

func TestOriginsOfDefaults(t *testing.T) {
	c, origins := explain(t, filepath.Join(t.TempDir(), "config.toml"), `
jobs = 3
account.dotted = { server = "pop.example.org", username = "me", "maildir" = "/mail", proxy_command = [ "nc", "-X", "\u001b" ], tls = "starttls" }
[defaults]
tls_ca_file = "/ca.pem"
timeout = "2m"
password = "hunter2"
proxy = "http://me:hunter2@proxy.example.org:3128"
[account.own]
server = "[2001:db8::1]"
username = "you"
maildir = "~/you"
tls_trust = "first-use"
password_file = "/you"
`)
	shown := func(settings []config.Setting) []string {
		var all []string
		for _, s := range settings {
			from := map[config.From]string{config.FromFile: "", config.FromDefaults: " by default"}
			if text, ok := from[s.From]; ok {
				all = append(all, fmt.Sprintf("%d: %s = %s%s", s.Line, s.Key.Name, s.TOML(), text))
			}
		}
		return all
	}
	for name, want := range map[string][]string{
		"": {`2: jobs = 3`},
		"own": {
			`10: server = "[2001:db8::1]:995"`, `13: tls_trust = "first-use"`, `6: timeout = "2m" by default`,
			`8: proxy = "http://me:[secret]@proxy.example.org:3128" by default`, `11: username = "you"`, `14: password_file = "/you"`,
			`12: maildir = "/home/me/you"`,
		},
		"dotted": {
			`3: server = "pop.example.org:110"`, `3: tls = "starttls"`, `5: tls_ca_file = "/ca.pem" by default`, `6: timeout = "2m" by default`,
			`3: proxy_command = ["nc", "-X", "\u001b"]`, `3: username = "me"`, `7: password = "[secret]" by default`, `3: maildir = "/mail"`,
		},
	} {
		got := shown(origins.File(c))
		if name != "" {
			got = shown(origins.Account(c.Account(name)))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q\nwant %q", name, got, want)
		}
	}
}
