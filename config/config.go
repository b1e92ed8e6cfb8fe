// Package config turns haulmail's TOML file into checked values.
//
// A file goes in; either a Config comes out, in which every value is in range,
// every path is absolute and every default is filled in, or an Errors, which
// names every mistake of the file at once, each with its line, its column, the
// source line and a hint that says what to write instead. Nothing is half
// right: no caller has to check a value again.
//
// The package reads the one file it is told to read. It looks at no other
// file, at no environment variable and at no network; the caller says where
// the home folder is. Passwords are only carried: where one comes from is read
// here, package fetch/secret goes and gets it.
//
// Anyone may call it. Values are plain data and are not changed after Load
// returns, so they may be read from many goroutines.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Config is one checked file.
type Config struct {
	File      string     // as given to Load
	Jobs      int        // accounts fetched at the same time, 1 to 1000
	PerServer int        // accounts fetched at the same time from one server, 1 to 1000
	Jitter    Duration   // 0 to 1d: a run that no person starts begins at a random time within it
	StateDir  string     // absolute; "" leaves the choice to the caller
	Accounts  []*Account // in the order of the file, at least one

	// Providers are the providers of tokens by their names: those that the file
	// defines. Every Account.OAuth is one of them.
	Providers map[string]*Provider
}

// Account gives the account of that name, nil if there is none.
func (c *Config) Account(name string) *Account {
	for _, a := range c.Accounts {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Names gives the names of all accounts in the order of the file.
func (c *Config) Names() []string {
	names := make([]string, len(c.Accounts))
	for i, a := range c.Accounts {
		names[i] = a.Name
	}
	return names
}

// Load reads and checks the file at path. home is the folder that "~" stands
// for; where it is empty, a path that starts with "~" is a mistake.
//
// The error is an Errors for mistakes in the file (a file that others may read
// although it holds a password is one, too), and a *fs.PathError where the file
// could not be read: errors.Is(err, fs.ErrNotExist) says that there is none.
func Load(path, home string) (*Config, error) {
	text, mode, err := read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, home, text, mode)
}

// read gives a file's text, no more than one byte of what is too large, and its permission bits.
func read(path string) (text []byte, mode fs.FileMode, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close() // only read from
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	text, err = io.ReadAll(io.LimitReader(f, maxFileSize+1))
	return text, info.Mode(), err
}

// Parse checks the text of a file. path names it in errors, and its folder is
// what relative paths are relative to; mode holds its permission bits. Nothing
// is read. A relative path is made absolute by the process's working folder.
func Parse(path, home string, text []byte, mode fs.FileMode) (*Config, error) {
	c, _, err := parse(path, home, text, mode)
	return c, err
}

// parse is Parse that gives the document, too.
func parse(path, home string, text []byte, mode fs.FileMode) (*Config, *document, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, fmt.Errorf("finding the folder of %s: %w", path, err)
	}
	source, err := decodeText(text)
	if err != nil {
		return nil, nil, Errors{notText(path, source, err)}
	}
	d, bad := parseDocument(path, source)
	if bad != nil {
		return nil, nil, Errors{bad}
	}
	d.home, d.folder = home, filepath.Dir(absolute)
	c := d.config()
	d.checkMode(mode)
	if len(d.errs) > 0 {
		d.errs.sort()
		return nil, nil, d.errs
	}
	return c, d, nil
}

var (
	errTooLarge = fmt.Errorf("the file is larger than %d KiB", maxFileSize>>10)
	errBadUTF8  = errors.New("the file is not valid UTF-8")
)

// decodeText gives the file's text without a byte order mark. Editors on
// Windows write one.
func decodeText(text []byte) (string, error) {
	s := string(text)
	switch {
	case len(s) > maxFileSize:
		return s, errTooLarge
	case strings.HasPrefix(s, "\xff\xfe"), strings.HasPrefix(s, "\xfe\xff"):
		return s, errors.New("the file is UTF-16, not UTF-8")
	case strings.IndexByte(s, 0) >= 0:
		return s, errors.New("the file holds NUL bytes: it is not UTF-8 text")
	case !utf8.ValidString(s):
		return s, errBadUTF8
	}
	return strings.TrimPrefix(s, "\ufeff"), nil
}

// notText is the mistake of a file that decodeText gave up on. It shows nothing
// of the file, but where the first byte is that is not UTF-8.
func notText(path, text string, err error) *Error {
	hint := "save the file as plain UTF-8 text"
	if errors.Is(err, errTooLarge) {
		hint = "is it the right file? A config is a few lines for each account"
	}
	e := newError(path, "", span{}, err.Error(), hint)
	if errors.Is(err, errBadUTF8) {
		good := validPrefix(text)
		e.Line += strings.Count(good, "\n")
		e.Col += utf8.RuneCountInString(good[strings.LastIndexByte(good, '\n')+1:])
	}
	return e
}

// validPrefix gives s up to the first byte that is not UTF-8.
func validPrefix(s string) string {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			return s[:i]
		}
	}
	return s
}
