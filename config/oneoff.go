package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
)

// OneOff checks an account that stands in no file: the maildrop that a URL names (RFC 2384), and what some of an account's keys say
// of it, each as it would stand in a file between quotes. What is not said is as in a file without [defaults], but there may be no
// maildir: then Account.Maildir is "". home is as for Load; a relative path is relative to the process's working folder.
//
// pops:// means tls = "implicit"; pop:// means tls = "starttls", unless the key says "none". The account's name is USER@HOST, or
// as near to it as a name can be. The error is an *Error for a mistake in the URL or in a key.
func OneOff(rawURL, home string, keys map[string]string) (*Config, error) {
	folder, err := filepath.Abs(".")
	if err != nil {
		return nil, fmt.Errorf("finding the working folder: %w", err)
	}
	drop, problem, hint := parseURL(rawURL)
	if problem != "" {
		return nil, &Error{Message: printable([]rune(problem)), Hint: hint}
	}
	d := &document{home: home, folder: folder, placeless: true}
	a := newAccount()
	a.Name = drop.name()
	a.Server, a.TLS = drop.server, drop.tls
	words := drop.words(keys)
	d.readKeys(words, &a, "beside the URL")
	d.checkScheme(drop.tls, a.TLS)
	d.checkReach(value{}, words, nil, &a)
	d.checkAuth(&a, words)
	d.checkSecret(&a)
	if len(d.errs) > 0 {
		return nil, d.errs[0]
	}
	return &Config{File: "--url", Jobs: 1, PerServer: 1, Accounts: []*Account{&a}}, nil
}

// words gives the keys of an account with those that the URL stands for.
func (m maildrop) words(keys map[string]string) table {
	words := make(table, len(keys)+2)
	put := func(key, text string) { words[key] = value{path: toml.Key{key}, data: text} }
	for key, text := range keys {
		put(key, text)
	}
	put("username", m.user)
	if m.auth != "" {
		put("auth", m.auth)
	}
	return words
}

// checkScheme refuses a key "tls" that contradicts the URL.
func (d *document) checkScheme(scheme, mode TLSMode) {
	switch {
	case scheme == TLSImplicit && mode != TLSImplicit:
		d.fail(value{}, nil, fmt.Sprintf("pops:// is TLS from the first byte, not tls %q", mode), "write pop:// for it")
	case scheme == TLSStart && mode == TLSImplicit:
		d.fail(value{}, nil, fmt.Sprintf("pop:// begins without TLS, unlike tls %q", mode), "write pops:// for it")
	}
}

// checkSecret refuses to log in by what needs keys of a file.
func (d *document) checkSecret(a *Account) {
	if a.Auth == AuthXOAUTH2 || a.Auth == AuthOAUTHBEARER {
		d.fail(value{}, nil, fmt.Sprintf("auth %q needs a token, and a URL cannot say where from", a.Auth),
			"write an account with oauth or token_command into the config: haulmail config example")
	}
}

// name gives USER@HOST. Where that cannot be a name, the nearest one that can is told from all others by a digest.
func (m maildrop) name() string {
	full := m.user + "@" + m.server.Host
	if validName(full) {
		return full
	}
	sum := sha256.Sum256([]byte(full))
	tail := "-" + hex.EncodeToString(sum[:4])
	plain := strings.TrimLeftFunc(full, func(r rune) bool { return !beginsName(r) })
	name := ""
	for _, r := range plain {
		if !beginsName(r) && !insideName(r) {
			r = '_'
		}
		if !validName(name + string(r) + tail) {
			break
		}
		name += string(r)
	}
	if name == "" {
		return "maildrop" + tail
	}
	return name + tail
}
