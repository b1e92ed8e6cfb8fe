package sasl

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/emersion/go-sasl"
)

// simple is a mechanism that needs nothing from the verdict.
type simple struct{ sasl.Client }

func (simple) Finish(bool) error { return nil }

// newPlain makes PLAIN (RFC 4616).
func newPlain(c Credentials) (Mechanism, error) {
	if strings.Contains(c.User+c.Secret, "\x00") {
		return nil, errors.New("the user name or the password holds a NUL")
	}
	return simple{sasl.NewPlainClient("", c.User, c.Secret)}, nil
}

// newExternal makes EXTERNAL (RFC 4422 appendix A). It names the user, so that a certificate of somebody else opens no other mailbox.
func newExternal(c Credentials) (Mechanism, error) {
	return simple{sasl.NewExternalClient(c.User)}, nil
}

// login is LOGIN (draft-murchison-sasl-login), which is older than PLAIN and says no more. go-sasl's sends the user name ahead, which
// many servers take for the answer to another question, and insists on one wording of the questions; servers have several. Their order
// is always the same.
type login struct {
	answers []string
}

func newLogin(c Credentials) (Mechanism, error) {
	return &login{answers: []string{c.User, c.Secret}}, nil
}

func (*login) Start() (string, []byte, error) { return "LOGIN", nil, nil }

func (l *login) Next([]byte) ([]byte, error) {
	if len(l.answers) == 0 {
		return nil, errUnexpected
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	return []byte(answer), nil
}

func (*login) Finish(bool) error { return nil }

// cramMD5 is CRAM-MD5 (RFC 2195).
type cramMD5 struct {
	user, password string
	answered       bool
}

func newCRAMMD5(c Credentials) (Mechanism, error) {
	return &cramMD5{user: c.User, password: c.Secret}, nil
}

func (*cramMD5) Start() (string, []byte, error) { return "CRAM-MD5", nil, nil }

func (m *cramMD5) Next(challenge []byte) ([]byte, error) {
	if m.answered {
		return nil, errUnexpected
	}
	if len(challenge) == 0 {
		return nil, errors.New("the server's challenge is empty")
	}
	m.answered = true
	mac := hmac.New(md5.New, []byte(m.password))
	mac.Write(challenge)
	return []byte(m.user + " " + hex.EncodeToString(mac.Sum(nil))), nil
}

func (*cramMD5) Finish(bool) error { return nil }
