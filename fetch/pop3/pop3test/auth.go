package pop3test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

// Mechanism is the server's side of a SASL mechanism. It gets the initial response, nil when there was none, and asks
// for further ones with a challenge; an error of ask is to be returned. It returns who the client has proved to be; a
// *Refusal or any other error is answered by -ERR.
type Mechanism func(initial []byte, ask func(challenge []byte) ([]byte, error)) (user string, err error)

// Refusal is an error whose text is sent behind "-ERR " as it is.
type Refusal string

func (r Refusal) Error() string { return string(r) }

var errCancelled = Refusal("authentication cancelled")

// brokenError is an error of the connection and not of the login.
type brokenError struct{ error }

// auth is AUTH with a mechanism and perhaps an initial response (RFC 5034 §4).
func (s *session) auth(args []string) (reply, error) {
	if len(args) == 0 || len(args) > 2 {
		return bad("AUTH takes a mechanism"), nil
	}
	mechanism := s.mechanism(strings.ToUpper(args[0]))
	if mechanism == nil {
		return bad("no such mechanism"), nil
	}
	var initial []byte
	if len(args) == 2 {
		var err error
		if initial, err = decode(args[1]); err != nil {
			return bad("not base64"), nil
		}
	}
	user, err := mechanism(initial, s.challenge)
	var refusal Refusal
	var broken brokenError
	switch {
	case errors.As(err, &refusal):
		return bad(string(refusal)), nil
	case errors.As(err, &broken):
		return reply{}, broken.error
	case err != nil:
		return bad("[AUTH] " + err.Error()), nil
	}
	return s.enter(user)
}

// mechanism gives the one of that name, nil for none that is offered.
func (s *session) mechanism(name string) Mechanism {
	if m := s.srv.SASL[name]; m != nil {
		return m
	}
	if own := mechanisms[name]; own != nil && (name == "PLAIN" || slices.Contains(s.srv.Mechanisms, name)) {
		return func(initial []byte, ask func([]byte) ([]byte, error)) (string, error) { return own(s, initial, ask) }
	}
	return nil
}

// decode reads a base64 response; "=" is an empty one (RFC 5034 §4).
func decode(text string) ([]byte, error) {
	if text == "=" {
		return []byte{}, nil
	}
	return base64.StdEncoding.DecodeString(text)
}

func (s *session) challenge(challenge []byte) ([]byte, error) {
	line := "+ " + base64.StdEncoding.EncodeToString(challenge)
	if err := s.answer(moment{on: Challenge}, func() (reply, error) { return reply{status: line}, nil }); err != nil {
		return nil, brokenError{err}
	}
	c, err := s.next()
	if err != nil {
		return nil, brokenError{err}
	}
	if c.line == "*" {
		return nil, errCancelled
	}
	response, err := decode(c.line)
	if err != nil {
		return nil, Refusal("not base64")
	}
	return response, nil
}
