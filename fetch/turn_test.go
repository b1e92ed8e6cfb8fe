package fetch

import (
	"context"
	"slices"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// The accounts of a dry run tell of their messages in the order in which they were given, whichever has them first, and with few places.
func TestDryRunTakesTurns(t *testing.T) {
	l := newLab(t, mail(3))
	slow := newLab(t, mail(3), pop3test.Fault{On: "UIDL", Do: pop3test.Stall, For: 300 * time.Millisecond})
	var accounts []*config.Account
	for _, name := range []string{"slow", "fast", "away", "last"} {
		a := *l.account
		a.Name, a.Username = name, "me"
		switch name {
		case "slow":
			a.Server = slow.account.Server
		case "away":
			a.Server.Port = 1
		}
		accounts = append(accounts, &a)
	}
	l.options.DryRun = true
	for _, jobs := range []int{1, 2, 16} {
		l.options.Jobs, l.options.PerServer = jobs, 2
		l.events = nil
		for i, r := range Run(context.Background(), accounts, l.options) {
			if failed := r.Err != nil; failed != (i == 2) || !failed && r.Get != 3 {
				t.Fatalf("%d jobs: %+v", jobs, r)
			}
		}
		var told []string
		for _, e := range l.events {
			switch e := e.(type) {
			case Chosen:
				told = append(told, e.Account)
			case Done:
				told = append(told, e.Account+" done")
			}
		}
		want := []string{"slow", "slow", "slow", "slow done", "fast", "fast", "fast", "fast done", "away done", "last", "last", "last", "last done"}
		if !slices.Equal(told, want) {
			t.Errorf("%d jobs: told %q, want %q", jobs, told, want)
		}
	}
}

// A signal ends a dry run that waits for its turn.
func TestTurnEndsWithTheRun(t *testing.T) {
	slow := newLab(t, mail(3), pop3test.Fault{On: "UIDL", Do: pop3test.Stall, For: time.Hour})
	l := newLab(t, mail(3))
	first, second := *slow.account, *l.account
	first.Name = "slow"
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	l.options.DryRun, l.options.Jobs = true, 2
	l.options.Report = func(e Event) {
		if e, ok := e.(Listed); ok && e.Account == "work" {
			time.AfterFunc(50*time.Millisecond, stop)
		}
	}
	for _, r := range Run(ctx, []*config.Account{&first, &second}, l.options) {
		if ClassOf(r.Err) != Interrupted {
			t.Errorf("%s: %v", r.Account, r.Err)
		}
	}
}
