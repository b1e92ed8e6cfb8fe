package fetch

import (
	"context"
	"fmt"

	"haulmail/config"
	"haulmail/fetch/token"
)

// loggedIn connects and logs in. A token that the server refuses is renewed once: it may have been withdrawn, or its end not known.
func (h *haul) loggedIn(ctx context.Context, secret config.Secret, mayPipeline bool) (*session, error) {
	if !h.renewed.IsZero() {
		secret = h.renewed
	}
	s, err := h.logIn(ctx, secret, mayPipeline)
	if err == nil || h.Renew == nil || !h.refusesToken(err) {
		return s, err
	}
	fresh, why := h.Renew(ctx, h.a, secret)
	if why != nil {
		return nil, doing(doingToken, fmt.Errorf("the server refused it, and there is no other: %w", why))
	}
	if fresh.Reveal() == secret.Reveal() {
		return nil, err
	}
	h.renewed = fresh
	return h.logIn(ctx, fresh, mayPipeline)
}

// logIn connects and logs in, once. After an error there is no session to close.
func (h *haul) logIn(ctx context.Context, secret config.Secret, mayPipeline bool) (*session, error) {
	s, err := h.connect(ctx, secret)
	if err != nil {
		return nil, err
	}
	if err := s.login(mayPipeline); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// refusesToken tells whether a login failed for its token.
func (h *haul) refusesToken(err error) bool {
	class, _ := h.classify(err)
	return h.a.ByToken() && class == Login
}

// Explain makes an *Error of what ended something else that was done for an account: its class and what to do; nil stays nil.
func Explain(ctx context.Context, a *config.Account, o Options, what string, err error) error {
	return newHaul(newEngine(o), a).explain(ctx, doing(what, err))
}

// classifyToken classifies why there is no token.
func (h *haul) classifyToken(e *token.Error) (Class, string) {
	switch e.Kind {
	case token.SignedOut:
		return Login, "sign in with: " + h.typed("login")
	case token.Misconfigured:
		return Config, e.Hint
	case token.UnknownHost:
		return UnknownHost, e.Hint
	case token.Unavailable:
		return Unavailable, e.Hint
	case token.Malformed:
		return Protocol, e.Hint
	case token.Disk:
		return IO, diskHint(e)
	}
	return Temporary, e.Hint
}
