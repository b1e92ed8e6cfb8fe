package fetch

import (
	"strings"
	"sync"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// newProbeLab is a lab at a server that does not announce PIPELINING, with an account that tries it all the same. probes counts the times
// that it did.
func newProbeLab(t *testing.T, msgs []pop3test.Message, faults ...pop3test.Fault) (l *lab, probes func() int) {
	t.Helper()
	l = newLab(t, msgs, faults...)
	l.server.Caps = []string{"UIDL", "USER", "TOP"}
	l.account.Pipelining = config.PipeliningProbe
	l.account.Timeout = config.Duration(1500 * time.Millisecond)
	var mu sync.Mutex
	count, last := 0, ""
	l.options.Wire = func(_ string, sent bool, line string) {
		mu.Lock()
		defer mu.Unlock()
		if sent && strings.HasPrefix(line, "NOOP") && strings.HasPrefix(last, "CAPA") {
			count++
		}
		if sent {
			last = line
		}
	}
	return l, func() int {
		mu.Lock()
		defer mu.Unlock()
		defer func() { count = 0 }()
		return count
	}
}

// pipelined tells whether the last session of the last run sent commands ahead.
func (l *lab) pipelined() bool {
	on := false
	for _, e := range l.events {
		if in, ok := e.(LoggedIn); ok {
			on = in.Pipelining
		}
	}
	return on
}

// A server that takes commands ahead without a word about it is found out, and asked again only after a while.
func TestProbeFindsPipelining(t *testing.T) {
	msgs := mail(20)
	l, probes := newProbeLab(t, msgs)
	for _, run := range []struct {
		messages, probes int
		later            time.Duration
	}{{20, 1, 0}, {0, 0, pipelinesFor - time.Hour}, {0, 1, 2 * time.Hour}, {0, 0, time.Minute}} {
		l.clock += run.later
		l.want(run.messages, 0, None)
		if n := probes(); n != run.probes || !l.pipelined() {
			t.Errorf("probed %d times, want %d; pipelining %v", n, run.probes, l.pipelined())
		}
	}
	l.account.Pipelining = config.PipeliningAuto
	l.want(0, 0, None)
	if l.pipelined() {
		t.Error("auto sends commands ahead that the server does not announce")
	}
	l.holds(texts(t, msgs)...)
}

// A server that fails the probe loses nothing by it, and is left in peace for a while. A dry run keeps to itself what it has learnt.
func TestProbeFails(t *testing.T) {
	for name, fault := range map[string]pop3test.Fault{
		"the second NOOP is dropped":    {Batched: true, Ignore: true, Do: pop3test.Stall},
		"batches are hung up on":        {Batched: true, Do: pop3test.RST},
		"the second answer is no reply": {On: "NOOP", Batched: true, Ignore: true, Text: "what?\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			msgs := mail(20)
			l, probes := newProbeLab(t, msgs, fault)
			for _, run := range []struct {
				dry              bool
				messages, probes int
				later            time.Duration
			}{{true, 0, 1, 0}, {false, 20, 1, 0}, {false, 0, 0, oneByOneFor - time.Hour}, {false, 0, 1, 2 * time.Hour}} {
				l.options.DryRun = run.dry
				l.clock += run.later
				l.want(run.messages, 0, None)
				if n := probes(); n != run.probes || l.pipelined() {
					t.Errorf("probed %d times, want %d; pipelining %v", n, run.probes, l.pipelined())
				}
			}
			l.holds(texts(t, msgs)...)
		})
	}
}
