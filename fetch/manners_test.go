package fetch

import (
	"context"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// Logins keep the distance that the account or the server asks for, whichever is longer, and not a second more.
func TestDistanceBetweenLogins(t *testing.T) {
	for _, row := range []struct {
		name     string
		announce string
		own      time.Duration
		distance time.Duration
		why      string
	}{
		{"none", "TOP", 0, 0, ""},
		{"the account's", "TOP", 10 * time.Minute, 10 * time.Minute, "min_interval is 10m"},
		{"the server's", "LOGIN-DELAY 900", 0, 15 * time.Minute, "the server asks for a login at most every 15m"},
		{"the server's, for some users", "LOGIN-DELAY 900 USER", time.Minute, 15 * time.Minute, "the server asks"},
		{"the account's is longer", "LOGIN-DELAY 900", time.Hour, time.Hour, "min_interval is 1h"},
		{"beyond reason", "LOGIN-DELAY 4000000000", 0, mostDelay, "every 1d"},
		{"no number", "LOGIN-DELAY soon", 0, 0, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			msgs := mail(3)
			l := newLab(t, msgs[:1])
			l.server.Caps = []string{"UIDL", "USER", row.announce}
			l.account.MinInterval = config.Duration(row.own)
			l.want(1, 0, None)
			sessions := l.server.Sessions()
			l.mailbox.Add(msgs[1])
			if row.distance > 0 {
				l.clock += row.distance - 2*time.Second
				r := l.want(0, 0, Busy)
				if e := errOf(t, r); !strings.Contains(e.Error(), row.why) || e.Hint == "" || l.server.Sessions() != sessions {
					t.Errorf("%v (hint %q) after %d sessions; want it to say %q", e, e.Hint, l.server.Sessions(), row.why)
				}
				l.options.DryRun = true
				l.want(0, 0, None)
				l.options.DryRun = false
				l.clock += 3 * time.Second
			}
			l.want(1, 0, None)
			l.clock -= 1000 * time.Hour // a clock that was wrong keeps nobody away
			l.mailbox.Add(msgs[2])
			l.want(1, 0, None)
		})
	}
}

// A login refused for the moment is tried again; one refused for good, or for longer, is not.
func TestRetries(t *testing.T) {
	refused := func(text string, times int) pop3test.Fault {
		f := pop3test.Refuse("AUTH", text)
		f.Limit = times
		return f
	}
	for _, row := range []struct {
		name     string
		fault    pop3test.Fault
		retries  int
		class    Class
		sessions int
	}{
		{"in use, once", refused("[IN-USE] locked", 1), 2, None, 2},
		{"in use, twice", refused("[IN-USE] locked", 2), 2, None, 3},
		{"in use, too often", refused("[IN-USE] locked", 2), 1, Temporary, 2},
		{"in use, without retries", refused("[IN-USE] locked", 1), 0, Temporary, 1},
		{"for now", refused("[SYS/TEMP] later", 1), 1, None, 2},
		{"login delay", refused("[LOGIN-DELAY] wait", 1), 1, Temporary, 1},
		{"password", refused("[AUTH] no", 1), 1, Login, 1},
		{"for good", refused("[SYS/PERM] no", 1), 1, Unavailable, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, mail(2), row.fault)
			l.account.Retries = row.retries
			r := l.run()
			if ClassOf(r.Err) != row.class || l.server.Sessions() != row.sessions {
				t.Errorf("class %d (%v) after %d sessions, want %d after %d", ClassOf(r.Err), r.Err, l.server.Sessions(), row.class, row.sessions)
			}
		})
	}
}

// A run that is asked to stop waits for no retry.
func TestStoppedInARetrysPause(t *testing.T) {
	l := newLab(t, mail(1), pop3test.Refuse("AUTH", "[IN-USE] locked"))
	l.account.Retries = 10
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	r := l.runWithin(ctx)
	if took := time.Since(began); ClassOf(r.Err) != Interrupted || took > firstPause {
		t.Errorf("%v after %v", r.Err, took)
	}
}
