package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/BurntSushi/toml"
)

// document is a parsed file that collects its mistakes. It is read as a tree
// of tables and plain values, not into structs: so keys match to the letter, a
// wrong type doesn't hide the mistakes behind it, and each value can be asked
// where it stands.
type document struct {
	file, text   string
	home, folder string // what "~" and relative paths stand for
	md           toml.MetaData
	root         table
	errs         Errors
	placeless    bool   // no file is there to point into: the values come from a command line
	literal      *value // the first password that stands in the file itself
	oauth        map[string]*Provider
}

// table holds the values of one TOML table by their keys.
type table map[string]value

// value is one value of the file.
type value struct {
	path toml.Key // from the root, its own key last
	prim toml.Primitive
	data any // string, int64, float64, bool, time.Time, []any, map[string]any or []map[string]any
}

func (v value) key() string { return v.path[len(v.path)-1] }

// parseDocument parses text. A file that isn't TOML has one mistake, the first:
// the library can't read on behind it.
func parseDocument(file, text string) (*document, *Error) {
	d := &document{file: file, text: text}
	var prims map[string]toml.Primitive
	md, err := toml.Decode(text, &prims)
	if err != nil {
		return nil, syntaxError(file, text, err)
	}
	d.md = md
	d.root = d.children(nil, prims)
	return d, nil
}

// children turns the raw values of a table into values.
func (d *document) children(path toml.Key, prims map[string]toml.Primitive) table {
	t := make(table, len(prims))
	for k, p := range prims {
		v := value{path: append(slices.Clone(path), k), prim: p}
		if err := d.md.PrimitiveDecode(p, &v.data); err != nil {
			panic("config: a parsed value cannot be decoded: " + err.Error()) // any takes every type
		}
		t[k] = v
	}
	return t
}

// table gives the values in v, or reports that v is no table.
func (d *document) table(v value, hint string) (table, bool) {
	if _, ok := v.data.(map[string]any); !ok {
		d.failValue(v, fmt.Sprintf("%s must be a table, not %s", v.path, typeName(v.data)), hint)
		return nil, false
	}
	var prims map[string]toml.Primitive
	if err := d.md.PrimitiveDecode(v.prim, &prims); err != nil {
		panic("config: a parsed table cannot be decoded: " + err.Error()) // its data was just seen to be a table
	}
	return d.children(v.path, prims), true
}

// typeName names the TOML type of a value for a message.
func typeName(data any) string {
	switch data.(type) {
	case string:
		return "a string"
	case int64:
		return "a number"
	case float64:
		return "a fraction"
	case bool:
		return "true or false"
	case time.Time:
		return "a date"
	case []any:
		return "an array"
	case []map[string]any:
		return "an array of tables"
	}
	return "a table"
}

// failValue reports a mistake in a value, failKey one in the key before it.
func (d *document) failValue(v value, message, hint string) { d.fail(v, d.valueSpan, message, hint) }
func (d *document) failKey(v value, message, hint string)   { d.fail(v, d.keySpan, message, hint) }

// fail looks for the place only while mistakes are still counted: it costs a
// pass over the file.
func (d *document) fail(v value, place func(value) span, message, hint string) {
	if d.placeless {
		d.errs = append(d.errs, &Error{Message: printable([]rune(message)), Hint: hint})
		return
	}
	if len(d.errs) < maxErrors {
		d.errs = append(d.errs, newError(d.file, d.text, place(v), message, hint))
	}
}

// locator makes the decoder tell where a value stands: only its errors do.
type locator struct{}

var errLocated = errors.New("located")

// UnmarshalTOML implements toml.Unmarshaler.
func (*locator) UnmarshalTOML(any) error { return errLocated }

// offset gives the place that the library knows for v. That is the first byte
// inside the quotes, brackets or braces of a value, the "[" of a table's
// header, the key's first byte for what stands in an inline table, and nothing
// for a table without a header, which counts as standing where its first key
// does. For the value of an empty key the library knows none: it counts as standing at the file's beginning.
func (d *document) offset(v value) int {
	var parse toml.ParseError
	err := d.md.PrimitiveDecode(v.prim, &locator{})
	if !errors.As(err, &parse) {
		panic(fmt.Sprintf("config: no position for %s: %v", v.path, err))
	}
	if parse.Position.Line > 0 {
		return min(max(parse.Position.Start, 0), len(d.text))
	}
	if _, ok := v.data.(map[string]any); !ok {
		return 0 // to report that, as table does, would ask for the place again
	}
	inner, _ := d.table(v, "")
	first := len(d.text)
	for _, child := range inner {
		first = min(first, d.keySpan(child).start)
	}
	return first
}

var (
	keyAhead  = regexp.MustCompile(`^(?:"[^"\n]*"|'[^'\n]*'|[^\s=.,{}"'])+(?:\s*\.\s*(?:"[^"\n]*"|'[^'\n]*'|[^\s=.,{}"'])+)*`)
	bareAhead = regexp.MustCompile(`^[^\s,#\]}]+`)
)

// keySpan is where v's key stands, dots and quotes included; for a table with a
// header it is the header.
func (d *document) keySpan(v value) span {
	at := d.offset(v)
	if open, ok := d.opening(v, at); ok {
		return d.keyBefore(open)
	}
	if strings.HasPrefix(d.text[at:], "[") {
		return d.header(at)
	}
	return span{at, at + len(keyAhead.FindString(d.text[at:]))}
}

// valueSpan is where v stands, quotes and brackets included, as far as it is in
// the first line. In an inline table that is its key, for a table its header.
func (d *document) valueSpan(v value) span {
	open, ok := d.opening(v, d.offset(v))
	if !ok {
		return d.keySpan(v)
	}
	_, lineEnd := lineAround(d.text, open)
	line := d.text[open:lineEnd]
	switch line[0] {
	case '"', '\'':
		return span{open, open + quotedLen(line)}
	case '[', '{':
		return span{open, open + len(strings.TrimRightFunc(line, unicode.IsSpace))}
	}
	return span{open, open + len(bareAhead.FindString(line))}
}

// opening gives the first byte of v, whose inside begins at offset at, if its
// key and "=" stand directly before it. They don't for what stands in an inline
// table and for a table with a header.
func (d *document) opening(v value, at int) (int, bool) {
	marks := []string{""}
	switch v.data.(type) {
	case string:
		marks = []string{`"""`, `'''`, `"`, `'`}
	case []any:
		marks = []string{"["}
	case map[string]any:
		marks = []string{"{"}
	}
	for _, mark := range marks {
		before, found := strings.CutSuffix(d.text[:at], mark)
		if found && strings.HasSuffix(strings.TrimRight(before, " \t"), "=") {
			return len(before), len(before) < len(d.text)
		}
	}
	return 0, false
}

// keyBefore is where the key of the value at open stands.
func (d *document) keyBefore(open int) span {
	before := strings.TrimRight(d.text[:open], " \t")
	before = strings.TrimRight(strings.TrimSuffix(before, "="), " \t")
	start, _ := lineAround(d.text, len(before))
	key := strings.TrimLeft(before[start:], " \t")
	return span{len(before) - len(key), len(before)}
}

// header is where a table's header stands whose first "[" is at offset at.
func (d *document) header(at int) span {
	_, lineEnd := lineAround(d.text, at)
	line := d.text[at:lineEnd]
	quote := byte(0)
	for i := range len(line) {
		switch c := line[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == ']':
			for i < len(line) && line[i] == ']' {
				i++
			}
			return span{at, at + i}
		}
	}
	return span{at, lineEnd}
}

// quotedLen is the length of the string at the start of line, quotes included;
// all of the line if the string goes on behind it.
func quotedLen(line string) int {
	quote := line[:1]
	if len(line) >= 3 && line[1:3] == quote+quote {
		quote = line[:3]
	}
	for i := len(quote); i < len(line); i++ {
		if line[i] == '\\' && quote[0] == '"' {
			i++
		} else if strings.HasPrefix(line[i:], quote) {
			return i + len(quote)
		}
	}
	return len(line)
}

var (
	twice    = regexp.MustCompile(`^Key '(.*)' has already been defined\.$`)
	headless = regexp.MustCompile(`^expected '\.' or '\]' to end table name, but got '\\n'`)
	headered = regexp.MustCompile(`^expected '\.' or '\]' to end table name`)
	unquoted = regexp.MustCompile(`^expected value but found `)
	unequal  = regexp.MustCompile(`^expected '\.' or '='`)
	unclosed = regexp.MustCompile(`^strings cannot contain newlines`)
)

// syntaxError words the library's error. Its text may quote a piece of the
// value, so it isn't used where that value may be a secret.
func syntaxError(file, text string, err error) *Error {
	var parse toml.ParseError
	if !errors.As(err, &parse) {
		return newError(file, text, span{}, strings.TrimPrefix(err.Error(), "toml: "), "")
	}
	at := span{parse.Position.Start, parse.Position.Start + parse.Position.Len}
	at.start = min(max(at.start, 0), len(text))
	start, end := lineAround(text, at.start)
	if secretStart(text, start, end) >= 0 {
		return newError(file, text, at, "the value cannot be read (it may be a secret and is not shown)",
			"put it in single quotes: nothing between them needs an escape")
	}
	message, hint := syntaxMessage(parse.Message)
	return newError(file, text, at, message, hint)
}

// syntaxMessage puts a message of the library in the form of ours.
func syntaxMessage(message string) (text, hint string) {
	switch {
	case twice.MatchString(message):
		return fmt.Sprintf("%q is defined twice", twice.FindStringSubmatch(message)[1]), "keep one of them"
	case headless.MatchString(message):
		hint = "close the name of the table with ]"
	case headered.MatchString(message):
		hint = `put a name that is not plain in quotes: [account."me@example.org"]`
	case unquoted.MatchString(message):
		hint = `put text in quotes: username = "me@example.org"`
	case unequal.MatchString(message):
		hint = `write a key, "=" and a value: username = "me@example.org"`
	case unclosed.MatchString(message):
		hint = "close the quotes at the end of the line"
	}
	message = strings.TrimSuffix(message, ".")
	if first, rest, _ := strings.Cut(message, " "); first != strings.ToUpper(first) { // not TOML
		message = strings.ToLower(first) + " " + rest
	}
	return message, hint
}
