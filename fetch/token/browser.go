package token

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// redirect is where a browser comes back to: an address of this machine that is
// listened at for as long as the person signs in (RFC 8252 §7.3).
type redirect struct {
	client   *client
	listener net.Listener
	path     string
	state    string // comes back with the browser, so that no other page can send it here
	came     chan comeback
}

// comeback is what a browser has brought.
type comeback struct {
	code string
	err  error
}

// byBrowser has the person sign in with a browser that is sent back here.
func (c *client) byBrowser(username string, person Person) (*oauth2.Token, error) {
	back, err := c.listen()
	if err != nil {
		return nil, &Error{Step: StepSignIn, Kind: Misconfigured, Err: err, Hint: "is the port of redirect_url free?"}
	}
	ctx, stop := context.WithCancel(c.ctx)
	defer stop() // what is being pasted is not waited for
	defer back.serve()()

	verifier := oauth2.GenerateVerifier()
	person.ShowAddress(c.AuthCodeURL(back.state, oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("login_hint", username)))
	if person.Paste != nil {
		go back.paste(ctx, person.Paste)
	}
	select {
	case <-ctx.Done():
		return nil, c.explain(StepSignIn, ctx.Err())
	case <-time.After(signInWithin):
		return nil, &Error{Step: StepSignIn, Kind: SignedOut, Err: fmt.Errorf("nobody has signed in within %v", signInWithin)}
	case came := <-back.came:
		if came.err != nil {
			return nil, came.err
		}
		got, err := c.Exchange(c.ctx, came.code, oauth2.VerifierOption(verifier))
		if err != nil {
			return nil, c.explain(StepToken, err, came.code, verifier)
		}
		return got, nil
	}
}

// listen listens where the provider's redirect leads, and puts the port into the
// address that it is told.
func (c *client) listen() (*redirect, error) {
	u, err := url.Parse(c.RedirectURL)
	if err != nil {
		return nil, err
	}
	host, port := u.Hostname(), u.Port()
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = "0"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	u.Host = net.JoinHostPort(u.Hostname(), port)
	if u.Path == "" {
		u.Path = "/"
	}
	c.RedirectURL = u.String()
	return &redirect{client: c, listener: listener, path: u.Path, state: rand.Text(), came: make(chan comeback, 2)}, nil
}

// serve answers the browser until the function that it gives is called.
func (r *redirect) serve() (stop func()) {
	const soon = 10 * time.Second
	server := &http.Server{Handler: r, ReadTimeout: soon, WriteTimeout: soon, MaxHeaderBytes: maxPageHeader}
	go func() { _ = server.Serve(r.listener) }() // ends when it is closed
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(ctx) // so that the browser gets its answer
		_ = server.Close()
	}
}

// ServeHTTP takes what the browser brings. A browser that is not sent by the
// provider is told so, and changes nothing.
func (r *redirect) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Connection", "close")
	if request.URL.Path != r.path || !r.isOurs(request.URL.Query()) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "This is not the page you are looking for.\n")
		return
	}
	came := r.read(request.URL.Query())
	answer := "Done: you can close this page and go back to the terminal.\n"
	if came.err != nil {
		answer = "This did not work: the terminal says why.\n"
	}
	_, _ = io.WriteString(w, answer)
	r.bring(came)
}

// paste takes the address that the browser ended at, as the person typed it.
func (r *redirect) paste(ctx context.Context, read func(context.Context) (string, error)) {
	text, err := read(ctx)
	if err != nil {
		return // nothing can be pasted, then; the browser may still come by itself
	}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || !r.isOurs(u.Query()) {
		r.bring(comeback{err: &Error{Step: StepSignIn, Kind: SignedOut, Err: errors.New("what was pasted is not the address that the browser was sent back to")}})
		return
	}
	r.bring(r.read(u.Query()))
}

// bring hands over what came first; a reload brings nothing more.
func (r *redirect) bring(came comeback) {
	select {
	case r.came <- came:
	default:
	}
}

// isOurs says whether the browser was sent by us.
func (r *redirect) isOurs(query url.Values) bool {
	return subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(r.state)) == 1
}

// read reads the provider's answer (RFC 6749 §4.1.2).
func (r *redirect) read(query url.Values) comeback {
	if code := query.Get("error"); code != "" {
		answer := &oauth2.RetrieveError{ErrorCode: code, ErrorDescription: query.Get("error_description")}
		return comeback{err: r.client.explain(StepSignIn, answer)}
	}
	if query.Get("code") == "" {
		return comeback{err: &Error{Step: StepSignIn, Kind: Malformed, Err: errors.New("the browser brings neither a code nor an error")}}
	}
	return comeback{code: query.Get("code")}
}
