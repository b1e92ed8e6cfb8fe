// Package token keeps the OAuth tokens (RFC 6749) that accounts log in with in
// place of a password: a person signs in once, and the runs after that refresh
// the token by themselves.
//
// SignIn leads the person through it: by a code that they type into a browser
// anywhere (RFC 8628), or by a browser that is sent back to this machine, with
// PKCE (RFC 7636, RFC 8252). What the provider gives lies in ACCOUNT.token in the
// state folder, for its owner only. Token hands out the access token, refreshed
// where it is about to end; Renew gives another one when a server has refused it.
//
// A provider may make a refresh token worthless by giving a new one. So only one
// process refreshes at a time, under a lock, and whoever waited for it reads what
// it wrote; a file is replaced whole and durably before its token is used.
//
// Nothing here waits for a person but SignIn, nothing prints, and no error holds a
// token: an error names the step, what the provider said of it, and what to do.
package token

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"haulmail/config"
)

// Keeper keeps the tokens of accounts. It may be used by many goroutines, and by
// many processes at once on the same folder.
type Keeper struct {
	Folder    string                      // absolute; it is made where it is missing
	Providers map[string]*config.Provider // by their names, as in config.Config
	// ClientSecret gives the secret of the program that a provider knows us as; the
	// zero Secret for none.
	ClientSecret func(context.Context, *config.Account, *config.Provider) (config.Secret, error)
	// Dial gives how an account's connections are opened, nil for the usual way. It may
	// be nil itself.
	Dial func(*config.Account) Dial
}

// Dial opens a connection, as net.Dialer's DialContext does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Token gives the access token of an account. It is refreshed if it is about to
// end. The error is an *Error, or what ClientSecret gave.
func (k Keeper) Token(ctx context.Context, a *config.Account) (config.Secret, error) {
	kept, err := k.read(a)
	if err != nil {
		return config.Secret{}, err
	}
	if kept.goodFor(expiryMargin) {
		return config.NewSecret(kept.AccessToken), nil
	}
	return k.replace(ctx, a, config.Secret{})
}

// Renew gives another token than the one that a server has refused: what another
// run has got meanwhile, or a new one. Errors are as those of Token.
func (k Keeper) Renew(ctx context.Context, a *config.Account, refused config.Secret) (config.Secret, error) {
	return k.replace(ctx, a, refused)
}

// replace refreshes the account's token, unless what it reads under the lock is
// good and not the refused one: another run has done it then.
func (k Keeper) replace(ctx context.Context, a *config.Account, refused config.Secret) (config.Secret, error) {
	unlock, err := k.lock(ctx, a)
	if err != nil {
		return config.Secret{}, err
	}
	defer unlock()
	kept, err := k.read(a)
	if err != nil {
		return config.Secret{}, err
	}
	isRefused := kept.AccessToken == refused.Reveal()
	if !isRefused && kept.goodFor(expiryMargin) {
		return config.NewSecret(kept.AccessToken), nil
	}
	fresh, err := k.refresh(ctx, a, kept)
	if err != nil && !isRefused && kept.goodFor(0) && isTemporary(err) {
		fresh, err = kept, nil // the provider is away, and the token good for a while still
	}
	return config.NewSecret(fresh.AccessToken), err
}

// refresh gets a new token by the refresh token, and stores it.
func (k Keeper) refresh(ctx context.Context, a *config.Account, kept stored) (stored, error) {
	if kept.RefreshToken == "" {
		return stored{}, &Error{Step: StepRefresh, Kind: SignedOut, Err: errNotRefreshable}
	}
	client, err := k.client(ctx, a)
	if err != nil {
		return stored{}, err
	}
	answering, stop := outlasting(ctx)
	defer stop()
	client.use(answering)
	got, err := client.TokenSource(client.ctx, &oauth2.Token{RefreshToken: kept.RefreshToken}).Token()
	if err != nil {
		return stored{}, client.explain(StepRefresh, err, kept.RefreshToken)
	}
	fresh, err := client.accept(StepRefresh, got)
	if err != nil {
		return stored{}, err
	}
	return fresh, k.write(a, fresh)
}

// outlasting gives a context that ends that much later than ctx.
func outlasting(ctx context.Context) (longer context.Context, stop func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unwatch := context.AfterFunc(ctx, func() { time.AfterFunc(answerWithin, cancel) })
	return longer, func() { unwatch(); cancel() }
}

// client speaks with an account's provider.
type client struct {
	oauth2.Config
	ctx       context.Context // carries the HTTP client, as package oauth2 has it
	provider  *config.Provider
	timeout   config.Duration
	transport http.RoundTripper
}

func (k Keeper) client(ctx context.Context, a *config.Account) (*client, error) {
	p := k.Providers[a.OAuth]
	if p == nil {
		return nil, &Error{Step: StepProvider, Kind: Misconfigured, Err: errors.New("the config has no provider " + shown(a.OAuth))}
	}
	secret, err := k.ClientSecret(ctx, a, p)
	if err != nil {
		return nil, err
	}
	c := &client{
		Config: oauth2.Config{
			ClientID: p.ClientID, ClientSecret: secret.Reveal(), Scopes: p.Scopes, RedirectURL: p.RedirectURL,
			// Not by trial: a second try would spend the code or the refresh token twice.
			Endpoint: oauth2.Endpoint{AuthURL: p.AuthURL, DeviceAuthURL: p.DeviceURL, TokenURL: p.TokenURL, AuthStyle: oauth2.AuthStyleInParams},
		},
		provider:  p,
		timeout:   a.Timeout,
		transport: k.transport(a),
	}
	c.use(ctx)
	return c, nil
}

// use has the requests from now on end with ctx.
func (c *client) use(ctx context.Context) {
	c.ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
		Timeout:       time.Duration(c.timeout),
		Transport:     bounded{c.transport, ctx},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // secrets go nowhere else
	})
}

// accept checks what a provider gave.
func (c *client) accept(step string, got *oauth2.Token) (stored, error) {
	for _, text := range []string{got.AccessToken, got.RefreshToken} {
		if !isToken(text) {
			return stored{}, &Error{Step: step, Kind: Malformed, Err: errors.New("what the provider gave is no token: it holds a blank or a character that is not ASCII")}
		}
	}
	return stored{
		Provider: c.provider.Name, ClientID: c.provider.ClientID,
		AccessToken: got.AccessToken, RefreshToken: got.RefreshToken, Expiry: got.Expiry.UTC().Truncate(time.Second),
	}, nil
}
