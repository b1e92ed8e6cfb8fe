package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"haulmail/config/nearest"
)

var (
	passwordKeys = []string{
		KeyPassword, KeyPasswordCommand, KeyPasswordFile, KeyPasswordEnv, KeyPasswordCredential, KeyPasswordKeyring, KeyNetrc, KeyOAuth, KeyTokenCommand,
	}
	tableKeys = []string{"defaults", "account", "oauth"}
)

// habits are keys of other programs, and what to write for them here.
var habits = map[string]string{
	"host":     `write it as server = "pop.example.org"`,
	"port":     `write it behind the host: server = "pop.example.org:995"`,
	"user":     `write it as username = "me@example.org"`,
	"login":    `write it as username = "me@example.org"`,
	"ssl":      `write tls = "implicit", "starttls" or "none"`,
	"starttls": `write tls = "starttls"`,
	"limit":    `write max_messages = 100, or max_size = "25MB"`,
	"keep":     `write delete = "never", "fetched" or an age such as "14d"`,
	"path":     `write it as maildir = "~/Mail/work"`,
	"folder":   `write it as maildir = "~/Mail/work"`,
}

// config reads the whole document.
func (d *document) config() *Config {
	c := &Config{File: d.file, Jobs: defaultJobs, PerServer: defaultPerServer}
	for _, k := range fileKeys {
		if v, ok := d.root[k.Name]; ok {
			k.read(d, v, c)
		}
	}
	c.Providers = d.providers()
	base := newAccount()
	var defaults table
	if v, ok := d.root["defaults"]; ok {
		if defaults, ok = d.table(v, "write [defaults] on a line of its own, and the keys below it"); ok {
			d.readKeys(defaults, &base, "in [defaults]")
		}
	}
	c.Accounts = d.accounts(base, defaults)
	d.unknownKeys(d.root, slices.Concat(fileKeyNames(), tableKeys), "above the tables")
	return c
}

// newAccount is an account of which nothing is said.
func newAccount() Account {
	return Account{Timeout: defaultTimeout, PasswordTimeout: defaultPasswordTimeout, Retries: defaultRetries}
}

// accounts reads the [account.NAME] tables in the order of the file.
func (d *document) accounts(base Account, defaults table) []*Account {
	const hint = `an account is a table: [account.work], below it at least server, username and maildir`
	v, ok := d.root["account"]
	if !ok {
		if !d.unknownTable() {
			d.errs = append(d.errs, newError(d.file, d.text, span{}, "the file has no account", hint))
		}
		return nil
	}
	tables, ok := d.table(v, hint)
	if !ok {
		return nil
	}
	if len(tables) == 0 {
		d.failKey(v, "the file has no account", hint)
	}
	var all []*Account
	var heads []value
	for _, name := range d.order(tables) {
		keys, ok := d.table(tables[name], hint)
		if !ok {
			continue
		}
		all = append(all, d.account(tables[name], keys, base, defaults))
		heads = append(heads, tables[name])
	}
	d.checkDistinct(all, heads)
	return all
}

// unknownTable reports whether a table of an unknown name stands at the top:
// most likely [acount.work], so that "no account" would only distract.
func (d *document) unknownTable() bool {
	for name, v := range d.root {
		if _, ok := v.data.(map[string]any); ok && !slices.Contains(tableKeys, name) {
			return true
		}
	}
	return false
}

// order gives the names of the accounts in the order of the file.
func (d *document) order(tables table) []string {
	var names []string
	listed := make(map[string]bool, len(tables))
	for _, path := range d.md.Keys() {
		if len(path) >= 2 && path[0] == "account" && !listed[path[1]] {
			listed[path[1]] = true
			names = append(names, path[1])
		}
	}
	return names
}

// account reads one account on top of the defaults.
func (d *document) account(head value, keys table, base Account, defaults table) *Account {
	a := base
	a.Name = head.key()
	d.checkName(head)
	if slices.ContainsFunc(passwordKeys, keys.has) {
		a.Password, a.OAuth = Password{}, "" // any way to the password replaces the default's
	}
	a.replaceDefaults(keys)
	d.readKeys(keys, &a, fmt.Sprintf("in account %q", a.Name))
	var missing []string
	for _, k := range requiredKeys() {
		if !keys.has(k) && !defaults.has(k) {
			missing = append(missing, k)
		}
	}
	if len(missing) > 0 && !keys.onlyTables() { // else the name has a dot, and that is reported
		d.failKey(head, fmt.Sprintf("account %q lacks %s", a.Name, strings.Join(missing, ", ")),
			"each account needs server, username and maildir, of its own or from [defaults]")
	}
	d.checkReach(head, keys, defaults, &a)
	d.checkAuth(&a, keys, defaults)
	d.checkSelection(head, keys, defaults, &a)
	return &a
}

// onlyTables reports whether a table holds tables and nothing else.
func (t table) onlyTables() bool {
	for _, v := range t {
		if !isTable(v.data) {
			return false
		}
	}
	return len(t) > 0
}

func (t table) has(key string) bool {
	_, ok := t[key]
	return ok
}

// readKeys reads the keys of [defaults] or of an account into a.
func (d *document) readKeys(keys table, a *Account, where string) {
	var passwords []string
	for _, k := range accountKeys {
		v, ok := keys[k.Name]
		if !ok {
			continue
		}
		k.read(d, v, a)
		if slices.Contains(passwordKeys, k.Name) && v.data != false { // netrc = false is none
			passwords = append(passwords, k.Name)
		}
	}
	if len(passwords) > 1 {
		d.failKey(keys[passwords[1]], fmt.Sprintf("more than one password %s: %s", where, strings.Join(passwords, ", ")), "keep one of them")
	}
	d.onlyOne(keys, where)
	d.unknownKeys(keys, accountKeyNames(), where)
}

// unknownKeys reports every key of a table that isn't known, each with the
// nearest one that is.
func (d *document) unknownKeys(t table, known []string, where string) {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if slices.Contains(known, name) {
			continue
		}
		v := t[name]
		message := fmt.Sprintf("unknown key %q %s", name, where)
		if isTable(v.data) {
			message = fmt.Sprintf("unknown table %q %s", name, where)
			if len(v.path) == 1 {
				message = fmt.Sprintf("unknown table [%s]", v.path)
			}
		}
		if near := meant(name, known); near != "" {
			message += fmt.Sprintf(", did you mean %q?", near)
		}
		hint := unknownHint(v, known)
		if t.onlyTables() && len(v.path) > 1 && v.path[0] == "account" {
			hint = fmt.Sprintf("a name with a dot stands in quotes: [account.%q]", strings.Join(longest(v)[1:], "."))
		}
		d.failKey(v, message, hint)
	}
}

// meant gives the known key that an unknown one is nearest to: "" for one that
// belongs elsewhere, or is nearer to a habit.
func meant(name string, known []string) string {
	if slices.Contains(fileKeyNames(), name) {
		return ""
	}
	near := nearest.To(name, slices.Concat(known, slices.Sorted(maps.Keys(habits))))
	if _, habit := habits[near]; habit && !slices.Contains(known, near) {
		return ""
	}
	return near
}

func isTable(data any) bool {
	switch data.(type) {
	case map[string]any, []map[string]any:
		return true
	}
	return false
}

// longest gives the path down to the table below v that branches or holds keys:
// for [account.pop.example.org] all of its words.
func longest(v value) toml.Key {
	path, data := v.path, v.data
	for {
		inner, ok := data.(map[string]any)
		if !ok || len(inner) != 1 {
			return path
		}
		for name, below := range inner {
			if _, ok := below.(map[string]any); !ok {
				return path
			}
			path, data = append(slices.Clone(path), name), below
		}
	}
}

// unknownHint says where a key that isn't known here belongs, as far as that
// can be told.
func unknownHint(v value, known []string) string {
	name, atTop := v.key(), len(v.path) == 1
	switch {
	case slices.Contains(providerKeyNames(), name) && !slices.Contains(known, name):
		return "this key belongs below an [oauth.NAME]"
	case (atTop || v.path[0] == "oauth") && slices.Contains(accountKeyNames(), name):
		return "this key belongs below an [account.NAME] or below [defaults]"
	case !atTop && slices.Contains(fileKeyNames(), name):
		return "this key belongs above the first table"
	case meant(name, known) != "":
		return ""
	case atTop && isTable(v.data):
		return "the tables are [defaults], [account.NAME] and [oauth.NAME]"
	}
	if habit := nearest.To(name, slices.Sorted(maps.Keys(habits))); habit != "" && !atTop {
		return habits[habit]
	}
	return "see all keys with: haulmail config example"
}
