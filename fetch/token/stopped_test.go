package token_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/token/tokentest"
)

// Whoever stops a run is not kept waiting.
func TestStopped(t *testing.T) {
	t.Parallel()
	for _, at := range []string{tokentest.AtDevice, tokentest.AtToken} {
		l := newLab(t, &tokentest.Server{Faults: []tokentest.Fault{{At: at, Silent: true}}})
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(1500*time.Millisecond, stop)
		began := time.Now()
		if _, err := l.keeper.SignIn(ctx, l.account, l.approving()); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", at, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: took %v", at, took)
		}
	}
}

// A stop while a provider answers loses no token: the one before is worthless by then.
func TestStoppedWhileRefreshing(t *testing.T) {
	t.Parallel()
	l := newLab(t, &tokentest.Server{Lifetime: time.Hour, Rotate: true})
	l.signIn()
	ctx, stop := context.WithCancel(t.Context())
	provider := l.p.TokenURL
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := http.Post(provider, r.Header.Get("Content-Type"), r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Body.Close()
		stop()
		select {
		case <-r.Context().Done(): // nobody waits for the answer
		case <-time.After(200 * time.Millisecond):
		}
		w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
		_, _ = io.Copy(w, answer.Body)
	}))
	defer slow.Close()
	l.p.TokenURL = slow.URL
	old := l.kept()
	fresh, err := l.keeper.Renew(ctx, l.account, config.NewSecret(old.AccessToken))
	if now := l.kept(); err != nil || fresh.Reveal() != now.AccessToken || !l.server.Serves(now.RefreshToken) {
		t.Errorf("token %q, %v; kept %+v, before %+v", fresh.Reveal(), err, now, old)
	}
}

// A provider that does not answer is not waited for in a run that was asked to stop.
func TestStoppedByASilentProvider(t *testing.T) {
	t.Parallel()
	l := newLab(t, &tokentest.Server{Lifetime: time.Hour})
	l.signIn()
	ctx, stop := context.WithCancel(t.Context())
	asked := make(chan bool)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		stop()
		<-r.Context().Done()
		close(asked)
	}))
	defer silent.Close()
	l.p.TokenURL = silent.URL
	if _, err := l.keeper.Renew(ctx, l.account, config.NewSecret(l.kept().AccessToken)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err) // and not the time-out of a minute
	}
	<-asked
}
