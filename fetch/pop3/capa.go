package pop3

import (
	"errors"
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
		if words := strings.Fields(string(line)); len(words) > 0 {
			caps[strings.ToUpper(words[0])] = words[1:]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return caps, nil
}
