package pop3

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Mechanism is a SASL mechanism (RFC 4422), as package sasl has them. Start gives its name and the initial response, nil for none; Next
// answers a challenge. Finish is called with the server's verdict: it gives an error if the server accepted the login without its own
// part being done, or the reason that a challenge gave for the refusal.
type Mechanism interface {
	Start() (name string, initial []byte, err error)
	Next(challenge []byte) (response []byte, err error)
	Finish(accepted bool) error
}

// MechanismError is a login that the client's side gave up, without a verdict of the server's. The session goes on after it.
type MechanismError struct {
	Name string // of the mechanism
	Err  error
}

func (e *MechanismError) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap gives the mechanism's reason.
func (e *MechanismError) Unwrap() error { return e.Err }

// ImpostorError is a server that accepted a login without doing its own part in it. The connection must be closed.
type ImpostorError struct {
	Name string // of the mechanism
	Err  error
}

func (e *ImpostorError) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap gives the mechanism's reason.
func (e *ImpostorError) Unwrap() error { return e.Err }

// Auth logs in by a SASL mechanism (RFC 5034). The initial response goes with the command where the line has room for it, else in
// answer to an empty challenge. What is sent is kept out of errors and the dialogue, as are Options.Secrets.
func (c *Client) Auth(m Mechanism) error {
	name, initial, err := m.Start()
	if err == nil && name == "" {
		err = errors.New("a mechanism without a name") // an AUTH alone makes some servers hang up
	}
	if err != nil {
		return &MechanismError{name, err}
	}
	line := "AUTH " + name
	if initial != nil {
		c.hideSent(initial)
		if with := line + " " + encode(initial); len(with)+2 <= maxCommand {
			line, initial = with, nil
		}
	}
	if err := c.send(line, "AUTH "+name); err != nil {
		return err
	}
	for range maxChallenges {
		challenge, more, err := c.challenge()
		if !more {
			return c.finish(name, m, err)
		}
		if err != nil {
			return err
		}
		response := initial
		if initial = nil; response == nil {
			response, err = m.Next(challenge)
		}
		if err != nil {
			return c.cancel(name, err)
		}
		c.hideSent(response)
		if err := c.send(base64.StdEncoding.EncodeToString(response), "AUTH "+name); err != nil {
			return err
		}
	}
	return &ProtocolError{Doing: "AUTH " + name, Why: "the server's challenges do not end"}
}

// finish tells the mechanism the server's verdict, and adds what it has to say about that.
func (c *Client) finish(name string, m Mechanism, verdict error) error {
	refused, isRefused := errors.AsType[*ServerError](verdict)
	if verdict != nil && !isRefused {
		return verdict
	}
	reason := m.Finish(verdict == nil)
	if reason == nil {
		return verdict
	}
	if verdict == nil {
		return &ImpostorError{name, reason}
	}
	refused.Reason = c.redact(reason.Error())
	return refused
}

// challenge reads a challenge, or the end of the exchange. An error with more set is one of a challenge.
func (c *Client) challenge() (challenge []byte, more bool, err error) {
	if err := c.peek(2); err != nil {
		return nil, true, err
	}
	if c.buf[c.r] != '+' || (c.buf[c.r+1] != ' ' && c.buf[c.r+1] != '\r' && c.buf[c.r+1] != '\n') {
		_, err := c.status()
		return nil, false, err
	}
	line, err := c.line(bufferSize - 2)
	if err != nil {
		return nil, true, err
	}
	c.trace(false, "+ (challenge)")
	text := strings.TrimSpace(string(line[1:]))
	challenge, err = base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, true, &ProtocolError{Doing: c.doing, Why: "a challenge that is not base64"}
	}
	return challenge, true, nil
}

// cancel ends an exchange that the mechanism gave up (RFC 5034 §4).
func (c *Client) cancel(name string, cause error) error {
	if err := c.send("*", "AUTH "+name+" cancelled"); err != nil {
		return err
	}
	_, err := c.status()
	if err == nil {
		return &ProtocolError{Doing: "AUTH " + name, Why: "the server accepted a cancelled login"}
	}
	if _, refused := errors.AsType[*ServerError](err); !refused {
		return fmt.Errorf("%s: %w; then %w", name, cause, err)
	}
	return &MechanismError{name, cause}
}

// peek makes sure that n octets are in the buffer.
func (c *Client) peek(n int) error {
	for c.w-c.r < n {
		if err := c.fill(); err != nil {
			return err
		}
	}
	return nil
}

// hideSent keeps a response, as the line that it is sent in, from being repeated out of the server's text. Its octets need no hiding:
// either they hold the password in clear, which Options.Secrets has, or they are good for this exchange alone.
func (c *Client) hideSent(response []byte) {
	if line := encode(response); len(response) > 0 && !slices.Contains(c.secrets, line) {
		c.secrets = append(c.secrets, line, redacted)
	}
}

// hide keeps a secret, and its base64, from being repeated out of the server's text.
func (c *Client) hide(secret string) {
	if secret != "" && !slices.Contains(c.secrets, secret) {
		c.secrets = append(c.secrets, encode([]byte(secret)), redacted, secret, redacted)
	}
}

const redacted = "[redacted]"

// encode writes an initial response; one of no octets is "=" (RFC 5034 §4).
func encode(p []byte) string {
	if len(p) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(p)
}
