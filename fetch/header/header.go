// Package header reads the few facts of a message's header that a person or a script wants to see beside it: who sent it, when, about
// what. Nothing is decided by them but what a list shows and since when mail is wanted.
//
// Mail is written by everybody, so there is no header that Parse refuses: what it cannot read is left out, what it cannot decode stays
// as it was sent. Lines that are no field (an mbox's "From " line, rubbish) are passed over.
//
// What a field says is given as text without loss. Encoded words (RFC 2047) are decoded, in every charset that go-message knows; those
// of another charset stay encoded. Bytes outside of them are UTF-8 (RFC 6532). A byte that is not, and every control character, is
// written as \xHH; and so that this can be undone, a backslash in the field that could be mistaken for the beginning of one is
// written as \x5c. Replacing each \xHH by its byte gives back what was sent.
package header

import (
	"bytes"
	"mime"
	"net/mail"
	"strings"
	"time"

	"github.com/emersion/go-message/charset"
)

// MaxBytes is how much of a header is looked at. Whoever keeps a header for Parse need not keep more.
const MaxBytes = 64 << 10

// maxText bounds what one field may say; a longer one ends with "…". A list of To: addresses may be long, a subject is not.
const maxText = 4 << 10

// Facts are what a header tells. What it does not tell, or tells so that it cannot be read, is empty.
type Facts struct {
	MessageID string // without its angle brackets
	From      string // the whole field: "Ann <ann@example.org>"
	Subject   string
	Date      time.Time // when the author says that it was written, in the zone that they give
	Received  time.Time // when the last server on its way took it: the first Received field
}

// Parse reads the header at the beginning of raw, which may be a whole message or less. Line ends are CRLF or LF.
func Parse(raw []byte) Facts {
	var f Facts
	received := false
	for name, value := range fields(raw) {
		switch strings.ToLower(name) {
		case "message-id":
			keep(&f.MessageID, messageID(value))
		case "from":
			keep(&f.From, text(value))
		case "subject":
			keep(&f.Subject, text(value))
		case "date":
			if f.Date.IsZero() {
				f.Date = date(value)
			}
		case "received":
			if !received {
				received = true
				f.Received = date(value[strings.LastIndexByte(value, ';')+1:])
			}
		}
	}
	return f
}

// keep sets a field that is not set yet: of several of a name the first counts.
func keep(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// fields goes through the fields of a header: name and unfolded value, raw.
func fields(raw []byte) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		var name string
		var value []byte
		for line := range lines(raw) {
			if line[0] == ' ' || line[0] == '\t' {
				value = append(append(value, ' '), bytes.TrimLeft(line, " \t")...)
				continue
			}
			if name != "" && !yield(name, string(value)) {
				return
			}
			before, after, _ := bytes.Cut(line, []byte(":"))
			name, value = fieldName(before, len(before) < len(line)), bytes.Clone(after)
		}
		if name != "" {
			yield(name, string(value))
		}
	}
}

// lines goes through the lines of a header, without their ends. One that is cut off at MaxBytes is left out.
func lines(raw []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		cut := len(raw) >= MaxBytes
		raw = raw[:min(len(raw), MaxBytes)]
		for len(raw) > 0 {
			line, rest, ended := bytes.Cut(raw, []byte("\n"))
			line = bytes.TrimSuffix(line, []byte("\r"))
			if len(line) == 0 || cut && !ended || !yield(line) {
				return
			}
			raw = rest
		}
	}
}

// fieldName gives the name before a colon, or "" if it is none (RFC 5322 §2.2). Blanks before the colon are an old habit (§4.5).
func fieldName(before []byte, colon bool) string {
	name := bytes.TrimRight(before, " \t")
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	if !colon {
		return ""
	}
	return string(name)
}

// messageID gives what stands between the angle brackets, or the whole field where there are none.
func messageID(value string) string {
	if _, id, ok := strings.Cut(value, "<"); ok {
		if id, _, ok := strings.Cut(id, ">"); ok {
			value = id
		}
	}
	return plain(strings.TrimSpace(value))
}

// text gives a field that is written for people.
func text(value string) string {
	value = strings.TrimSpace(strings.ReplaceAll(value, "\t", " "))
	words := mime.WordDecoder{CharsetReader: charset.Reader}
	if decoded, err := words.DecodeHeader(value); err == nil {
		value = strings.TrimSpace(decoded)
	}
	return plain(value)
}

// date gives the zero time for one that cannot be read.
func date(value string) time.Time {
	t, err := mail.ParseDate(strings.TrimSpace(value))
	if err != nil || t.UTC().Year() < 1 {
		return time.Time{} // before the calendar that RFC 3339 can write
	}
	return t
}
