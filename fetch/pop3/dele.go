package pop3

import (
	"errors"
	"fmt"
	"strconv"
)

// Delete marks messages for deletion, many in one write if the server takes commands ahead. The server deletes them at Quit, and
// not before (RFC 1939 §6). refused gives the server's first refusal, with how many there were; the others are marked all the
// same.
func (c *Client) Delete(numbers []int, pipelining bool) (marked int, refused error, err error) {
	chunk := 1
	if pipelining {
		chunk = windowCommands
	}
	refusals := 0
	for len(numbers) > 0 {
		n := min(chunk, len(numbers))
		var commands []byte
		for _, number := range numbers[:n] {
			commands = append(commands, dele(number)+"\r\n"...)
		}
		c.expect("DELE")
		if err := c.write(commands); err != nil {
			return marked, refused, err
		}
		for _, number := range numbers[:n] {
			c.trace(true, dele(number))
			c.expect(dele(number))
			_, err := c.status()
			if no, ok := errors.AsType[*ServerError](err); ok {
				refusals++
				if refused == nil {
					refused = no
				}
				continue
			}
			if err != nil {
				return marked, refused, err
			}
			marked++
		}
		numbers = numbers[n:]
	}
	if refusals > 1 {
		refused = fmt.Errorf("%w (and %d more)", refused, refusals-1)
	}
	return marked, refused, nil
}

func dele(number int) string { return "DELE " + strconv.Itoa(number) }
