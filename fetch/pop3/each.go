package pop3

import "strconv"

// each sends a command for each message, a window of them ahead with pipelining, and calls take with each status in their order: nil, or
// an error which may be a *ServerError. take reads what follows a status; its error ends the rest.
func (c *Client) each(verb, rest string, numbers []int, pipelining bool, take func(status error) error) error {
	ahead := 1
	if pipelining {
		ahead = windowCommands
	}
	line := func(number int) string { return verb + " " + strconv.Itoa(number) + rest }
	for len(numbers) > 0 {
		n := min(ahead, len(numbers))
		var commands []byte
		for _, number := range numbers[:n] {
			commands = append(commands, line(number)+"\r\n"...)
		}
		c.expect(verb)
		if err := c.write(commands); err != nil {
			return err
		}
		for _, number := range numbers[:n] {
			c.expect(line(number))
			c.trace(true, c.doing)
			_, status := c.statusLike("+OK")
			if err := take(status); err != nil {
				return err
			}
		}
		numbers = numbers[n:]
	}
	return nil
}
