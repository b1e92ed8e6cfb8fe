package fetch

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"haulmail/config"
	"haulmail/fetch/pop3"
	"haulmail/fetch/sasl"
)

// login asks for the capabilities and logs in. Capabilities change at the login (RFC 2449 §5); they are asked for again where the
// server had not announced PIPELINING before, which is all that is decided by them afterwards.
func (s *session) login(mayPipeline bool) error {
	caps, err := s.client.Capa()
	if err != nil {
		return doing(doingLogin, err)
	}
	s.offered = caps
	how, err := s.authenticate(caps)
	if err != nil {
		return also(doing(doingLogin, err), s.h.noteTooEarly(caps, err))
	}
	if err := s.h.noteLoggedIn(caps); err != nil {
		return err
	}
	if mayPipeline && !caps.Has("PIPELINING") {
		if caps, err = s.client.Capa(); err != nil {
			return doing(doingLogin, err)
		}
	}
	s.pipelining = mayPipeline && caps.Has("PIPELINING")
	if mayPipeline && !s.pipelining {
		if s.pipelining, err = s.pipelines(); err != nil {
			return err
		}
	}
	s.h.tell(LoggedIn{Account: s.h.a.Name, Mechanism: how, TLS: s.tls, Pipelining: s.pipelining})
	s.h.Step(StepLoggedIn)
	return nil
}

// authenticate logs in by what the server offers and the account allows, strongest first. A refusal that is about the password, or
// that gives another reason, ends it; one that says nothing may mean that a mechanism which is announced just does not work.
func (s *session) authenticate(caps pop3.Capabilities) (how string, err error) {
	offer := sasl.Offer{Known: len(caps) > 0, Mechanisms: caps.Mechanisms(), User: caps.Has("USER"), APOP: s.client.HasAPOP()}
	choice, err := sasl.Choose(s.h.a.Auth.String(), offer, s.credentials())
	if err != nil {
		return "", err
	}
	var tried []error
	for i, way := range choice.Ways {
		err := s.logInBy(way)
		if err == nil {
			return way.Name, nil
		}
		if endsLogin(way, err) {
			return way.Name, err
		}
		tried = append(tried, err)
		if i+1 < len(choice.Ways) {
			s.h.tell(LoginTried{Account: s.h.a.Name, Mechanism: way.Name, Err: err})
		}
	}
	if s.h.a.Auth != config.AuthAuto {
		return "", tried[0]
	}
	return "", &refusedError{tried, choice.Passed}
}

// logInBy tries one way.
func (s *session) logInBy(way sasl.Way) error {
	switch way.Name {
	case sasl.UserPass:
		return s.client.Login(s.h.a.Username, s.password.Reveal())
	case sasl.APOP:
		return s.client.APOP(s.h.a.Username, s.password.Reveal())
	}
	return s.client.Auth(way.Mechanism)
}

// credentials are what the account has to log in with, over the connection as it stands.
func (s *session) credentials() sasl.Credentials {
	c := sasl.Credentials{
		User: s.h.a.Username, Secret: s.password.Reveal(), Token: s.h.a.ByToken(),
		Host: s.h.a.Server.Host, Port: s.h.a.Server.Port,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if secure, ok := s.conn.(*tls.Conn); ok {
		state := secure.ConnectionState()
		c.TLS, c.Certificate = &state, s.h.a.TLSClientCert != ""
	}
	return c
}

// secrets are what a server must not get repeated, also if it knows them from a session before.
func (s *session) secrets() []string { return s.credentials().Secrets() }

// refusedError is a login in which every way was refused without a reason.
type refusedError struct {
	tried  []error // by each way, in the order of the attempts
	passed []sasl.Passed
}

func (e *refusedError) Error() string {
	words := make([]string, len(e.tried))
	for i, err := range e.tried {
		words[i] = err.Error()
	}
	text := strings.Join(words, "; then ")
	if len(e.passed) > 0 {
		text += "; not tried: " + sasl.Reasons(e.passed)
	}
	return text
}

func (e *refusedError) Unwrap() []error { return e.tried }

// endsLogin tells whether another way must not be tried: the connection is of no use any more, the server is not what it should be, or
// it says why it refuses. What it says of a certificate says nothing of the password.
func endsLogin(way sasl.Way, err error) bool {
	if refused, ok := errors.AsType[*pop3.ServerError](err); ok {
		if way.Name == "EXTERNAL" {
			return temporary(refused) || soundsTemporary(refused)
		}
		return refused.Code != "" || soundsTemporary(refused) || refusesCredentials(refused) || relayed(refused)
	}
	return !isType[*pop3.MechanismError](err) || errors.Is(err, sasl.ErrUnproven)
}

// refusesCredentials tells whether a refusal is about the user name, the password or the token.
func refusesCredentials(refused *pop3.ServerError) bool {
	if refused.Code != "" {
		return refused.Code == "AUTH"
	}
	text := strings.ToLower(refused.Text + "\n" + refused.Reason)
	for _, words := range []string{
		"password", "credential", "authentication fail", "login fail", "logon fail", "login incorrect", "unknown user", "invalid user",
		"invalid_token", "expired_token", "invalid-proof", "unknown-user", "status 400", "status 401",
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// relayed tells whether the server has found that its TLS connection is not ours: somebody stands between (RFC 5802 §6).
func relayed(refused *pop3.ServerError) bool {
	return refused.Reason == "channel-bindings-dont-match" || refused.Reason == "server-does-support-channel-binding"
}

// classifyLogin classifies what ends a login on this side of the connection.
func (h *haul) classifyLogin(err error) (Class, string, bool) {
	if e, ok := errors.AsType[*sasl.NoWayError](err); ok {
		return Config, h.noWayHint(e), true
	}
	if isType[*pop3.ImpostorError](err) || errors.Is(err, sasl.ErrUnproven) {
		return Protocol, "it may be another server than it says; nothing was fetched from it", true
	}
	if isType[*pop3.MechanismError](err) {
		return Protocol, "see the dialogue with: " + h.typed("fetch -vv") + `, or set "auth" to another way`, true
	}
	return None, "", false
}

// noWayHint says what to set so that there is a way.
func (h *haul) noWayHint(e *sasl.NoWayError) string {
	if e.Asked != "" && h.OneOff != nil {
		return "leave out ;auth= for the best that the server offers"
	}
	if e.Asked != "" {
		return `set auth = "auto" for the best that the server offers`
	}
	if !h.a.NeedsSecret() {
		return "it lets nobody in by a client certificate alone: set password_command, or another key that a password comes from"
	}
	if h.a.ByToken() {
		return "does this provider take OAuth2 tokens for POP3?"
	}
	for _, p := range e.Passed {
		if p.Name == "CRAM-MD5" || p.Name == sasl.APOP {
			return fmt.Sprintf("auth = %q uses it all the same", strings.ToLower(p.Name))
		}
	}
	return `some providers take nothing but OAuth2 tokens: see "Logging in" in the README`
}

// loginHint says what to do about a refused login: what the provider is known to want, if it is known.
func (h *haul) loginHint() string {
	if h.a.OAuth != "" {
		return "is username the mailbox that was signed in to, and may it use POP? Sign in again with: " + h.typed("login")
	}
	if !h.a.NeedsSecret() {
		return "is the certificate in tls_client_cert username's, and one that the server knows?"
	}
	if hint := h.providerHint(); hint != "" && !h.a.ByToken() {
		return hint
	}
	what := cmp.Or(h.a.Password.Key(), "password")
	if h.a.ByToken() {
		what = "the token"
	}
	return fmt.Sprintf("are username and %s right? Some providers want a password made for programs. Test with: %s", what, h.typed("check --connect"))
}

// temporary tells whether a refusal says of itself that it will pass.
func temporary(refused *pop3.ServerError) bool {
	switch refused.Code {
	case "IN-USE", "LOGIN-DELAY", "SYS/TEMP":
		return true
	}
	return false
}

// soundsTemporary reads the words of a login's refusal that has no response code: the last resort, for servers older than the codes.
// "Invalid password, please try again" asks for another password, and not for patience.
func soundsTemporary(refused *pop3.ServerError) bool {
	text := strings.ToLower(refused.Text)
	for _, words := range []string{
		"mailbox is locked", "mailbox locked", "maildrop locked", "maildrop already locked", "in use", "temporar", "unable to lock",
		"lock busy",
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return strings.Contains(text, "try again") && (strings.Contains(text, "later") || !refusesCredentials(refused))
}
