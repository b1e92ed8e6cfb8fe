package config

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"al.essio.dev/pkg/shellescape"

	"haulmail/config/nearest"
)

// Bounds of the keys "timeout" and "password_timeout".
const (
	minTimeout = Duration(time.Second)
	maxTimeout = Duration(time.Hour) // nothing else ends the wait for a silent server
)

const durationHint = `write "30s", "36h" or "14d"`

// str gives the string in v, or reports that v is none or is empty.
func (d *document) str(v value, hint string) (string, bool) {
	s, ok := v.data.(string)
	switch {
	case !ok:
		d.failValue(v, fmt.Sprintf("%s must be a string, not %s", v.key(), typeName(v.data)), hint)
	case s == "":
		d.failValue(v, v.key()+" is empty", hint)
	default:
		return s, true
	}
	return "", false
}

// plain is a text without control characters: in a POP3 command, a path or a
// name they could only do harm (CR LF would begin another command).
func (d *document) plain(v value, hint string) (string, bool) {
	s, ok := d.str(v, hint)
	if ok && strings.ContainsFunc(s, unicode.IsControl) {
		d.failValue(v, v.key()+" holds a control character", "write it in single quotes if it holds a backslash")
		return "", false
	}
	return s, ok
}

// oneOf gives the index of v's string in words.
func (d *document) oneOf(v value, words []string) (int, bool) {
	hint := "write " + choices(words)
	s, ok := d.str(v, hint)
	if !ok {
		return 0, false
	}
	i := slices.Index(words, s)
	if i < 0 {
		d.failValue(v, fmt.Sprintf("%s cannot be %q%s", v.key(), s, didYouMean(s, words)), hint)
	}
	return i, i >= 0
}

// choices gives "a", "b" or "c".
func choices(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	return listed(quoted)
}

func didYouMean(s string, words []string) string {
	if near := nearest.To(s, words); near != "" {
		return fmt.Sprintf(", did you mean %q?", near)
	}
	return ""
}

func (d *document) readTLS(v value, a *Account) {
	if i, ok := d.oneOf(v, tlsWords[:TLSBySRV]); ok {
		a.TLS = TLSMode(i)
	}
}

func (d *document) readPipelining(v value, a *Account) {
	if i, ok := d.oneOf(v, pipeliningWords); ok {
		a.Pipelining = Pipelining(i)
	}
}

// readCount reads a number of accounts.
func (d *document) readCount(v value, to *int) { d.number(v, 1, MaxJobs, to) }

// number reads a whole number within bounds.
func (d *document) number(v value, least, most int64, to *int) {
	n, ok := v.data.(int64)
	switch {
	case !ok:
		d.failValue(v, fmt.Sprintf("%s must be a number, not %s", v.key(), typeName(v.data)), "write it without quotes: "+v.key()+" = 4")
	case n < least || n > most:
		d.failValue(v, fmt.Sprintf("%s is out of range", v.key()), fmt.Sprintf("write a number from %d to %d", least, most))
	default:
		*to = int(n)
	}
}

// duration reads a Duration; a bare number gets a hint that guesses the unit.
func (d *document) duration(v value, hint, unit string) (Duration, bool) {
	if n, ok := v.data.(int64); ok && n > 0 {
		d.failValue(v, fmt.Sprintf("%s is a number without a unit", v.key()), fmt.Sprintf(`write %s = "%d%s" if %s are meant`, v.key(), n, unit[:1], unit))
		return 0, false
	}
	s, ok := d.str(v, hint)
	if !ok {
		return 0, false
	}
	parsed, err := ParseDuration(s)
	if err != nil {
		d.failValue(v, v.key()+" "+err.Error(), hint)
	}
	return parsed, err == nil
}

// readWait reads how long something may be waited for.
func (d *document) readWait(v value, to *Duration) {
	t, ok := d.duration(v, durationHint, "seconds")
	if !ok {
		return
	}
	if t < minTimeout || t > maxTimeout {
		d.failValue(v, fmt.Sprintf("%s %q is out of range", v.key(), t), fmt.Sprintf(`write a time from "%s" to "%s"`, minTimeout, maxTimeout))
		return
	}
	*to = t
}

func (d *document) readDelete(v value, a *Account) {
	const hint = `write "never", "fetched" or an age such as "14d"`
	s, ok := v.data.(string)
	if i := slices.Index(deleteWords, s); ok && i >= 0 {
		a.Delete = Delete{Mode: DeleteMode(i)}
		return
	}
	if ok && s != "" && !unicode.IsDigit([]rune(s)[0]) {
		d.failValue(v, fmt.Sprintf("delete cannot be %q%s", s, didYouMean(s, deleteWords)), hint)
		return
	}
	age, ok := d.duration(v, hint, "days")
	switch {
	case ok && age == 0:
		d.failValue(v, "delete is an age of nothing", `write "fetched" to delete mail as soon as it is safe on disk`)
	case ok:
		a.Delete = Delete{Mode: DeleteAged, Age: time.Duration(age)}
	}
}

func (d *document) readUsername(v value, a *Account) {
	s, ok := d.plain(v, "write the name that the server knows, often the whole address")
	if ok && len(s) > maxUsernameLen {
		d.failValue(v, fmt.Sprintf("username is longer than %d bytes", maxUsernameLen), "")
		return
	}
	a.Username = s
}

// readPath reads a path and makes it absolute.
func (d *document) readPath(v value, to *string) {
	s, ok := d.plain(v, `write a path: "~/…", "/…", or one relative to this file`)
	if !ok {
		return
	}
	rest, tilde := strings.CutPrefix(s, "~")
	switch {
	case tilde && rest != "" && rest[0] != '/':
		d.failValue(v, fmt.Sprintf("%s %q: only the own home folder can be written as ~", v.key(), s), "write ~/… or an absolute path")
	case tilde && d.home == "":
		d.failValue(v, fmt.Sprintf("%s %q: the home folder is not known", v.key(), s), "write an absolute path, or set $HOME")
	case strings.HasPrefix(s, "$"):
		d.failValue(v, fmt.Sprintf("%s %q: variables are not filled in", v.key(), s), "write ~/… for the home folder; ./$… if the name has a dollar sign")
	case tilde:
		*to = filepath.Join(d.home, rest)
	case filepath.IsAbs(s):
		*to = filepath.Clean(s)
	default:
		*to = filepath.Join(d.folder, s)
	}
}

// checkName checks an account's name: it becomes a file name, a word on the
// command line and a word of error lines.
func (d *document) checkName(head value) {
	const hint = `use up to 64 letters, digits and . _ - @ + and blanks inside, such as [account.work] or [account."me@example.org"]`
	if name := head.key(); !validName(name) {
		d.failKey(head, fmt.Sprintf("%q cannot be the name of an account", name), hint)
	}
}

func validName(name string) bool {
	ok := name != "" && utf8.RuneCountInString(name) <= maxNameLen && len(name) <= maxNameBytes && !strings.HasSuffix(name, " ")
	for i, r := range name {
		ok = ok && (beginsName(r) || i > 0 && insideName(r))
	}
	return ok
}

func beginsName(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
func insideName(r rune) bool { return unicode.IsMark(r) || strings.ContainsRune("._-@+ ", r) }

// checkDistinct reports accounts that would get in each other's way: names that
// are one file name where case doesn't count, and one mailbox going into one
// Maildir twice, which would deliver each message twice.
func (d *document) checkDistinct(all []*Account, heads []value) {
	names := make(map[string]string, len(all))
	boxes := make(map[[3]string]string, len(all))
	for i, a := range all {
		folded := strings.ToLower(a.Name)
		if other, taken := names[folded]; taken {
			d.failKey(heads[i], fmt.Sprintf("account %q differs from %q in case only", a.Name, other), "give it another name")
		}
		names[folded] = a.Name
		box := [3]string{a.Server.Host, a.Username, a.Maildir}
		if slices.Contains(box[:], "") {
			continue // reported already
		}
		if other, taken := boxes[box]; taken {
			d.failKey(heads[i], fmt.Sprintf("account %q is account %q again: the same server, username and maildir", a.Name, other),
				"remove one of them: each message would be delivered twice")
		}
		boxes[box] = a.Name
	}
}

// holdsSecret notes that the file holds a password, at v.
func (d *document) holdsSecret(v value) {
	if d.literal == nil {
		d.literal = &v
	}
}

// checkMode refuses a file that holds a password and can be read by others.
func (d *document) checkMode(mode fs.FileMode) {
	const othersRead = 0o044
	if d.literal == nil || mode.Perm()&othersRead == 0 {
		return
	}
	d.failKey(*d.literal, "the file holds a password and can be read by others", "chmod 600 "+shellescape.Quote(d.file))
}
