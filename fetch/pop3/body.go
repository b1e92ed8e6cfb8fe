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
//
// at tells in its fields fused and status what may be wrong with a whole message.
func (c *Client) body(w io.Writer, limit int64) (octets int64, at place, err error) {
	at = place{lineStart: true, first: true}
	for {
		out, used, state := decode(c.buf[c.r:c.w], &at, c.w-c.r == bufferSize)
		octets += int64(state.octets)
		if octets > limit {
			return octets, at, &TooLongError{Doing: c.doing, Limit: limit}
		}
		if out > 0 {
			began := time.Now()
			if _, err := w.Write(c.buf[c.r : c.r+out]); err != nil {
				return octets, at, &SinkError{err}
			}
			// A slow disk must not count as a slow server.
			c.started = c.started.Add(time.Since(began))
		}
		c.r += used
		if state.ended {
			return octets, at, nil
		}
		if err := c.fill(); err != nil {
			return octets, at, err
		}
	}
}

// SinkError is the failure of the writer that takes a body, as opposed to the server's. The connection must be closed.
type SinkError struct{ Err error }

func (e *SinkError) Error() string { return fmt.Sprintf("store the message: %v", e.Err) }

// Unwrap gives the writer's error.
func (e *SinkError) Unwrap() error { return e.Err }

// place is where decode is in a message, from call to call.
type place struct {
	lineStart bool // the octets before are CRLF, or the beginning of the message
	first     bool // no line has been read yet
	dot       bool // the line before ends in a dot
	status    bool // the first line reads like a status line: this may be another command's answer
	fused     bool // a line that ends in a dot is followed by what reads like a status line: the server may have forgotten the CRLF before the final dot
}

// decoded is what decode says of the octets that it used.
type decoded struct {
	octets int  // of the message on the wire, unstuffed
	ended  bool // the end of the message was among them
}

// decode turns text, in place, into its decoded form at text[:out], out of text[:used]. What can't be decided before more is
// read stays unused: a line without its end, unless full says that there is no room for more; then all of it goes but a last
// CR.
func decode(text []byte, at *place, full bool) (out, used int, d decoded) {
	for used < len(text) {
		end := bytes.IndexByte(text[used:], '\n')
		if end < 0 {
			if full && used == 0 {
				out, used, d.octets = decodePart(text, at)
			}
			return out, used, d
		}
		line := text[used : used+end+1]
		used += end + 1
		if at.lineStart && line[0] == '.' {
			if len(line) == 3 && line[1] == '\r' {
				d.ended = true
				return out, used, d
			}
			line = line[1:]
		}
		d.octets += len(line)
		if (at.dot || at.first) && (line[0] == '+' || line[0] == '-') {
			reads := bytes.HasPrefix(line, []byte("+OK")) || bytes.HasPrefix(line, []byte("-ERR"))
			at.fused = at.fused || at.dot && reads
			at.status = at.status || at.first && reads
		}
		at.first = false
		at.lineStart = len(line) > 1 && line[len(line)-2] == '\r'
		if at.lineStart {
			line = line[:len(line)-1]
			line[len(line)-1] = '\n'
		}
		at.dot = at.lineStart && len(line) > 1 && line[len(line)-2] == '.'
		out += copy(text[out:], line)
	}
	return out, used, d
}

// decodePart takes the beginning of a line that is longer than the buffer.
func decodePart(text []byte, at *place) (out, used, octets int) {
	part := text
	if at.lineStart && part[0] == '.' {
		part = part[1:]
	}
	at.lineStart, at.first, at.dot = false, false, false
	used = len(text)
	if part[len(part)-1] == '\r' {
		part = part[:len(part)-1]
		used--
	}
	return copy(text, part), used, len(part)
}
