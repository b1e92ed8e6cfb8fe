package fetch

import (
	"context"
	"slices"
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

// A login that a server refuses as too early is not tried again before its time.
func TestRefusedAsTooEarly(t *testing.T) {
	for announced, distance := range map[string]time.Duration{"LOGIN-DELAY 900": 15 * time.Minute, "TOP": refusedDelay} {
		t.Run(announced, func(t *testing.T) {
			tooEarly := pop3test.Refuse("AUTH", "[LOGIN-DELAY] wait")
			tooEarly.Limit = 1
			l := newLab(t, mail(1), tooEarly)
			l.server.Caps = append(pop3test.DefaultCaps(), announced)
			l.want(0, 0, Temporary)
			l.clock += distance - 2*time.Second
			if r := l.want(0, 0, Busy); l.server.Sessions() != 1 {
				t.Errorf("%d sessions: %v", l.server.Sessions(), r.Err)
			}
			l.clock += 3 * time.Second
			l.want(1, 0, None)
		})
	}
}

// A run whose session breaks does not log in again before its time. What broke it blocks no message behind it in the runs after that.
func TestDistanceWithinARun(t *testing.T) {
	for _, mode := range []config.Pipelining{config.PipeliningAuto, config.PipeliningOff} {
		t.Run("pipelining "+mode.String(), func(t *testing.T) {
			l := newLab(t, mail(5), pop3test.Fault{On: "RETR", UID: "u2", Do: pop3test.FIN})
			l.server.Caps = append(pop3test.DefaultCaps(), "LOGIN-DELAY 900")
			l.account.Pipelining = mode
			r := l.run()
			if e := errOf(t, r); e.Class != Temporary || !strings.Contains(e.Error(), "; the next login may be at ") || l.server.Sessions() != 1 {
				t.Fatalf("%v (class %d) after %d sessions", e, e.Class, l.server.Sessions())
			}
			messages := r.Messages
			for range 2 {
				l.clock += 16 * time.Minute
				messages += l.run().Messages
			}
			if messages != 4 || l.server.Sessions() != 3 {
				t.Errorf("%d messages in %d sessions: %s", messages, l.server.Sessions(), l.said())
			}
			l.holds(slices.Delete(texts(t, mail(5)), 1, 2)...)
		})
	}
}

// What a session in which commands were sent ahead has taught counts as long as it would if another one had followed.
func TestDistanceKeepsWhatWasLearnt(t *testing.T) {
	for name, row := range map[string]struct {
		fault pop3test.Fault
		later time.Duration
		ahead bool
	}{
		"a probe that fails":               {pop3test.Fault{On: "NOOP", Batched: true, Do: pop3test.RST}, oneByOneFor - time.Hour, false},
		"a stall":                          {pop3test.Fault{On: "RETR", Batched: true, Do: pop3test.Stall, Limit: 1}, oneByOneFor - time.Hour, false},
		"an end":                           {pop3test.Fault{On: "RETR", Batched: true, Do: pop3test.FIN, Limit: 1}, untilNextRun, false},
		"an end that was long ago by then": {pop3test.Fault{On: "RETR", Batched: true, Do: pop3test.FIN, Limit: 1}, untilNextRun + time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, mail(20), row.fault)
			l.server.Caps = []string{"UIDL", "USER", "LOGIN-DELAY 900"}
			l.account.Pipelining = config.PipeliningProbe
			if row.fault.On == "RETR" {
				l.server.Caps = append(l.server.Caps, "PIPELINING")
			}
			l.account.Timeout = config.Duration(1500 * time.Millisecond)
			l.run()
			l.clock += row.later
			if r := l.run(); r.Err != nil || l.pipelined() != row.ahead || l.server.Sessions() != 2 {
				t.Errorf("%v after %d sessions; pipelining %v, want %v", r.Err, l.server.Sessions(), l.pipelined(), row.ahead)
			}
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
