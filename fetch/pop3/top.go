package pop3

import (
	"crypto/sha256"
	"errors"
	"io"
)

// Digest is the SHA-256 of a message's header.
type Digest struct {
	Sum     [sha256.Size]byte
	Refused *ServerError // in place of the header
}

// HeaderDigests asks for the headers of messages by TOP (RFC 1939 §7), many in one write if the server takes commands ahead, and gives a
// digest of each. It tells messages apart where the server gives them no UIDs.
func (c *Client) HeaderDigests(numbers []int, pipelining bool) ([]Digest, error) {
	digests := make([]Digest, 0, len(numbers))
	hash := sha256.New()
	err := c.tops(numbers, pipelining, hash, func(refused *ServerError) {
		d := Digest{Refused: refused}
		if refused == nil {
			d.Sum = [sha256.Size]byte(hash.Sum(nil))
		}
		digests = append(digests, d)
		hash.Reset()
	})
	if err != nil {
		return nil, err
	}
	return digests, nil
}

// Headers asks for the headers of messages by TOP (RFC 1939 §7), many in one write if the server takes commands ahead, and calls take
// with the first octets of each, most at the most, in the order of numbers, or with the server's refusal: lines end in LF. The octets
// are valid only during the call.
func (c *Client) Headers(numbers []int, pipelining bool, most int, take func(header []byte, refused *ServerError)) error {
	kept := &prefix{most: most}
	return c.tops(numbers, pipelining, kept, func(refused *ServerError) {
		take(kept.octets, refused)
		kept.octets = kept.octets[:0]
	})
}

// tops writes the header of each message to w, and calls take behind each one.
func (c *Client) tops(numbers []int, pipelining bool, w io.Writer, take func(refused *ServerError)) error {
	return c.each("TOP", " 0", numbers, pipelining, func(status error) error {
		refused, isRefusal := errors.AsType[*ServerError](status)
		if status != nil && !isRefusal {
			return status
		}
		if status == nil {
			if _, _, err := c.body(w, maxHeader); err != nil {
				return err
			}
		}
		take(refused)
		return nil
	})
}

// prefix keeps the first octets of what is written to it.
type prefix struct {
	octets []byte
	most   int
}

func (p *prefix) Write(text []byte) (int, error) {
	p.octets = append(p.octets, text[:min(len(text), p.most-len(p.octets))]...)
	return len(text), nil
}
