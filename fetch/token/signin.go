package token

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"haulmail/config"
)

// Person is whoever signs in. Its functions are called one at a time.
type Person struct {
	// Browser says that the browser is on this machine, or its last address can be
	// pasted, so that no code need be typed where a provider has both ways.
	Browser bool
	// ShowCode shows where to go and what to type there, and until when.
	ShowCode func(address, code string, until time.Time)
	// ShowAddress shows an address to open in a browser.
	ShowAddress func(address string)
	// Paste reads the address that a browser ended at, which could not reach this
	// machine. It is called after ShowAddress, and left alone when that was not needed.
	Paste func(context.Context) (string, error)
}

// Granted is what a person has got by signing in.
type Granted struct {
	Path        string    // of the token's file
	Expiry      time.Time // of the first token; zero if the provider did not say
	Refreshable bool      // it will be refreshed; else the person has to come back then
}

// SignIn has a person sign in to an account's provider, and stores the token. The
// error is an *Error, or what ClientSecret gave.
func (k Keeper) SignIn(ctx context.Context, a *config.Account, person Person) (Granted, error) {
	ctx, stop := context.WithTimeoutCause(ctx, signInWithin+time.Duration(a.Timeout), errors.New("nobody has signed in"))
	defer stop()
	c, err := k.client(ctx, a)
	if err != nil {
		return Granted{}, err
	}
	if person.Browser && c.provider.AuthURL == "" {
		err := fmt.Errorf("provider %q has no auth_url for a browser", c.provider.Name)
		return Granted{}, &Error{Step: StepProvider, Kind: Misconfigured, Err: err, Hint: "leave out --browser"}
	}
	var got *oauth2.Token
	if c.provider.DeviceURL == "" || person.Browser {
		got, err = c.byBrowser(a.Username, person)
	} else {
		got, err = c.byDevice(person)
	}
	if err != nil {
		return Granted{}, err
	}
	fresh, err := c.accept(StepToken, got)
	if err != nil {
		return Granted{}, err
	}
	unlock, err := k.lock(ctx, a)
	if err != nil {
		return Granted{}, err
	}
	defer unlock()
	if err := k.write(a, fresh); err != nil {
		return Granted{}, err
	}
	return Granted{Path: k.Path(a), Expiry: fresh.Expiry, Refreshable: fresh.RefreshToken != ""}, nil
}

// byDevice has the person type a code into a browser, wherever that is (RFC 8628).
func (c *client) byDevice(person Person) (*oauth2.Token, error) {
	device, err := c.DeviceAuth(c.ctx)
	if err != nil {
		return nil, c.explain(StepDevice, err)
	}
	if device.DeviceCode == "" || device.UserCode == "" || !isWebAddress(device.VerificationURI) {
		return nil, &Error{Step: StepDevice, Kind: Malformed, Err: errors.New("the answer lacks a code, or the address to type it at"), Hint: c.urlHint()}
	}
	if latest := time.Now().Add(signInWithin); device.Expiry.IsZero() || device.Expiry.After(latest) {
		device.Expiry = latest
	}
	person.ShowCode(shown(device.VerificationURI), shown(device.UserCode), device.Expiry)
	return c.poll(device)
}

// poll asks until the person is done. What a provider or the network cannot do for
// the moment is asked for again, less and less often (RFC 8628 §3.5).
func (c *client) poll(device *oauth2.DeviceAuthResponse) (*oauth2.Token, error) {
	if device.Interval <= 0 {
		device.Interval = usualInterval
	}
	var trouble error
	for {
		device.Interval = min(device.Interval, maxInterval)
		got, err := c.DeviceAccessToken(c.ctx, device)
		if err == nil {
			return got, nil
		}
		failed := c.explain(StepToken, err, device.DeviceCode)
		switch {
		case c.ctx.Err() != nil:
			return nil, failed
		case !time.Now().Before(device.Expiry):
			return nil, &Error{Step: StepToken, Kind: SignedOut, Err: tooLate(trouble)}
		case !isTemporary(failed):
			return nil, failed
		}
		trouble = errors.Unwrap(failed) // without the step, which is the same
		device.Interval *= 2
	}
}

// tooLate is a code that has ended. The provider's trouble before that, if any, may be why.
func tooLate(trouble error) error {
	err := errors.New("nobody has signed in before the code ended")
	if trouble != nil {
		err = fmt.Errorf("%w; meanwhile: %w", err, trouble)
	}
	return err
}

// isWebAddress says whether a person can be sent to an address.
func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}
