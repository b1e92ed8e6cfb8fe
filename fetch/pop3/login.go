package pop3

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Mechanism is a SASL mechanism (RFC 4422); github.com/emersion/go-sasl has several. Start gives its name and the initial
// response, nil for none; Next answers a challenge.
type Mechanism interface {
	Start() (name string, initial []byte, err error)
	Next(challenge []byte) (response []byte, err error)
}

// Login logs in by USER and PASS (RFC 1939 §7). Neither may hold a line end.
func (c *Client) Login(user, password string) error {
	if strings.ContainsAny(user+password, "\r\n\x00") {
		return fmt.Errorf("log in: user name and password must not hold a line end or NUL")
	}
	c.hide(password)
	if _, err := c.command("USER " + user); err != nil {
		return err
	}
	if err := c.send("PASS "+password, "PASS"); err != nil {
		return err
	}
	_, err := c.status()
	return err
}

// Auth logs in by a SASL mechanism (RFC 5034). The initial response goes with the command where the line has room for it,
// else in answer to an empty challenge. secrets are kept out of errors and the dialogue.
func (c *Client) Auth(m Mechanism, secrets ...string) error {
	name, initial, err := m.Start()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, s := range secrets {
		c.hide(s)
	}
	c.hide(string(initial))
	line := "AUTH " + name
	if initial != nil {
		if with := line + " " + encode(initial); len(with)+2 <= maxCommand {
			line, initial = with, nil
		}
	}
	if err := c.send(line, "AUTH "+name); err != nil {
		return err
	}
	for range maxChallenges {
		challenge, more, err := c.challenge()
		if err != nil || !more {
			return err
		}
		response := initial
		if initial = nil; response == nil {
			response, err = m.Next(challenge)
		}
		if err != nil {
			return c.cancel(name, err)
		}
		if err := c.send(base64.StdEncoding.EncodeToString(response), "AUTH "+name); err != nil {
			return err
		}
	}
	return &ProtocolError{Doing: "AUTH " + name, Why: "the server's challenges do not end"}
}

// challenge reads a challenge, or the end of the exchange.
func (c *Client) challenge() (challenge []byte, more bool, err error) {
	if err := c.peek(2); err != nil {
		return nil, false, err
	}
	if c.buf[c.r] != '+' || (c.buf[c.r+1] != ' ' && c.buf[c.r+1] != '\r' && c.buf[c.r+1] != '\n') {
		_, err := c.status()
		return nil, false, err
	}
	line, err := c.line(bufferSize - 2)
	if err != nil {
		return nil, false, err
	}
	c.trace(false, "+ (challenge)")
	text := strings.TrimSpace(string(line[1:]))
	challenge, err = base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, false, &ProtocolError{Doing: c.doing, Why: "a challenge that is not base64"}
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
	return fmt.Errorf("%s: %w", name, cause)
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
