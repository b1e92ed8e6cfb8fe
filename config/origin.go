package config

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// From says who gave a value.
type From int

// Who gives a value.
const (
	FromDefault  From = iota // haulmail's own
	FromFile                 // the file: the account's table, the provider's, or above the tables
	FromDefaults             // the file, under [defaults]
)

// Setting is a key as it counts.
type Setting struct {
	Key   Key
	Value any // a string, int, bool or []string, as it would stand in the file; a secret is "[secret]"
	From  From
	Line  int // of the file, 0 with FromDefault
}

// TOML gives the value as it would stand in the file.
func (s Setting) TOML() string {
	line, err := toml.Marshal(map[string]any{s.Key.Name: s.Value})
	if err != nil {
		panic("config: a value that cannot be TOML: " + err.Error()) // the tables hold texts, numbers and arrays of texts
	}
	return strings.TrimSpace(strings.TrimPrefix(string(line), s.Key.Name+" = "))
}

// Header gives the header of a table in the file: [account.work], [account."me@example.org"].
func Header(table, name string) string { return "[" + toml.Key{table, name}.String() + "]" }

// Origins knows of each value of a Config where it comes from. Its methods may
// be called from one goroutine at a time.
type Origins struct {
	d        *document
	defaults table
}

// Explain loads a file as Load does, and tells where each value comes from.
func Explain(path, home string) (*Config, *Origins, error) {
	text, mode, err := read(path)
	if err != nil {
		return nil, nil, err
	}
	return explain(path, home, text, mode)
}

func explain(path, home string, text []byte, mode fs.FileMode) (*Config, *Origins, error) {
	c, d, err := parse(path, home, text, mode)
	if err != nil {
		return nil, nil, err
	}
	o := &Origins{d: d}
	if v, ok := d.root["defaults"]; ok {
		o.defaults, _ = d.table(v, "")
	}
	return c, o, nil
}

// File gives the keys above the tables that have a value.
func (o *Origins) File(c *Config) []Setting {
	var all []Setting
	for _, k := range fileKeys {
		all = o.add(all, k.Key, k.shown(c), o.d.root, nil)
	}
	return all
}

// Account gives the keys of an account that have a value.
func (o *Origins) Account(a *Account) []Setting {
	own := o.below("account", a.Name)
	var all []Setting
	for _, k := range accountKeys {
		all = o.add(all, k.Key, k.shown(a), own, o.defaults)
	}
	return all
}

// Provider gives the keys of a provider that have a value.
func (o *Origins) Provider(p *Provider) []Setting {
	own := o.below("oauth", p.Name)
	var all []Setting
	for _, k := range providerKeys {
		all = o.add(all, k.Key, k.shown(p), own, nil)
	}
	return all
}

// below gives the table [outer.name].
func (o *Origins) below(outer, name string) table {
	tables, _ := o.d.table(o.d.root[outer], "")
	own, _ := o.d.table(tables[name], "")
	return own
}

func (o *Origins) add(all []Setting, k Key, value any, own, defaults table) []Setting {
	if value == nil {
		return all
	}
	s := Setting{Key: k, Value: value}
	if v, ok := own[k.Name]; ok {
		s.From, s.Line = FromFile, o.line(v)
	} else if v, ok := defaults[k.Name]; ok {
		s.From, s.Line = FromDefaults, o.line(v)
	}
	return append(all, s)
}

// line gives the line of a key.
func (o *Origins) line(v value) int {
	return strings.Count(o.d.text[:o.d.keySpan(v).start], "\n") + 1
}

// UsedBy gives the providers that the accounts use, by name.
func (c *Config) UsedBy(accounts []*Account) []*Provider {
	var used []*Provider
	for _, a := range accounts {
		if p := c.Providers[a.OAuth]; p != nil && !slices.Contains(used, p) {
			used = append(used, p)
		}
	}
	slices.SortFunc(used, func(a, b *Provider) int { return strings.Compare(a.Name, b.Name) })
	return used
}
