package token

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/oauth2"
)

// The steps that an Error names.
const (
	StepProvider = "provider"    // what the config says of it
	StepDevice   = "device code" // a code to type is asked for (RFC 8628 §3.1)
	StepSignIn   = "sign-in"     // the browser comes back (RFC 6749 §4.1.2)
	StepToken    = "token"       // a code is exchanged for a token
	StepRefresh  = "refresh"     // a token is exchanged for a new one
	StepStore    = "token file"  // it is read, locked or written
)

// Kind says what an Error calls for.
type Kind int

// The kinds of Error.
const (
	SignedOut     Kind = iota + 1 // a person has to sign in, for the first time or again
	Misconfigured                 // what the config says of the provider is wrong
	Temporary                     // the network, or a provider that is away: it may pass
	UnknownHost                   // the name of the provider's host does not exist
	Unavailable                   // the provider's certificate is not to be trusted
	Malformed                     // the provider does not answer as RFC 6749 asks for
	Disk                          // the token file cannot be read or written
)

// Error says why there is no token. It holds none, whatever the provider said.
type Error struct {
	Step        string
	Kind        Kind
	Code        string // the provider's error (RFC 6749 §5.2), fit to be printed; "" where it gave none
	Description string // the provider's error_description, fit to be printed, shortened
	Err         error
	Hint        string // what to do about it; "" where Kind says all
}

// Error gives STEP: WHY.
func (e *Error) Error() string {
	if e.Code == "" {
		return e.Step + ": " + e.Err.Error()
	}
	text := e.Step + ": " + e.Code
	if e.Description != "" {
		text += ": " + e.Description
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

func isTemporary(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == Temporary
}

// explain makes an *Error of what ended a step. The secrets are left out of what
// the provider says.
func (c *client) explain(step string, err error, secrets ...string) error {
	e := &Error{Step: step, Err: err}
	answer, refused := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case c.ctx.Err() != nil:
		e.Kind, e.Err = Temporary, c.ctx.Err()
	case refused && answer.ErrorCode != "":
		secrets = append(secrets, c.ClientSecret)
		e.Code, e.Description = shown(answer.ErrorCode, secrets...), shown(answer.ErrorDescription, secrets...)
		e.Err = errors.New(e.Code)
		e.Kind, e.Hint = c.refusal(step, answer)
	case refused:
		e.Kind, e.Hint, e.Err = c.failure(answer.Response.StatusCode)
	case errors.Is(err, errTooLong):
		e.Kind, e.Err, e.Hint = Malformed, errTooLong, c.urlHint()
	case isURLError(err):
		e.Kind, e.Err = c.unreachable(err)
	default:
		e.Kind, e.Hint = Malformed, c.urlHint()
		e.Err = errors.New("the answer is not what OAuth asks for: " + shown(strings.TrimPrefix(err.Error(), "oauth2: "), secrets...))
	}
	return e
}

// refusal says what an error of the provider calls for (RFC 6749 §4.1.2.1 and
// §5.2, RFC 8628 §3.5, OpenID Connect Core §3.1.2.6).
func (c *client) refusal(step string, answer *oauth2.RetrieveError) (Kind, string) {
	table := "[oauth." + c.provider.Name + "]"
	switch answer.ErrorCode {
	case "invalid_grant", "access_denied", "expired_token", "interaction_required", "login_required", "consent_required":
		return SignedOut, ""
	case "invalid_client", "unauthorized_client":
		return Misconfigured, "look at client_id and client_secret below " + table + ", and at what the provider lets this client do"
	case "invalid_scope":
		return Misconfigured, "look at scopes below " + table
	case "temporarily_unavailable", "server_error", "slow_down":
		return Temporary, ""
	}
	switch {
	case answer.Response != nil && answer.Response.StatusCode >= http.StatusInternalServerError:
		return Temporary, ""
	case step == StepDevice && c.provider.AuthURL != "":
		return Misconfigured, "sign in by a browser instead, with --browser, or look at " + table
	case step == StepRefresh:
		return SignedOut, ""
	}
	return Misconfigured, "look at " + table
}

// failure says what an HTTP status without an OAuth error calls for.
func (c *client) failure(status int) (Kind, string, error) {
	err := fmt.Errorf("the provider answers %d %s", status, http.StatusText(status))
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return Temporary, "", err
	}
	return Malformed, c.urlHint(), err
}

func (c *client) urlHint() string {
	return "are device_url and token_url below [oauth." + c.provider.Name + "] right?"
}

func isURLError(err error) bool {
	_, ok := errors.AsType[*url.Error](err)
	return ok
}

// unreachable says what a failed connection calls for.
func (c *client) unreachable(err error) (Kind, error) {
	failed, _ := errors.AsType[*url.Error](err)
	host := "the provider"
	if u, err := url.Parse(failed.URL); err == nil {
		host = shown(u.Host)
	}
	if failed.Timeout() {
		return Temporary, fmt.Errorf("%s: no answer in %v", host, c.timeout)
	}
	wrapped := fmt.Errorf("%s: %w", host, failed.Err)
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return UnknownHost, wrapped
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Unavailable, wrapped
	}
	return Temporary, wrapped
}

// shown makes a provider's words fit to be printed: secrets left out, control
// characters escaped, and not too long.
func shown(text string, secrets ...string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[…]")
		}
	}
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > maxShown {
			b.WriteString("…")
			break
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\x%02x`, r)
		}
	}
	return b.String()
}
