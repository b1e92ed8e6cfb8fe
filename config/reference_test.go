package config_test

import (
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"haulmail/config"
)

// ownerOnly is the mode of a file that may hold a password.
const ownerOnly = fs.FileMode(0o600)

// load parses text as a file of its owner.
func load(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("/etc/haulmail.toml", "/home/me", []byte(text), ownerOnly)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return c
}

// withKey gives the least file that has the key, set to value; to nothing for "".
func withKey(k config.Key, value string) string {
	tables := map[string][]string{
		"":                  nil,
		config.TableAccount: {`server = "pop.example.org"`, `username = "me"`, `maildir = "/mail"`},
		config.TableOAuth:   {`client_id = "1"`},
	}
	tables[k.Table] = slices.DeleteFunc(tables[k.Table], func(line string) bool { return value != "" && strings.HasPrefix(line, k.Name+" ") })
	if value != "" {
		tables[k.Table] = append(tables[k.Table], k.Name+" = "+value)
	}
	switch k.Name { // what other keys need to make sense
	case "tls_client_key":
		tables[k.Table] = append(tables[k.Table], `tls_client_cert = "cert.pem"`)
	case "redirect_url":
		tables[k.Table] = append(tables[k.Table], `auth_url = "https://example.org"`)
	}
	text := func(table string) string { return strings.Join(tables[table], "\n") + "\n" }
	return text("") + "[account.one]\n" + text(config.TableAccount) + "[oauth.microsoft]\n" + text(config.TableOAuth)
}

// Every key of the reference is read: its example changes something, its default nothing, and each of its words is taken.
func TestReferenceIsRead(t *testing.T) {
	for _, k := range config.Reference() {
		t.Run(k.Table+"."+k.Name, func(t *testing.T) {
			least := load(t, withKey(k, ""))
			if reflect.DeepEqual(load(t, withKey(k, k.Example)), least) {
				t.Errorf("the example %s changes nothing", k.Example)
			}
			if k.Default != "" && k.Table != config.TableOAuth && !reflect.DeepEqual(load(t, withKey(k, k.Default)), least) {
				t.Errorf("the default %s changes something", k.Default)
			}
			for _, w := range k.Words {
				text := withKey(k, fmt.Sprintf("%q", w))
				if w == "external" {
					text = strings.Replace(text, "auth =", "tls_client_cert = \"cert.pem\"\nauth =", 1)
				}
				load(t, text)
			}
		})
	}
}

// What the reference says of a key is a sentence, says what it takes, and its groups are in one piece.
func TestReferenceIsTold(t *testing.T) {
	var groups []string
	for _, k := range config.Reference() {
		if k.Meaning == "" || !strings.HasSuffix(k.Meaning, ".") || k.Values() == "" || k.Example == "" {
			t.Errorf("%q: meaning %q, values %q, example %q", k.Name, k.Meaning, k.Values(), k.Example)
		}
		if (k.Group != "") != (k.Table == config.TableAccount) {
			t.Errorf("%q is of group %q", k.Name, k.Group)
		}
		if len(groups) > 0 && groups[len(groups)-1] == k.Group {
			continue
		}
		if k.Group != "" && slices.Contains(groups, k.Group) {
			t.Errorf("%q is apart from the rest of %q", k.Name, k.Group)
		}
		groups = append(groups, k.Group)
	}
}

func TestExample(t *testing.T) {
	if got := parse(t, config.Example()).Names(); !slices.Equal(got, []string{"personal"}) {
		t.Errorf("accounts %q", got)
	}
	for i, line := range strings.Split(config.Example(), "\n") {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("line %d has %d columns", i+1, n)
		}
	}
}

// A person takes away the "# " in front of the other accounts.
func TestExampleWithEachAccount(t *testing.T) {
	blocks := regexp.MustCompile(`(?m)^# \[account\..*\n(?:# .*\n)+`)
	text := blocks.ReplaceAllStringFunc(config.Example(), func(block string) string {
		return strings.ReplaceAll("\n"+block, "\n# ", "\n")
	})
	c := parse(t, text)
	if got := c.Names(); !slices.Equal(got, []string{"personal", "work", "me@qq.com", "office", "test"}) {
		t.Errorf("accounts %q", got)
	}
	for _, a := range c.Accounts {
		if a.SecretKey() == "" {
			t.Errorf("account %s has no password", a.Name)
		}
	}
}

// A person takes away one "#": the file loads, whichever it is. All keys are there.
func TestExampleWithEachKey(t *testing.T) {
	lines := strings.Split(config.Example(), "\n")
	var found []string
	for i, line := range lines {
		m := regexp.MustCompile(`^#?([a-z_]+) += `).FindStringSubmatch(line)
		if m == nil {
			continue
		}
		found = append(found, m[1])
		if line[0] != '#' {
			continue
		}
		t.Run(m[1], func(t *testing.T) {
			changed := slices.Clone(lines)
			changed[i] = line[1:]
			if m[1] == "tls_client_key" {
				changed[i] += "\ntls_client_cert = \"me.pem\""
			}
			load(t, strings.Join(changed, "\n"))
		})
	}
	for _, k := range config.Reference() {
		if !slices.Contains(found, k.Name) {
			t.Errorf("the example lacks %s", k.Name)
		}
	}
}

// The README's tables have every key, with its default.
func TestReadmeHasEveryKey(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{} // by a key in the first cell
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z_0-9]+)`").FindAllStringSubmatch(cells[1], -1) {
			rows[m[1]] = cells
		}
	}
	for _, k := range config.Reference() {
		if k.Table != config.TableAccount {
			if !strings.Contains(string(text), "`"+k.Name+"`") {
				t.Errorf("the README does not tell of %s", k.Name)
			}
			continue
		}
		cells := rows[k.Name]
		if cells == nil {
			t.Errorf("the README has no row for %s", k.Name)
			continue
		}
		if fallback := strings.Trim(k.Default, `"`); len(cells) == 5 && fallback != "" && !strings.Contains(cells[3], fallback) {
			t.Errorf("the README's default of %s is %q, not %q", k.Name, cells[3], fallback)
		}
	}
}
