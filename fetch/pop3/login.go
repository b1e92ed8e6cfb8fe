package pop3

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Login logs in by USER and PASS (RFC 1939 §7). Neither may hold a line end.
func (c *Client) Login(user, password string) error {
	if strings.ContainsAny(user+password, "\r\n\x00") {
		return fmt.Errorf("log in: user name and password must not hold a line end or NUL")
	}
	c.hide(password)
	if _, err := c.command("USER " + user); err != nil {
		return err
	}
	if err := c.send("PASS "+password, "PASS"); err != nil {
		return err
	}
	_, err := c.status()
	return err
}

// msgID is what a timestamp has to look like (RFC 1939 §7, RFC 822 msg-id): printable ASCII alone. Octets beyond it let a server choose
// timestamps whose MD5 collide, and so guess the password a character at a time (CVE-2007-1558).
var msgID = regexp.MustCompile(`<[!-;=?A-~]+@[!-;=?A-~]+>`)

// timestamp gives the timestamp in a greeting, or "".
func timestamp(greeting string) string { return msgID.FindString(greeting) }

// HasAPOP tells whether the greeting holds a timestamp that is well-formed, and so whether the server offers APOP (RFC 1939 §7).
func (c *Client) HasAPOP() bool { return c.stamp != "" }

// APOP logs in by a digest of the greeting's timestamp and the password (RFC 1939 §7). The user name may hold no blank.
func (c *Client) APOP(user, password string) error {
	if !c.HasAPOP() {
		return &MechanismError{Name: "APOP", Err: errors.New("the server's greeting has no timestamp")}
	}
	if user == "" || strings.ContainsAny(user, " \t\r\n\x00") {
		return &MechanismError{Name: "APOP", Err: errors.New("the user name is empty or holds a blank")}
	}
	c.hide(password)
	sum := md5.Sum([]byte(c.stamp + password))
	digest := hex.EncodeToString(sum[:])
	c.hide(digest)
	if err := c.send("APOP "+user+" "+digest, "APOP "+user); err != nil {
		return err
	}
	_, err := c.status()
	return err
}
