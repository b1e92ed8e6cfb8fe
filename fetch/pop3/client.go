// Package pop3 is the wire: a POP3 client (RFC 1939, 2449, 2595, 5034) that trusts nothing it reads.
//
// New takes a connection and does no I/O; dialing and TLS are somebody else's. Each command is a method that sends it and reads
// its reply. With pipelining some send commands ahead: List asks STAT, UIDL and LIST in one write (ListUIDs leaves LIST to
// ListSizes), Retrieve keeps a window of RETRs outstanding, Delete and what asks for headers send a window at a time. Bodies are
// streamed: memory does not grow with a message.
//
// Errors: *ServerError is a "-ERR", after which the session goes on; every other error ends it, and the connection must be
// closed. EOF is always an error. No reply may be silent for longer than the time-out, nor slower than a least rate.
//
// A Client belongs to one goroutine. Only the engine (package fetch) calls this package.
package pop3

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Client is one session with a POP3 server.
type Client struct {
	conn    net.Conn
	opt     Options
	buf     []byte // buf[r:w] is read from the connection and not yet used
	r, w    int
	doing   string        // what the bytes being read answer, for errors: "RETR 7"
	started time.Time     // when the wait for the current reply began
	got     int64         // octets of the current reply so far
	credit  time.Duration // how long the server may still be waited for, however it divides its delays
	overdue bool          // it was the credit that ended the last wait
	secrets []string      // never to be repeated from the server's text, each followed by what stands for it
	stamp   string        // the greeting's timestamp, with its brackets, or ""
}

// Options are the choices for a session.
type Options struct {
	// Timeout bounds every silence, and with the least rate every reply.
	Timeout time.Duration
	// Secrets are kept out of errors, capabilities and Wire, in clear and in base64, should the server repeat them.
	Secrets []string
	// Wire is told of each line of the dialogue but bodies and list lines, credentials replaced. Nil for none.
	Wire func(sent bool, line string)
}

// New makes a client over conn. It reads and writes nothing.
func New(conn net.Conn, opt Options) *Client {
	c := &Client{conn: conn, opt: opt, buf: make([]byte, firstBuffer), credit: mostCredit + opt.Timeout}
	for _, secret := range opt.Secrets {
		c.hide(secret)
	}
	return c
}

// Greeting reads the server's first line (RFC 1939 §4). A *ServerError means that the server does not want to serve now.
func (c *Client) Greeting() error {
	c.expect("greeting")
	text, err := c.status()
	c.stamp = timestamp(text)
	return err
}

// StartTLS asks for STLS and swaps the connection for what handshake makes of it (RFC 2595 §4). Octets that the server sent
// ahead of the handshake could be an attacker's: they are refused. The handshake has the time-out for itself, whole. After any
// error the connection must be closed.
func (c *Client) StartTLS(handshake func(net.Conn) (net.Conn, error)) error {
	if _, err := c.command("STLS"); err != nil {
		return err
	}
	if c.w > c.r {
		return &ProtocolError{Doing: "STLS", Why: "the server sent data between its answer and the TLS handshake"}
	}
	if err := c.conn.SetDeadline(time.Now().Add(c.opt.Timeout)); err != nil {
		return fmt.Errorf("STLS: %w", err)
	}
	conn, err := handshake(c.conn)
	if err != nil {
		return err
	}
	c.conn = conn
	return nil
}

// Noop does nothing but to see that the server answers (RFC 1939 §5).
func (c *Client) Noop() error {
	_, err := c.command("NOOP")
	return err
}

// Probe sends two NOOPs in one segment, and sees that both are answered: then the server takes commands ahead. An error tells that it does
// not, and ends the session like any other; a server that drops the second one is found out by the time-out, or after probeFor.
func (c *Client) Probe() error {
	defer func(timeout time.Duration) { c.opt.Timeout = timeout }(c.opt.Timeout)
	c.opt.Timeout = min(c.opt.Timeout, probeFor)
	c.expect("NOOP")
	if err := c.write([]byte("NOOP\r\nNOOP\r\n")); err != nil {
		return err
	}
	for range 2 {
		c.trace(true, "NOOP")
		c.expect("NOOP")
		if _, err := c.status(); notRefused(err) != nil {
			return err
		}
	}
	return nil
}

// Quit ends the session. Only when it returns nil has the server said that it deleted what DELE marked (RFC 1939 §6); after a
// *ServerError some of it may be left, after another error nothing is known. It does not close the connection.
func (c *Client) Quit() error {
	_, err := c.command("QUIT")
	return err
}

// command sends one line and reads its status line. The line must hold no secret.
func (c *Client) command(line string) (string, error) {
	if err := c.send(line, line); err != nil {
		return "", err
	}
	return c.status()
}

// send writes one line; shown is what the dialogue says instead of it.
func (c *Client) send(line, shown string) error {
	c.trace(true, shown)
	c.expect(shown)
	if err := c.write([]byte(line + "\r\n")); err != nil {
		return err
	}
	c.started = time.Now()
	return nil
}

// write sends p within the time-out. Whatever was asked for before must be answered and read: octets left over are an answer
// to nothing, and the next line read would not be the answer to p.
func (c *Client) write(p []byte) error {
	if err := c.nothingLeft(); err != nil {
		return err
	}
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.opt.Timeout)); err != nil {
		return fmt.Errorf("send %s: %w", c.doing, err)
	}
	if _, err := c.conn.Write(p); err != nil {
		return c.broken("send", err)
	}
	return nil
}

// nothingLeft is an error if there are octets which answer nothing.
func (c *Client) nothingLeft() error {
	if c.w == c.r {
		return nil
	}
	return &ProtocolError{
		Doing: c.doing,
		Why:   "the server sent something nobody asked for: " + excerpt(c.redact(string(c.buf[c.r:c.w]))),
	}
}

// expect says that what is read from now on answers to what doing names.
func (c *Client) expect(doing string) {
	c.doing, c.started, c.got = doing, time.Now(), 0
}

// fill reads more into the buffer, which must not be full at its whole size. It waits no longer than the time-out, nor longer than the least
// rate allows for the whole reply, nor than the session has credit for.
func (c *Client) fill() error {
	c.makeRoom()
	now := time.Now()
	deadline := now.Add(c.opt.Timeout)
	if slowest := c.started.Add(c.opt.Timeout + atLeastRate(c.got)); slowest.Before(deadline) {
		deadline = slowest
	}
	end := now.Add(c.credit)
	if c.overdue = end.Before(deadline); c.overdue {
		deadline = end
	}
	// A net.Pipe closed at its other end takes no deadline; the read tells.
	if err := c.conn.SetReadDeadline(deadline); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		return fmt.Errorf("read the answer to %s: %w", c.doing, err)
	}
	n, err := c.conn.Read(c.buf[c.w:])
	c.w += n
	c.got += int64(n)
	c.earn(atLeastRate(int64(n)) - time.Since(now))
	if n > 0 || err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return c.broken("read", err)
}

// makeRoom moves what is not used yet to the front of the buffer. One that was ever filled gets its whole size.
func (c *Client) makeRoom() {
	rest := c.buf[c.r:c.w]
	if c.w == len(c.buf) && len(c.buf) < bufferSize {
		c.buf = make([]byte, bufferSize)
	}
	c.w = copy(c.buf, rest)
	c.r = 0
}

// atLeastRate is how long so many octets may take.
func atLeastRate(octets int64) time.Duration {
	return time.Duration(octets) * (time.Second / leastRate)
}

// earn adds to the session's credit. What a server did fast it cannot save up.
func (c *Client) earn(d time.Duration) { c.credit = min(c.credit+d, mostCredit+c.opt.Timeout) }

// broken wraps an error of the connection with what was going on.
func (c *Client) broken(verb string, err error) error {
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		reading := verb == "read"
		return &TimeoutError{Doing: c.doing, Limit: c.opt.Timeout, Slow: c.got > 0 && reading, Session: c.overdue && reading}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the server closed the connection in its answer to %s: %w", c.doing, err)
	}
	return fmt.Errorf("%s (%s): %w", verb, c.doing, err)
}

func (c *Client) trace(sent bool, line string) {
	if c.opt.Wire != nil {
		c.opt.Wire(sent, line)
	}
}
