package sasl

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-sasl"
)

// bearer is XOAUTH2 or OAUTHBEARER. A server that refuses the token says why in a challenge first, and gives its verdict when that has
// been answered.
type bearer struct {
	name     string
	response []byte
	ahead    bool   // the response goes with the command
	dummy    []byte // the answer to the server's reason
	asked    int
	reason   string
}

// newXOAUTH2 makes XOAUTH2 (developers.google.com/workspace/gmail/imap/xoauth2-protocol). The token is sent when the server asks for it
// and not with the command: Exchange Online knows no other way, a usual token is too long for the line of a command, and no server is
// known that insists on the short way.
func newXOAUTH2(c Credentials) (Mechanism, error) {
	return &bearer{name: "XOAUTH2", response: xoauth2Response(c), dummy: []byte{}}, checkToken(c)
}

// newOAUTHBEARER makes OAUTHBEARER (RFC 7628).
func newOAUTHBEARER(c Credentials) (Mechanism, error) {
	return &bearer{name: sasl.OAuthBearer, response: oauthBearerResponse(c), ahead: true, dummy: []byte{1}}, checkToken(c)
}

// checkToken refuses what would end the field that it stands in.
func checkToken(c Credentials) error {
	if holdsControls(c.Secret) || holdsControls(c.User) {
		return errors.New("the token or the user name holds a control character")
	}
	return nil
}

func xoauth2Response(c Credentials) []byte {
	return []byte("user=" + c.User + "\x01auth=Bearer " + c.Secret + "\x01\x01")
}

// saslName writes a name as GS2 wants it (RFC 5801 §4).
var saslName = strings.NewReplacer("=", "=3D", ",", "=2C")

func oauthBearerResponse(c Credentials) []byte {
	client := sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{
		Username: saslName.Replace(c.User), Token: c.Secret, Host: c.Host, Port: c.Port,
	})
	_, response, _ := client.Start() // it cannot fail
	return response
}

func (b *bearer) Start() (string, []byte, error) {
	if b.ahead {
		b.asked++
		return b.name, b.response, nil
	}
	return b.name, nil, nil
}

func (b *bearer) Next(challenge []byte) ([]byte, error) {
	b.asked++
	switch b.asked {
	case 1:
		return b.response, nil
	case 2:
		b.reason = bearerReason(challenge)
		return b.dummy, nil
	}
	return nil, errUnexpected
}

func (b *bearer) Finish(accepted bool) error {
	if accepted || b.reason == "" {
		return nil
	}
	return errors.New(b.reason)
}

// bearerReason reads the server's reason (RFC 7628 §3.2.2). The status is a word such as "invalid_token", with XOAUTH2 a number of HTTP.
func bearerReason(challenge []byte) string {
	var said struct {
		Status any    `json:"status"`
		Scope  string `json:"scope"`
	}
	if json.Unmarshal(challenge, &said) != nil || said.Status == nil {
		return ""
	}
	reason := fmt.Sprint("status ", said.Status)
	if said.Scope != "" {
		reason += ", scope " + said.Scope
	}
	return reason
}
