package pop3

import (
	"crypto/sha256"
	"errors"
	"strconv"
)

// Digest is the SHA-256 of a message's header.
type Digest struct {
	Sum   [sha256.Size]byte
	Known bool // false where the server refused TOP
}

// HeaderDigests asks for the headers of messages by TOP (RFC 1939 §7), many in one write if the server takes commands ahead, and gives a
// digest of each. It tells messages apart where the server gives them no UIDs.
func (c *Client) HeaderDigests(numbers []int, pipelining bool) ([]Digest, error) {
	chunk := 1
	if pipelining {
		chunk = proofMessages
	}
	digests := make([]Digest, 0, len(numbers))
	hash := sha256.New()
	for len(numbers) > 0 {
		n := min(chunk, len(numbers))
		var commands []byte
		for _, number := range numbers[:n] {
			commands = append(commands, top(number)+"\r\n"...)
		}
		c.expect("TOP")
		if err := c.write(commands); err != nil {
			return nil, err
		}
		for _, number := range numbers[:n] {
			c.trace(true, top(number))
			c.expect(top(number))
			_, err := c.status()
			if _, refused := errors.AsType[*ServerError](err); refused {
				digests = append(digests, Digest{})
				continue
			}
			hash.Reset()
			if err == nil {
				_, _, err = c.body(hash, maxHeader)
			}
			if err != nil {
				return nil, err
			}
			digests = append(digests, Digest{Sum: [sha256.Size]byte(hash.Sum(nil)), Known: true})
		}
		numbers = numbers[n:]
	}
	return digests, nil
}

func top(number int) string { return "TOP " + strconv.Itoa(number) + " 0" }
