package fetch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"haulmail/fetch/seen"
)

var (
	yesterday = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	today     = yesterday.Add(24 * time.Hour)
)

// note puts failures into the account's state.
func (l *lab) note(failures ...seen.Failure) {
	l.t.Helper()
	store := l.state()
	if err := errors.Join(store.NoteFailures(failures, nil), store.Close()); err != nil {
		l.t.Fatal(err)
	}
}

// failures tells what is noted, in order.
func (l *lab) failures() string {
	l.t.Helper()
	failed, err := Failures(context.Background(), l.account, l.options)
	if err != nil {
		l.t.Fatal(err)
	}
	var names []string
	for _, f := range failed {
		names = append(names, string(f.UID))
	}
	return strings.Join(names, " ")
}

func TestFailuresInTheOrderOfTheirNextTry(t *testing.T) {
	l := newLab(t, nil)
	l.note(
		seen.Failure{UID: []byte("c"), Count: 9, Last: yesterday, Reason: "cut off"},
		seen.Failure{UID: []byte("b"), Count: 1, Last: yesterday, Reason: "cut off"},
		seen.Failure{UID: []byte("a"), Count: 1, Last: yesterday, Reason: "too slow"},
		seen.Failure{UID: []byte("0"), Count: 1, Last: yesterday.Add(time.Hour), Reason: "too slow"},
	)
	if got, want := l.failures(), "a b 0 c"; got != want {
		t.Errorf("failures %s, want %s", got, want)
	}
	failed, err := Failures(context.Background(), l.account, l.options)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range failed {
		noted := seen.Failure{Count: f.Count, Last: f.Last}
		if !f.Next.Equal(RetryAt(noted)) || f.Next.Before(f.Last) || f.Reason == "" {
			t.Errorf("%s: %+v, want to be tried again at %s", f.UID, f, RetryAt(noted))
		}
	}
}

func TestRetry(t *testing.T) {
	for _, c := range []struct {
		what    string
		uids    string
		cleared int
		left    string
	}{
		{"none", "", 0, "a b c"},
		{"one", "b", 1, "a c"},
		{"one twice", "b b", 1, "a c"},
		{"one of them never failed", "a x", 1, "b c"},
		{"all", "a b c", 3, ""},
	} {
		l := newLab(t, nil)
		l.note(poison("a"), poison("b"), poison("c"))
		var uids [][]byte
		for _, uid := range strings.Fields(c.uids) {
			uids = append(uids, []byte(uid))
		}
		n, err := Retry(context.Background(), l.account, l.options, uids)
		if err != nil || n != c.cleared || l.failures() != c.left {
			t.Errorf("%s: cleared %d, left %q, %v; want %d, %q", c.what, n, l.failures(), err, c.cleared, c.left)
		}
	}
}

func poison(uid string) seen.Failure {
	return seen.Failure{UID: []byte(uid), Count: 3, Last: yesterday, Reason: "cut off"}
}

// A message whose time has not come is left alone; once retried by hand, the next run asks for it.
func TestRetriedMessageIsFetched(t *testing.T) {
	l := newLab(t, mail(2))
	uid := []byte(mail(2)[1].UID)
	l.note(seen.Failure{UID: uid, Count: 9, Last: time.Now(), Reason: "cut off"})
	l.want(1, 0, None)
	if n, err := Retry(context.Background(), l.account, l.options, [][]byte{uid}); n != 1 || err != nil {
		t.Fatalf("retried %d, %v", n, err)
	}
	l.want(1, 0, None)
	if left := l.failures(); left != "" {
		t.Errorf("still failing: %s", left)
	}
}

func TestEachSeen(t *testing.T) {
	l := newLab(t, nil)
	store := l.state()
	known := []seen.Entry{
		{UID: []byte("a"), ListSize: 17, Fetched: yesterday},
		{UID: []byte("b"), ListSize: seen.NoSize, Fetched: yesterday, Vanished: today},
	}
	if err := errors.Join(store.AddSeen(known), store.Close()); err != nil {
		t.Fatal(err)
	}
	var got []SeenMessage
	err := EachSeen(context.Background(), l.account, l.options, func(m SeenMessage) {
		m.UID = slices.Clone(m.UID)
		got = append(got, m)
	})
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if m := got[0]; string(m.UID) != "a" || m.Size != 17 || !m.Fetched.Equal(yesterday) || !m.Vanished.IsZero() {
		t.Errorf("listed: %+v", m)
	}
	if m := got[1]; string(m.UID) != "b" || m.Size != -1 || !m.Vanished.Equal(today) {
		t.Errorf("vanished: %+v", m)
	}
}

// Who only looks makes nothing, and hears soon and clearly when a run is at work.
func TestLookingIntoTheState(t *testing.T) {
	l := newLab(t, nil)
	ctx := context.Background()
	each := func(ctx context.Context) error { return EachSeen(ctx, l.account, l.options, func(SeenMessage) {}) }
	if left := l.failures(); left != "" {
		t.Errorf("failures without a state: %s", left)
	}
	if n, err := Retry(ctx, l.account, l.options, nil); n != 0 || err != nil {
		t.Errorf("retry without a state: %d, %v", n, err)
	}
	if err := each(ctx); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(l.options.StateDir); err == nil {
		t.Error("a state was made")
	}
	store := l.state()
	if err := store.AddSeen([]seen.Entry{{UID: []byte("a"), ListSize: 17, Fetched: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := each(ctx); ClassOf(err) != Busy || time.Since(began) < lockWait {
		t.Errorf("while a run is at work: %v after %s", err, time.Since(began))
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if err := each(stopped); ClassOf(err) != Interrupted {
		t.Errorf("stopped: %v", err)
	}
	l.account.Username = "another"
	if err := each(ctx); ClassOf(err) != Config {
		t.Errorf("of another user: %v", err)
	}
	l.account.Username = "me"
	if err := os.WriteFile(filepath.Join(l.options.StateDir, "work.db"), []byte("spoiled"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Failures(ctx, l.account, l.options); ClassOf(err) != Damaged {
		t.Errorf("damaged: %v", err)
	}
	if _, err := Retry(ctx, l.account, l.options, [][]byte{[]byte("a")}); ClassOf(err) != Damaged {
		t.Errorf("damaged: %v", err)
	}
}
