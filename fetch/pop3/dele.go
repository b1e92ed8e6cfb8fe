package pop3

import (
	"errors"
	"fmt"
)

// Delete marks messages for deletion, many in one write if the server takes commands ahead. The server deletes them at Quit, and
// not before (RFC 1939 §6). refused gives the server's first refusal, with how many there were; the others are marked all the
// same.
func (c *Client) Delete(numbers []int, pipelining bool) (marked int, refused error, err error) {
	ahead := 1
	if pipelining {
		ahead = windowCommands
	}
	refusals := 0
	err = c.each("DELE", "", numbers, ahead, func(status error) error {
		if no, ok := errors.AsType[*ServerError](status); ok {
			refusals++
			if refused == nil {
				refused = no
			}
			return nil
		}
		if status == nil {
			marked++
		}
		return status
	})
	if err == nil && refusals > 1 {
		refused = fmt.Errorf("%w (and %d more)", refused, refusals-1)
	}
	return marked, refused, err
}
