package seen

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The text of a state, to be kept, looked through, altered and read back. A line is a word and its fields, with a tab before each:
//
//	haulmail-seen 1  SERVER  USER
//	seen    UID  SIZE   FETCHED  VANISHED
//	failed  UID  COUNT  LAST     REASON
//	end
//
// Sizes are LIST's, in bytes. Times are RFC 3339, to the second. A "-" is a size that is not known, the FETCHED of a message that was
// only marked as fetched, the VANISHED of one that is still listed. In the other fields whatever has no shape is written as Go writes it
// in a string (\t, \xff, \u202e), and so are \\ and \". The last line shows that nothing was cut off. Empty lines and lines that begin
// with # mean nothing.

const (
	textMark = "haulmail-seen 1"
	textEnd  = "end"
	unset    = "-"
)

// Text is what a state's text holds.
type Text struct {
	Identity Identity
	Records  []Entry // a UID's last record counts
	Failures []Failure
}

// TextError is a line of a text that can't be meant.
type TextError struct {
	Line int // from 1
	Err  error
}

func (e *TextError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *TextError) Unwrap() error { return e.Err }

// WriteText writes the state's records and failures as text. It gives what w or the state fails with.
func (s *Store) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	id := s.identity()
	writeLine(out, textMark, escape(id.Server), escape(id.User))
	err := s.Each(func(e Entry) error {
		writeLine(out, "seen", escape(string(e.UID)), sizeText(e.ListSize), timeText(e.Fetched), timeText(e.Vanished))
		return nil
	})
	if err != nil {
		return err
	}
	failed, err := s.Failures()
	if err != nil {
		return err
	}
	for _, f := range failed {
		writeLine(out, "failed", escape(string(f.UID)), strconv.Itoa(f.Count), timeText(f.Last), escape(f.Reason))
	}
	writeLine(out, textEnd)
	return out.Flush()
}

func (s *Store) identity() Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head.id
}

// writeLine leaves errors to out, which keeps the first one for Flush.
func writeLine(out *bufio.Writer, fields ...string) {
	_, _ = out.WriteString(strings.Join(fields, "\t") + "\n")
}

func escape(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

func sizeText(size int64) string {
	if size < 0 {
		return unset
	}
	return strconv.FormatInt(size, 10)
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return unset
	}
	return t.UTC().Format(time.RFC3339)
}

// ReadText reads what WriteText writes. Its error is a *TextError, or the reader's.
func ReadText(r io.Reader) (*Text, error) {
	p := &textParser{text: new(Text)}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	for n := 1; lines.Scan(); n++ {
		if n > mostLines {
			return nil, &TextError{n, fmt.Errorf("more than %d lines", mostLines)}
		}
		if err := p.line(lines.Bytes()); err != nil {
			return nil, &TextError{n, err}
		}
		p.lines = n
	}
	err := lines.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, &TextError{p.lines + 1, fmt.Errorf("longer than %d bytes", longestLine)}
	case err != nil:
		return nil, err
	case !p.ended:
		return nil, &TextError{p.lines + 1, fmt.Errorf("it ends without %q: something was cut off", textEnd)}
	}
	return p.text, nil
}

// textParser is a text that is being read.
type textParser struct {
	text          *Text
	lines         int
	headed, ended bool
}

func (p *textParser) line(line []byte) error {
	switch {
	case !utf8.Valid(line):
		return errors.New("not UTF-8")
	case len(line) == 0 || line[0] == '#':
		return nil
	case p.ended:
		return fmt.Errorf("a line behind %q", textEnd)
	}
	word, rest, _ := bytes.Cut(line, []byte{'\t'})
	f := &fields{rest: string(rest), more: len(word) < len(line)}
	switch kind := string(word); {
	case !p.headed && kind == textMark:
		p.text.Identity = Identity{Server: f.text(maxName), User: f.text(maxName)}
		p.headed = true
	case !p.headed:
		return fmt.Errorf("it does not begin with %q", textMark)
	case kind == "seen":
		p.text.Records = append(p.text.Records, Entry{UID: []byte(f.text(MaxUID)), ListSize: f.size(), Fetched: f.time(), Vanished: f.time()})
	case kind == "failed":
		failure := Failure{UID: []byte(f.text(MaxUID)), Count: f.count(), Last: f.time(), Reason: f.text(MaxReason)}
		p.text.Failures = append(p.text.Failures, failure)
	case kind == textEnd:
		p.ended = true
	default:
		return fmt.Errorf("it begins with %.20q, not with seen, failed or end", kind)
	}
	return f.end()
}

// fields takes the fields off a line. After the first one that is wrong, the others are zero.
type fields struct {
	rest string
	more bool // there is another field, though it may be empty
	err  error
}

func (f *fields) next() string {
	if f.err == nil && !f.more {
		f.err = errors.New("a field is missing")
	}
	if f.err != nil {
		return ""
	}
	var field string
	field, f.rest, f.more = strings.Cut(f.rest, "\t")
	return field
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// text takes an escaped field of at most so many bytes.
func (f *fields) text(most int) string {
	field := f.next()
	s, err := strconv.Unquote(`"` + field + `"`)
	if err != nil {
		f.fail("%.40q is not escaped rightly", field)
	}
	if len(s) > most {
		f.fail("%.40q… is longer than %d bytes", s, most)
	}
	return s
}

func (f *fields) size() int64 {
	field := f.next()
	if field == unset {
		return NoSize
	}
	n, err := strconv.ParseUint(field, 10, 64)
	if err != nil || n > maxSize {
		f.fail("%.40q is no size", field)
	}
	return int64(n)
}

func (f *fields) count() int {
	field := f.next()
	n, err := strconv.ParseUint(field, 10, 31)
	if err != nil || n < 1 || n > math.MaxInt32 {
		f.fail("%.40q is no number of failures", field)
	}
	return int(n)
}

func (f *fields) time() time.Time {
	field := f.next()
	if field == unset {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, field)
	if err != nil || t.Unix() < 0 {
		f.fail("%.40q is no time such as 2026-03-01T12:00:00Z", field)
	}
	return t
}

func (f *fields) end() error {
	if f.more {
		f.fail("a field too many")
	}
	return f.err
}
