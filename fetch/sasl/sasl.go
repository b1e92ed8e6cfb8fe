// Package sasl knows the SASL mechanisms (RFC 4422) that an account can log in by, and chooses among those that a server offers.
//
// Choose is the whole decision: what a server offers, what the account has and what the config says go in; the ways to try come
// out, strongest first, and with them why each other offer is left alone. Beside the mechanisms it knows the two ways of POP3's own,
// USER with PASS and APOP. PLAIN, EXTERNAL and OAUTHBEARER are github.com/emersion/go-sasl's, SCRAM is github.com/xdg-go/scram's.
//
// It does no I/O and imports nothing of the repository: package fetch hands the mechanisms to its POP3 client. A Mechanism serves one
// login and one goroutine. No error of this package holds the password or the token, and only Finish repeats what a server sent.
package sasl

import (
	"crypto/tls"
	"errors"
	"strings"

	"github.com/xdg-go/stringprep"
)

// Mechanism is the client's side of one login. Start gives the mechanism's name and its initial response, nil for none; Next answers
// a challenge. Finish is called once, with the server's verdict: it gives an error if the server accepted the login and did not do its
// own part (ErrUnproven), or the reason that a challenge gave for the refusal, if any did; that text is the server's, raw.
type Mechanism interface {
	Start() (name string, initial []byte, err error)
	Next(challenge []byte) (response []byte, err error)
	Finish(accepted bool) error
}

// ErrUnproven is a server that has not shown that it knows the password, though the mechanism asks that of it (RFC 5802 §3). It may
// be somebody else's, so nothing that shows more of the password must follow.
var ErrUnproven = errors.New("the server has not proved that it knows the password")

var errUnexpected = errors.New("the server asks for more than the mechanism has")

// Credentials are what an account can prove itself by.
type Credentials struct {
	User   string
	Secret string // the password or the token; "" is none
	Token  bool   // Secret is a bearer token (RFC 6750)
	// Certificate says that the TLS handshake had a client certificate to show.
	Certificate bool
	// TLS is the connection's state, for channel binding; nil without TLS.
	TLS *tls.ConnectionState
	// Host and Port are the server's, which OAUTHBEARER names.
	Host string
	Port int
}

// Secrets are the texts that must not be repeated from what a server says: the password or token, and what the mechanisms make of it
// that is the same in every session, whichever of them is used in this one.
func (c Credentials) Secrets() []string {
	if c.Secret == "" {
		return nil
	}
	secrets := []string{c.Secret, "\x00" + c.User + "\x00" + c.Secret, string(xoauth2Response(c)), string(oauthBearerResponse(c))}
	if prepared, err := stringprep.SASLprep.Prepare(c.Secret); err == nil && prepared != c.Secret {
		secrets = append(secrets, prepared)
	}
	return secrets
}

// holdsControls tells whether a text would end a field of a mechanism's message.
func holdsControls(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
