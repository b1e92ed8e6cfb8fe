package fetch

import (
	"context"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/secret"
)

func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	msgs := mail(50)
	l := newLab(t, msgs, pop3test.Fault{On: "RETR", Msg: 10, Limit: 1, Call: cancel})
	l.account.Pipelining = config.PipeliningOff
	l.account.Delete = config.Delete{Mode: config.DeleteFetched}
	began := time.Now()
	r := l.runWithin(ctx)
	if ClassOf(r.Err) != Interrupted || r.Messages < 9 || r.Messages > 11 || r.Deleted != 0 {
		t.Fatalf("delivered %d, deleted %d: %v", r.Messages, r.Deleted, r.Err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s to stop", took)
	}
	rest := l.run()
	if rest.Err != nil || rest.Messages+r.Messages != 50 {
		t.Fatalf("delivered %d and %d: %v", r.Messages, rest.Messages, rest.Err)
	}
	l.holds(texts(t, msgs)...)
	l.onServer()
}

// Of what a slow server has sent when a run is stopped, most is kept, though commands were sent ahead: a run that is always stopped gets on.
func TestStoppedWhileCommandsAreAhead(t *testing.T) {
	for _, arrived := range []int{1, 3, 40} {
		ctx, cancel := context.WithCancel(context.Background())
		l := newLab(t, mail(60), pop3test.Fault{On: "RETR", Msg: arrived + 1, Limit: 1, Do: pop3test.Stall})
		written := 0
		l.options.Step = func(name string) {
			if name == StepBodyWritten {
				if written++; written == arrived {
					cancel()
				}
			}
		}
		r := l.runWithin(ctx)
		if least := max(1, arrived/2, arrived-15); ClassOf(r.Err) != Interrupted || r.Messages < least {
			t.Errorf("%d of %d messages that had arrived are kept, want %d at least: %v", r.Messages, arrived, least, r.Err)
		}
		l.want(60-r.Messages, 0, None)
		l.holds(texts(t, mail(60))...)
	}
}

func TestStoppedBeforeTheListing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	l := newLab(t, mail(1), pop3test.Fault{On: "PASS", Call: cancel, Do: pop3test.Stall}, pop3test.Fault{On: "AUTH", Call: cancel, Do: pop3test.Stall})
	if r := l.runWithin(ctx); ClassOf(r.Err) != Interrupted || r.Took > 4*time.Second {
		t.Fatalf("ended after %s with %v", r.Took, r.Err)
	}
}

func TestStoppedWhileThePasswordIsAskedFor(t *testing.T) {
	l := newLab(t, mail(1))
	l.account.Password.Command.Shell = "sleep 10"
	ctx, cancel := context.WithCancel(context.Background())
	l.options.Password = func(ctx context.Context, a *config.Account) (config.Secret, error) {
		time.AfterFunc(50*time.Millisecond, cancel)
		return secret.Source{}.Password(ctx, a)
	}
	if r := l.runWithin(ctx); ClassOf(r.Err) != Interrupted {
		t.Errorf("ended with class %d: %v", ClassOf(r.Err), r.Err)
	}
}
