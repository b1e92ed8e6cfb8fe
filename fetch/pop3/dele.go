package pop3

import (
	"errors"
	"fmt"
)

// Delete marks messages for deletion, many in one write if the server takes commands ahead. The server deletes them at Quit, and
// not before (RFC 1939 §6). marked are those that it has marked, in their order. refused gives its first refusal, with how many there
// were; the others are marked all the same.
func (c *Client) Delete(numbers []int, pipelining bool) (marked []int, refused error, err error) {
	asked, refusals := 0, 0
	err = c.each("DELE", "", numbers, pipelining, func(status error) error {
		number := numbers[asked]
		asked++
		if no, ok := errors.AsType[*ServerError](status); ok {
			refusals++
			if refused == nil {
				refused = no
			}
			return nil
		}
		if status == nil {
			marked = append(marked, number)
		}
		return status
	})
	if err == nil && refusals > 1 {
		refused = fmt.Errorf("%w (and %d more)", refused, refusals-1)
	}
	return marked, refused, err
}
