package pop3

import (
	"crypto/sha256"
	"errors"
)

// Digest is the SHA-256 of a message's header.
type Digest struct {
	Sum   [sha256.Size]byte
	Known bool // false where the server refused TOP
}

// HeaderDigests asks for the headers of messages by TOP (RFC 1939 §7), many in one write if the server takes commands ahead, and gives a
// digest of each. It tells messages apart where the server gives them no UIDs.
func (c *Client) HeaderDigests(numbers []int, pipelining bool) ([]Digest, error) {
	ahead := 1
	if pipelining {
		ahead = proofMessages
	}
	digests := make([]Digest, 0, len(numbers))
	hash := sha256.New()
	err := c.each("TOP", " 0", numbers, ahead, func(status error) error {
		if _, refused := errors.AsType[*ServerError](status); refused {
			digests = append(digests, Digest{})
			return nil
		}
		if status != nil {
			return status
		}
		hash.Reset()
		if _, _, err := c.body(hash, maxHeader); err != nil {
			return err
		}
		digests = append(digests, Digest{Sum: [sha256.Size]byte(hash.Sum(nil)), Known: true})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return digests, nil
}
