package pop3

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
)

// HeaderDigests asks for the headers of messages by TOP (RFC 1939 §7), many in one write if the server takes commands ahead, and calls take
// with the SHA-256 of each, in the order of numbers, or with the server's refusal. It tells messages apart where the server gives them no
// UIDs. Of a header that is too long for a header its first octets count: some servers take TOP for RETR.
func (c *Client) HeaderDigests(numbers []int, pipelining bool, take func(sum [sha256.Size]byte, refused *ServerError)) error {
	d := &digest{hash: sha256.New(), left: maxHeader}
	return c.tops(numbers, pipelining, d, maxTop, func(refused *ServerError) { take(d.next(), refused) })
}

// Headers asks for the headers of messages by TOP (RFC 1939 §7), many in one write if the server takes commands ahead, and calls take
// with the first octets of each, most at the most, in the order of numbers, or with the server's refusal: lines end in LF. The octets
// are valid only during the call.
func (c *Client) Headers(numbers []int, pipelining bool, most int, take func(header []byte, refused *ServerError)) error {
	kept := &prefix{most: most}
	return c.tops(numbers, pipelining, kept, maxHeader, func(refused *ServerError) {
		take(kept.octets, refused)
		kept.octets = kept.octets[:0]
	})
}

// tops writes the header of each message to w, of so many octets at the most, and calls take behind each one.
func (c *Client) tops(numbers []int, pipelining bool, w io.Writer, limit int64, take func(refused *ServerError)) error {
	return c.each("TOP", " 0", numbers, pipelining, func(status error) error {
		refused, isRefusal := errors.AsType[*ServerError](status)
		if status != nil && !isRefusal {
			return status
		}
		if status == nil {
			if _, _, err := c.body(w, limit); err != nil {
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

// digest hashes the first octets of what is written to it.
type digest struct {
	hash hash.Hash
	left int // octets that still count
}

func (d *digest) Write(text []byte) (int, error) {
	counts := text[:min(len(text), d.left)]
	d.left -= len(counts)
	d.hash.Write(counts)
	return len(text), nil
}

// next gives the sum, and begins anew.
func (d *digest) next() [sha256.Size]byte {
	sum := [sha256.Size]byte(d.hash.Sum(nil))
	d.hash.Reset()
	d.left = maxHeader
	return sum
}
