package token

import (
	"context"
	"errors"
	"io"
	"net/http"

	"haulmail/config"
)

var errTooLong = errors.New("the answer is longer than 1 MiB")

// transport sends an account's requests, with certificates verified: through the
// account's proxy, or else the environment's.
func (k Keeper) transport(a *config.Account) http.RoundTripper {
	usual := http.DefaultTransport.(*http.Transport)
	if k.Dial == nil {
		return usual
	}
	dial := k.Dial(a)
	if dial == nil {
		return usual
	}
	t := usual.Clone()
	t.DialContext = dial
	t.DisableKeepAlives = true // what waits for more requests would outlive the account
	if a.Proxy.Kind != config.NoProxy && a.Proxy.Kind != config.ProxyCommand {
		t.Proxy = nil
	}
	return t
}

// bounded sends requests as its transport does. It ends them with ctx, which package
// oauth2 forgets for device codes, and bounds the answers.
type bounded struct {
	transport http.RoundTripper
	ctx       context.Context
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	unwatch := context.AfterFunc(b.ctx, cancel)
	response, err := b.transport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		unwatch()
		cancel()
		return nil, err
	}
	end := func() { unwatch(); cancel() }
	response.Body = &boundedBody{ReadCloser: response.Body, left: maxAnswer, end: end}
	return response, nil
}

// boundedBody is a body that fails when it is too long.
type boundedBody struct {
	io.ReadCloser
	left int
	end  func()
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	if b.left -= n; b.left < 0 {
		return 0, errTooLong
	}
	if err != nil {
		b.end() // package oauth2 does not close every body that it has read
	}
	return n, err
}

// Close implements io.Closer.
func (b *boundedBody) Close() error {
	b.end()
	return b.ReadCloser.Close()
}
