package pop3test

import (
	"bytes"
	"io"
	"iter"
)

var (
	crlf    = []byte("\r\n")
	lf      = []byte("\n")
	dot     = []byte(".")
	lastDot = []byte(".\r\n")
)

// reply is the answer to one command: a status line and, at most one of them, a listing or a message.
type reply struct {
	status string
	// listing yields the lines of a multi-line reply with the message number each is about, or 0. A line is valid
	// until the next one is asked for.
	listing iter.Seq2[int, []byte]
	message *Message
	body    func() io.Reader // what is sent of message
}

func ok(text string) reply  { return reply{status: "+OK " + text} }
func bad(text string) reply { return reply{status: "-ERR " + text} }

// writeTo sends r, changed as the faults say. Errors of w are sticky there and need no check here.
func (r *reply) writeTo(w io.Writer, change changes) {
	io.WriteString(w, r.status)
	w.Write(crlf)
	switch {
	case r.listing != nil:
		for n, line := range r.listing {
			if change.line != nil {
				line = []byte(change.line(n, string(line)))
				if len(line) == 0 {
					continue
				}
			}
			w.Write(line)
			w.Write(crlf)
		}
		w.Write(lastDot)
	case r.body != nil:
		writeBody(w, change.pick(r.message, r.body()), change.mangle)
	}
}

// writeBody sends body with its leading dots doubled and the final dot behind it (RFC 1939 §3).
func writeBody(w io.Writer, body io.Reader, mangle Mangle) {
	d := &dotWriter{w: w, mangle: mangle, fresh: true}
	io.Copy(d, body)
	d.close()
}

// dotWriter doubles the dot at the start of each line, a line being what follows a CRLF.
type dotWriter struct {
	w      io.Writer
	mangle Mangle
	fresh  bool // at the start of a line
	cr     bool // the last octet was a CR
	heldCR bool // that CR is not sent yet (BareLF only)
}

func (d *dotWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line = rest[:i+1]
		}
		rest = rest[len(line):]
		if d.fresh && line[0] == '.' && d.mangle&Unstuffed == 0 {
			d.w.Write(dot)
		}
		before := d.cr
		if len(line) > 1 {
			before = line[len(line)-2] == '\r'
		}
		last := line[len(line)-1]
		d.fresh = last == '\n' && (before || d.mangle&BareLF != 0)
		d.cr = last == '\r'
		if err := d.send(line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// send writes a line or a part of one, with LF for CRLF where that is asked for.
func (d *dotWriter) send(line []byte) (err error) {
	if d.mangle&BareLF == 0 {
		_, err = d.w.Write(line)
		return err
	}
	if d.heldCR && line[0] != '\n' {
		d.w.Write(crlf[:1])
	}
	d.heldCR = d.cr
	switch {
	case d.heldCR:
		line = line[:len(line)-1]
	case bytes.HasSuffix(line, crlf):
		d.w.Write(line[:len(line)-2])
		line = lf
	}
	_, err = d.w.Write(line)
	return err
}

// close ends the message.
func (d *dotWriter) close() {
	end := crlf
	if d.mangle&BareLF != 0 {
		end = lf
		if d.heldCR {
			d.w.Write(crlf[:1])
		}
	}
	if !d.fresh && d.mangle&GluedDot == 0 {
		d.w.Write(end)
	}
	d.w.Write(dot)
	d.w.Write(end)
}
