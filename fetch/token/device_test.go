package token_test

import (
	"net/http"
	"testing"
	"time"

	"haulmail/fetch/token"
	"haulmail/fetch/token/tokentest"
)

func TestDeviceCode(t *testing.T) {
	t.Parallel()
	l := newLab(t, &tokentest.Server{Lifetime: time.Hour, Faults: []tokentest.Fault{{At: tokentest.AtToken, Code: "authorization_pending", Times: 1}}})
	granted, err := l.keeper.SignIn(t.Context(), l.account, l.approving())
	if err != nil || !granted.Refreshable || granted.Path != l.keeper.Path(l.account) || time.Until(granted.Expiry) < 59*time.Minute {
		t.Fatalf("granted %+v, %v", granted, err)
	}
	got, err := l.keeper.Token(t.Context(), l.account)
	if err != nil || !l.server.Good(got.Reveal()) || l.server.Refreshes() != 0 {
		t.Errorf("token %q, %v, %d refreshes", got.Reveal(), err, l.server.Refreshes())
	}
}

func TestCodeEnds(t *testing.T) {
	t.Parallel()
	l := newLab(t, &tokentest.Server{Faults: []tokentest.Fault{
		{At: tokentest.AtDevice, Body: `{"device_code":"A","user_code":"A","verification_uri":"https://x.example","expires_in":2,"interval":1}`},
		{At: tokentest.AtToken, Code: "authorization_pending"},
	}})
	_, err := l.keeper.SignIn(t.Context(), l.account, token.Person{ShowCode: func(string, string, time.Time) {}})
	l.wantError(err, token.StepToken, token.SignedOut, "nobody has signed in before the code ended")
}

// A provider that is away for a moment ends no sign-in: the person has typed the code by then.
func TestDeviceTrouble(t *testing.T) {
	t.Parallel()
	for what, fault := range map[string]tokentest.Fault{
		"dropped": {Drop: true},
		"away":    {Status: http.StatusServiceUnavailable},
		"busy":    {Code: "temporarily_unavailable"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			fault.At, fault.Times = tokentest.AtToken, 1
			l := newLab(t, &tokentest.Server{Lifetime: time.Hour, Faults: []tokentest.Fault{fault}})
			if granted, err := l.keeper.SignIn(t.Context(), l.account, l.approving()); err != nil || !granted.Refreshable {
				t.Errorf("granted %+v, %v", granted, err)
			}
		})
	}
}

// A provider that stays away is told of once the code has ended.
func TestDeviceTroubleToTheEnd(t *testing.T) {
	t.Parallel()
	l := newLab(t, &tokentest.Server{Faults: []tokentest.Fault{
		{At: tokentest.AtDevice, Body: `{"device_code":"A","user_code":"A","verification_uri":"https://x.example","expires_in":5,"interval":1}`},
		{At: tokentest.AtToken, Status: http.StatusServiceUnavailable},
	}})
	_, err := l.keeper.SignIn(t.Context(), l.account, token.Person{ShowCode: func(string, string, time.Time) {}})
	l.wantError(err, token.StepToken, token.SignedOut, "before the code ended; meanwhile: the provider answers 503")
}
