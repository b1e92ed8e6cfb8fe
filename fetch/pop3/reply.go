package pop3

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ServerError is a "-ERR" reply. The session goes on after it.
type ServerError struct {
	Command string // what it answers, without arguments that are secret
	Code    string // the response code without brackets, upper case: "IN-USE", "AUTH", "SYS/TEMP"; "" for none (RFC 2449 §8, RFC 3206)
	Text    string // the server's words, raw: escape them before they are shown
	Reason  string // why, as a SASL challenge said before it, raw; "" for nothing
}

// Error gives the server's words quoted, so that no control character gets through.
func (e *ServerError) Error() string {
	text := e.Text
	if e.Code != "" {
		text = strings.TrimSpace("[" + e.Code + "] " + text)
	}
	refusal := "the server refused " + e.Command
	switch {
	case text != "":
		refusal += fmt.Sprintf(": %q", text)
	case e.Reason == "":
		refusal += " without a reason"
	}
	if e.Reason != "" {
		refusal += fmt.Sprintf(" (%.*q)", mostReason, e.Reason)
	}
	return refusal
}

// mostReason is how much of a challenge's reason an error shows.
const mostReason = 200

// ProtocolError is a reply that POP3 does not allow. The connection must be closed.
type ProtocolError struct {
	Doing string // what was being asked
	Why   string
}

func (e *ProtocolError) Error() string { return fmt.Sprintf("%s: %s", e.Doing, e.Why) }

// TimeoutError is a reply that did not come, or came slower than the least rate. The connection must be closed.
type TimeoutError struct {
	Doing string
	Limit time.Duration
	Slow  bool // something of the reply had come
	// Session is true if it is not this reply alone: all delays of the session together were too long.
	Session bool
}

func (e *TimeoutError) Error() string {
	if e.Session {
		return fmt.Sprintf("the server has been too slow for too long (less than %d octets a second), at last in its answer to %s", leastRate, e.Doing)
	}
	if e.Slow {
		return fmt.Sprintf("the answer to %s stalled or came too slowly (time-out %s)", e.Doing, e.Limit)
	}
	if e.Doing == "greeting" {
		return fmt.Sprintf("the server sent no greeting within %s", e.Limit)
	}
	return fmt.Sprintf("no answer to %s within %s", e.Doing, e.Limit)
}

// TooLongError is a message that went on after its limit. The connection must be closed.
type TooLongError struct {
	Doing string
	Limit int64 // octets
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("%s: the message did not end after %d octets", e.Doing, e.Limit)
}

// status reads a status line: its text after "+OK", or a *ServerError (RFC 1939 §3).
func (c *Client) status() (string, error) {
	text, err := c.statusLike("+OK")
	return string(text), err
}

// statusLike is status where the line may begin with any of these words instead of "+OK". The text is valid until the next read.
func (c *Client) statusLike(positive ...string) ([]byte, error) {
	line, err := c.line(maxStatusLine)
	if err != nil {
		return nil, err
	}
	c.earn(replyCredit)
	if c.opt.Wire != nil {
		c.trace(false, c.redact(string(line)))
	}
	if rest, ok := cutWord(line, "-ERR"); ok {
		return nil, c.refusal(string(rest))
	}
	for _, word := range positive {
		if rest, ok := cutWord(line, word); ok {
			return rest, nil
		}
	}
	return nil, &ProtocolError{Doing: c.doing, Why: fmt.Sprintf("expected a status line, got %s", excerpt(c.redact(string(line))))}
}

// refusal reads what follows "-ERR". The secrets go before anything else is made of the text, but a known response code stays
// even where a password reads the same: the login's fate is told by it, and it tells nothing.
func (c *Client) refusal(text string) *ServerError {
	if code, words := responseCode(text); slices.Contains(knownCodes, code) {
		return &ServerError{Command: c.doing, Code: code, Text: beginning(c.redact(words))}
	}
	code, words := responseCode(c.redact(text))
	return &ServerError{Command: c.doing, Code: c.redact(code), Text: beginning(words)} // in upper case it may read like a secret after all
}

// beginning is what is kept of a refusal's text: there may be one for each message.
func beginning(text string) string { return strings.Clone(text[:min(len(text), mostRefusal)]) }

// knownCodes are the response codes that something is decided by (RFC 2449 §8.1, RFC 3206 §4).
var knownCodes = []string{"IN-USE", "LOGIN-DELAY", "AUTH", "SYS/TEMP", "SYS/PERM"}

// line reads up to the next LF and gives the line without its CRLF or LF. It is valid until the next read. What doesn't end
// within limit octets is an error.
func (c *Client) line(limit int) ([]byte, error) {
	searched := 0
	for {
		if i := bytes.IndexByte(c.buf[c.r+searched:c.w], '\n'); i >= 0 {
			line := c.buf[c.r : c.r+searched+i]
			c.r += searched + i + 1
			if len(line) > limit {
				break
			}
			return bytes.TrimSuffix(line, []byte{'\r'}), nil
		}
		searched = c.w - c.r
		if searched > limit {
			break
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
	return nil, &ProtocolError{Doing: c.doing, Why: fmt.Sprintf("a line of more than %d octets", limit)}
}

// oddLine is what take says of a line in a multi-line reply that it can't read; lines makes a *ProtocolError of it.
type oddLine string

func (why oddLine) Error() string { return string(why) }

// lines reads a multi-line reply after its status line, and gives each line unstuffed (RFC 1939 §3).
func (c *Client) lines(take func(line []byte) error) error {
	for range maxMessages + 1 {
		line, err := c.line(maxListLine)
		if err != nil {
			return err
		}
		if len(line) > 0 && line[0] == '.' {
			line = line[1:]
			if len(line) == 0 {
				return nil
			}
		}
		if err := take(line); err != nil {
			if odd, ok := errors.AsType[oddLine](err); ok {
				err = &ProtocolError{Doing: c.doing, Why: fmt.Sprintf("%s in %s", odd, excerpt(c.redact(string(line))))}
			}
			return err
		}
	}
	return &ProtocolError{Doing: c.doing, Why: fmt.Sprintf("more than %d lines", maxMessages)}
}

// cutWord cuts an upper-case word from the front of text, whatever its case there, and the blanks behind it.
func cutWord(text []byte, word string) (rest []byte, ok bool) {
	if len(text) < len(word) || !bytes.EqualFold(text[:len(word)], []byte(word)) {
		return nil, false
	}
	rest = text[len(word):]
	if len(rest) > 0 && rest[0] != ' ' && rest[0] != '\t' {
		return nil, false
	}
	return bytes.TrimLeft(rest, " \t"), true
}

// responseCode splits "[IN-USE] words" (RFC 2449 §8). What is no code by its octets belongs to the words.
func responseCode(text string) (code, words string) {
	if !strings.HasPrefix(text, "[") {
		return "", text
	}
	end := strings.IndexByte(text, ']')
	notInCode := func(b rune) bool { return b <= ' ' || b > '~' || b == '[' }
	if end < 2 || strings.ContainsFunc(text[1:end], notInCode) {
		return "", text
	}
	return strings.ToUpper(text[1:end]), strings.TrimLeft(text[end+1:], " ")
}

// redact replaces what the server must not have repeated. A replacer is dear to make, and a server may refuse each of many messages.
func (c *Client) redact(text string) string {
	if !slices.ContainsFunc(c.secrets, func(secret string) bool { return strings.Contains(text, secret) }) {
		return text
	}
	return strings.NewReplacer(c.secrets...).Replace(text)
}

// excerpt quotes the beginning of a text for an error line.
func excerpt(text string) string {
	const most = 60
	if len(text) > most {
		return fmt.Sprintf("%q…", text[:most])
	}
	return fmt.Sprintf("%q", text)
}
