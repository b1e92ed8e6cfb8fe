package fetch

import (
	"slices"
	"testing"

	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/seen"
)

// A UID that holds the password is shown without it, and stands for its message all the same.
func TestUIDsThatHoldTheSecret(t *testing.T) {
	msgs := mail(3)
	for i, uid := range []string{"1-s3cret", "2-" + inBase64("s3cret"), "3-s3cre"} {
		msgs[i].UID = uid
	}
	l := newLab(t, msgs, pop3test.Refuse("RETR", "no"))
	want := []string{"1-[redacted]", "2-[redacted]", "3-s3cre"}
	l.want(0, 0, Poison)
	for _, uid := range want {
		if around(l.said(), `(UID "`+uid+`")`) == "" {
			t.Errorf("no warning names %s:\n%s", uid, l.said())
		}
	}
	l.options.DryRun = true
	l.run()
	l.tells(want)
	l.options.DryRun = false
	l.server.SetFaults()
	l.account.Delete = rules["delete"]
	l.want(3, 3, None)
	l.tells(slices.Concat(want, want)) // delivered, and removed
	for _, m := range msgs {
		if !l.knows(m.UID) {
			t.Errorf("the state does not know %s", m.UID)
		}
	}
}

// tells checks the UIDs of the last run's events, in their order.
func (l *lab) tells(want []string) {
	l.t.Helper()
	var got []string
	for _, e := range l.events {
		switch e := e.(type) {
		case Chosen:
			got = append(got, string(e.UID))
		case Delivered:
			got = append(got, string(e.UID))
		case Removed:
			got = append(got, string(e.UID))
		}
	}
	if !slices.Equal(got, want) {
		l.t.Errorf("told of %q, want %q", got, want)
	}
}

// knows tells whether the state has a message under a UID.
func (l *lab) knows(uid string) bool {
	store := l.state()
	defer store.Close()
	found := false
	check(l.t, store.Each(func(e seen.Entry) error {
		found = found || string(e.UID) == uid
		return nil
	}))
	return found
}

// A text that is too short to be anybody's secret by its looks is left in UIDs.
func TestShortSecretsInUIDs(t *testing.T) {
	for _, row := range []struct{ secret, uid, want string }{
		{"abcde", "abcdef", "abcdef"},
		{"abcdef", "abcdefg", "[redacted]g"},
		{"abcde", inBase64("abcde"), "[redacted]"},
		{"", "1", "1"},
	} {
		if got := string(newHush([]string{row.secret}).uid([]byte(row.uid))); got != row.want {
			t.Errorf("%q with the secret %q: %q, want %q", row.uid, row.secret, got, row.want)
		}
	}
}
