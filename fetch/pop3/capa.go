package pop3

import (
	"errors"
	"slices"
	"strings"
)

// Capabilities is what the server announces (RFC 2449 §5): upper-case capability → its arguments as they were sent.
type Capabilities map[string][]string

// Has tells whether a capability is announced, by its upper-case name.
func (c Capabilities) Has(name string) bool {
	_, ok := c[name]
	return ok
}

// Mechanisms gives the SASL mechanisms that are announced, as they were sent (RFC 5034 §3).
func (c Capabilities) Mechanisms() []string { return c["SASL"] }

// Capa asks for the capabilities. A server that does not know the command has none: no error. They change at the login and
// with STLS, so they have to be asked for again then.
func (c *Client) Capa() (Capabilities, error) {
	caps := Capabilities{}
	if _, err := c.command("CAPA"); err != nil {
		if _, refused := errors.AsType[*ServerError](err); refused {
			return caps, nil
		}
		return nil, err
	}
	n := 0
	err := c.lines(func(line []byte) error {
		if c.opt.Wire != nil {
			c.trace(false, c.redact(string(line)))
		}
		if n++; n > maxCapabilities {
			return &ProtocolError{Doing: "CAPA", Why: "the list of capabilities does not end"}
		}
		if name, arguments := c.capability(string(line)); name != "" {
			caps[name] = arguments
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return caps, nil
}

// capability reads one line of the list; a name of "" is none. The secrets go before anything else is made of the line, but what something
// is decided by stays even where a password reads the same: it tells nothing.
func (c *Client) capability(line string) (name string, arguments []string) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return "", nil
	}
	if name = strings.ToUpper(words[0]); !slices.Contains(knownCapabilities, name) {
		words = strings.Fields(c.redact(line))
		return strings.ToUpper(c.redact(strings.ToUpper(words[0]))), words[1:] // in upper case it may read like a secret after all
	}
	arguments = strings.Fields(c.redact(strings.Join(words[1:], " ")))
	for _, word := range words[1:] {
		if slices.Contains(knownMechanisms, strings.ToUpper(word)) && !slices.Contains(arguments, word) {
			arguments = append(arguments, word)
		}
	}
	return name, arguments
}

// knownCapabilities are those of RFC 2449, 2595, 3206, 5034 and 6856, and one that servers add.
var knownCapabilities = []string{
	"TOP", "USER", "SASL", "RESP-CODES", "LOGIN-DELAY", "PIPELINING", "EXPIRE", "UIDL", "IMPLEMENTATION", "STLS", "AUTH-RESP-CODE", "UTF8", "LANG", "CAPA",
}

// knownMechanisms are those that somebody may choose to log in by.
var knownMechanisms = []string{
	"EXTERNAL", "OAUTHBEARER", "XOAUTH2", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5",
}
