package pop3

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

// body streams the lines of a message up to "CRLF . CRLF" to w: dot-stuffing undone (RFC 1939 §3), CRLF made LF, every other octet
// as it came. It gives the message's octets on the wire, without stuffing and end, which is what LIST counts.
//
// It works in place: the decoded text never gets ahead of the text still to be read, so each filled buffer costs one write.
func (c *Client) body(w io.Writer, limit int64) (octets int64, err error) {
	lineStart := true // the octets before are CRLF, or the beginning of the message
	for {
		out, used, state := decode(c.buf[c.r:c.w], &lineStart, c.w-c.r == len(c.buf))
		octets += int64(state.octets)
		if octets > limit {
			return octets, &TooLongError{Doing: c.doing, Limit: limit}
		}
		if out > 0 {
			began := time.Now()
			if _, err := w.Write(c.buf[c.r : c.r+out]); err != nil {
				return octets, &SinkError{err}
			}
			// A slow disk must not count as a slow server.
			c.started = c.started.Add(time.Since(began))
		}
		c.r += used
		if state.ended {
			return octets, nil
		}
		if err := c.fill(); err != nil {
			return octets, err
		}
	}
}

// SinkError is the failure of the writer that takes a body, as opposed to the server's. The connection must be closed.
type SinkError struct{ Err error }

func (e *SinkError) Error() string { return fmt.Sprintf("store the message: %v", e.Err) }

// Unwrap gives the writer's error.
func (e *SinkError) Unwrap() error { return e.Err }

// decoded is what decode says of the octets that it used.
type decoded struct {
	octets int  // of the message on the wire, unstuffed
	ended  bool // the end of the message was among them
}

// decode turns text, in place, into its decoded form at text[:out], out of text[:used]. What can't be decided before more is
// read stays unused: a line without its end, unless full says that there is no room for more; then all of it goes but a last
// CR. lineStart is carried from call to call.
func decode(text []byte, lineStart *bool, full bool) (out, used int, d decoded) {
	for used < len(text) {
		end := bytes.IndexByte(text[used:], '\n')
		if end < 0 {
			if full && used == 0 {
				out, used, d.octets = decodePart(text, lineStart)
			}
			return out, used, d
		}
		line := text[used : used+end+1]
		used += end + 1
		if *lineStart && line[0] == '.' {
			if len(line) == 3 && line[1] == '\r' {
				d.ended = true
				return out, used, d
			}
			line = line[1:]
		}
		d.octets += len(line)
		*lineStart = len(line) > 1 && line[len(line)-2] == '\r'
		if *lineStart {
			line = line[:len(line)-1]
			line[len(line)-1] = '\n'
		}
		out += copy(text[out:], line)
	}
	return out, used, d
}

// decodePart takes the beginning of a line that is longer than the buffer.
func decodePart(text []byte, lineStart *bool) (out, used, octets int) {
	part := text
	if *lineStart && part[0] == '.' {
		part = part[1:]
	}
	*lineStart = false
	used = len(text)
	if part[len(part)-1] == '\r' {
		part = part[:len(part)-1]
		used--
	}
	return copy(text, part), used, len(part)
}
