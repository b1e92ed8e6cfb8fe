package secret

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"haulmail/config"
)

// fromNetrc gives the password of the first entry of .netrc that fits the
// account's server and user. $NETRC names another file, as it does for curl.
func (s Source) fromNetrc(a *config.Account) (text, hint string, err error) {
	path := s.lookup("NETRC")
	if path == "" {
		if s.Home == "" {
			return "", "set NETRC", errors.New("no home folder is known, and $NETRC is not set")
		}
		path = filepath.Join(s.Home, ".netrc")
	}
	line := fmt.Sprintf("machine %s login %s password …", a.Server.Host, a.Username)
	all, hint, err := readPrivate(path, true)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "write it, and chmod 600 it: " + line, err
	}
	if err != nil {
		return "", hint, err
	}
	if len(all) > maxOutput {
		return "", "", fmt.Errorf("%s is larger than %d KiB", path, maxOutput>>10)
	}
	entries, err := parseNetrc(string(all))
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", path, err)
	}
	for _, e := range entries {
		if e.fits(a.Server.Host, a.Username) {
			return e.password, "", nil
		}
	}
	return "", "write into it: " + line, fmt.Errorf("%s has no password for %s at %s", path, a.Username, a.Server.Host)
}

// netrcEntry is what .netrc says of a machine.
type netrcEntry struct {
	machine  string // "" is the default entry, which fits every machine
	login    string // "" fits every user
	password string
}

// fits says whether an entry has the password of a user at a host.
func (e netrcEntry) fits(host, user string) bool {
	here := e.machine == "" || strings.EqualFold(strings.TrimSuffix(e.machine, "."), strings.TrimSuffix(host, "."))
	return here && e.password != "" && (e.login == "" || e.login == user)
}

// parseNetrc reads the format of ftp(1) with what its many readers have added:
// words in double quotes with backslashes, and comments. An error tells the
// line, and nothing of what stands in it.
func parseNetrc(text string) ([]netrcEntry, error) {
	var entries []netrcEntry
	words := netrcWords{rest: text, line: 1}
	for {
		word, ok := words.next()
		if !ok {
			return entries, words.err
		}
		switch word {
		case "default":
			entries = append(entries, netrcEntry{})
			continue
		case "macdef":
			words.skipMacro()
			continue
		case "machine", "login", "password", "account":
		default:
			return nil, fmt.Errorf(`line %d: neither "machine", "default", "login", "password", "account" nor "macdef"`, words.line)
		}
		value, ok := words.value()
		if !ok {
			return nil, cmp.Or(words.err, fmt.Errorf("line %d: nothing stands behind %q", words.line, word))
		}
		if word == "machine" {
			entries = append(entries, netrcEntry{machine: value})
			continue
		}
		if len(entries) == 0 {
			return nil, fmt.Errorf("line %d: %q stands before the first machine", words.line, word)
		}
		switch last := &entries[len(entries)-1]; word {
		case "login":
			last.login = value
		case "password":
			last.password = value
		}
	}
}

// netrcWords takes a text apart.
type netrcWords struct {
	rest string
	line int // of the word that was read last
	err  error
}

// next gives the next word behind comments, without its quotes; false at the end.
func (w *netrcWords) next() (string, bool) {
	for w.skipBlanks(); strings.HasPrefix(w.rest, "#"); w.skipBlanks() {
		w.skip(endOf(w.rest, "\n"))
	}
	return w.value()
}

// value gives the next word as next does, also one that begins as a comment: a password may.
func (w *netrcWords) value() (string, bool) {
	w.skipBlanks()
	if w.rest == "" {
		return "", false
	}
	if w.rest[0] == '"' {
		return w.quoted()
	}
	word := w.rest[:endOf(w.rest, " \t\r\n")]
	w.skip(len(word))
	return word, true
}

// quoted gives the word in quotes that begins here.
func (w *netrcWords) quoted() (string, bool) {
	var word strings.Builder
	for i := 1; i < len(w.rest); i++ {
		switch c := w.rest[i]; {
		case c == '"':
			w.skip(i + 1)
			return word.String(), true
		case c == '\n':
			i = len(w.rest)
		case c == '\\' && i+1 < len(w.rest):
			i++
			word.WriteByte(unescaped(w.rest[i]))
		default:
			word.WriteByte(c)
		}
	}
	w.err = fmt.Errorf("line %d: quotes are not closed", w.line)
	w.rest = ""
	return "", false
}

// unescaped is what a byte behind a backslash stands for, as curl has it.
func unescaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// skipMacro skips what a macdef defines: all up to an empty line.
func (w *netrcWords) skipMacro() {
	end := strings.Index(w.rest, "\n\n")
	if end < 0 {
		end = len(w.rest)
	}
	w.skip(end)
}

func (w *netrcWords) skipBlanks() {
	w.skip(len(w.rest) - len(strings.TrimLeft(w.rest, " \t\r\n")))
}

// skip leaves out the next n bytes.
func (w *netrcWords) skip(n int) {
	w.line += strings.Count(w.rest[:n], "\n")
	w.rest = w.rest[n:]
}

// endOf is where the first of some bytes stands, the length of text if none does.
func endOf(text, bytes string) int {
	if i := strings.IndexAny(text, bytes); i >= 0 {
		return i
	}
	return len(text)
}
