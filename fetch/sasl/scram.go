package sasl

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xdg-go/scram"
)

// What a server may ask of a client in iterations: RFC 5802 §5.1 has the least; the most takes less than a second.
const (
	leastIterations = 4096
	mostIterations  = 1 << 20
)

// scramClient is one of the SCRAM mechanisms (RFC 5802, 7677). The server's error texts are shown by their names only.
type scramClient struct {
	name         string
	conversation *scram.ClientConversation
	step         int
	reason       string
}

// newSCRAM gives the maker of a SCRAM mechanism. mayBind says that the server offers a form with channel binding, too, or may have one:
// where it has none, the client says that it could have used one, which a server that offers them takes for what it is, a man in the
// middle who has removed them (RFC 5802 §6).
func newSCRAM(name string, hash scram.HashGeneratorFcn, bound bool) func(c Credentials, mayBind bool) (Mechanism, error) {
	return func(c Credentials, mayBind bool) (Mechanism, error) {
		client, err := hash.NewClient(c.User, c.Secret, "")
		if err != nil {
			return nil, errors.New("SASLprep (RFC 4013) forbids a character of the user name or of the password")
		}
		m := &scramClient{name: name}
		switch {
		case bound:
			binding, err := channelBinding(c.TLS)
			if err != nil {
				return nil, err
			}
			m.conversation = client.NewConversationWithChannelBinding(binding)
		case c.TLS != nil && !mayBind:
			m.conversation = client.NewConversationAdvertisingChannelBinding()
		default:
			m.conversation = client.NewConversation()
		}
		return m, nil
	}
}

// channelBinding ties a login to its TLS connection: tls-exporter (RFC 9266) with TLS 1.3, before that tls-server-end-point
// (RFC 5929 §4).
func channelBinding(state *tls.ConnectionState) (scram.ChannelBinding, error) {
	if state == nil {
		return scram.ChannelBinding{}, errors.New("it needs TLS")
	}
	if state.Version >= tls.VersionTLS13 {
		return scram.NewTLSExporterBinding(state)
	}
	return scram.NewTLSServerEndpointBinding(state)
}

func (m *scramClient) Start() (string, []byte, error) {
	first, err := m.conversation.Step("")
	return m.name, []byte(first), err
}

func (m *scramClient) Next(challenge []byte) ([]byte, error) {
	text := string(challenge)
	if word, is := strings.CutPrefix(text, "e="); is && m.step < 2 {
		m.step = 2
		m.reason = scramReason(word)
		return []byte{}, nil
	}
	m.step++
	switch m.step {
	case 1:
		if err := checkIterations(text); err != nil {
			return nil, err
		}
		final, err := m.conversation.Step(text)
		if err != nil { // the library's text holds the server's
			return nil, errors.New("the server's challenge is not SCRAM's")
		}
		return []byte(final), nil
	case 2:
		if _, err := m.conversation.Step(text); err != nil {
			return nil, ErrUnproven
		}
		return []byte{}, nil
	}
	return nil, errUnexpected
}

func (m *scramClient) Finish(accepted bool) error {
	switch {
	case accepted && !m.conversation.Valid():
		return ErrUnproven
	case !accepted && m.reason != "":
		return errors.New(m.reason)
	}
	return nil
}

// checkIterations bounds the work that a server may ask for, and the least that keeps a stolen exchange from being guessed by force.
func checkIterations(first string) error {
	for field := range strings.SplitSeq(first, ",") {
		number, is := strings.CutPrefix(field, "i=")
		if !is {
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil || n > mostIterations {
			return fmt.Errorf("the server asks for more than %d iterations", mostIterations)
		}
		if n < leastIterations {
			return fmt.Errorf("the server asks for less than %d iterations", leastIterations)
		}
	}
	return nil
}

// scramReasons are the errors of RFC 5802 §7.
var scramReasons = []string{
	"invalid-encoding", "extensions-not-supported", "invalid-proof", "channel-bindings-dont-match", "server-does-support-channel-binding",
	"channel-binding-not-supported", "unsupported-channel-binding-type", "unknown-user", "invalid-username-encoding", "no-resources", "other-error",
}

// scramReason gives the name of a server's error.
func scramReason(word string) string {
	word, _, _ = strings.Cut(word, ",")
	for _, known := range scramReasons {
		if strings.EqualFold(word, known) {
			return known
		}
	}
	return "an error that RFC 5802 does not know"
}
