package fetch

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// The hostile tests run the engine against a server that is wrong in one way, and then against the same server when it behaves again:
// after that each message is in the Maildir exactly once, and on the server as the delete rule has it. TestBadServers does the same
// with the presets of pop3test.

// wire is how an account connects and logs in.
type wire struct {
	name     string
	tls      config.TLSMode
	caps     []string // nil is the default, with SASL PLAIN
	password string
	auth     config.Auth
}

var (
	plain    = wire{"plain", config.TLSNone, nil, "s3cret", config.AuthAuto}
	oneByOne = wire{"no pipelining", config.TLSNone, []string{"UIDL", "USER", "SASL PLAIN", "TOP"}, "s3cret", config.AuthAuto}
	userPass = wire{"USER and PASS", config.TLSNone, []string{"UIDL", "USER", "PIPELINING"}, "s3cret", config.AuthAuto}
	twoSteps = wire{"AUTH in two steps", config.TLSNone, nil, strings.Repeat("s3cret", 40), config.AuthAuto} // too long for one line
	apop     = wire{"APOP", config.TLSNone, nil, "s3cret", config.AuthAPOP}
	implicit = wire{"implicit TLS", config.TLSImplicit, nil, "s3cret", config.AuthAuto}
	startTLS = wire{"STARTTLS", config.TLSStart, nil, "s3cret", config.AuthAuto}
)

var hostileCA = sync.OnceValues(func() (*pop3test.CA, error) { return pop3test.NewCA(time.Now()) })

// hostileLab is a lab whose server is reached by a wire, with a certificate where that has TLS. The server's commands are kept.
func hostileLab(t *testing.T, w wire, cert pop3test.Cert, msgs []pop3test.Message, faults ...pop3test.Fault) (*lab, *dialogue) {
	t.Helper()
	box := pop3test.NewMailbox(msgs...)
	heard := &dialogue{}
	server := &pop3test.Server{
		Users:  map[string]pop3test.User{"me": {Password: w.password, Mailbox: box}},
		Caps:   w.caps,
		STLS:   w.tls == config.TLSStart,
		APOP:   w.auth == config.AuthAPOP,
		Faults: faults,
		Log:    heard.add,
	}
	ca, err := hostileCA()
	check(t, err)
	if w.tls != config.TLSNone {
		server.TLS, err = ca.TLS(cert)
		check(t, err)
	}
	l := newLabAt(t, box, server)
	l.account.TLS, l.account.Auth = w.tls, w.auth
	l.account.TLSCAFile = filepath.Join(t.TempDir(), "ca.pem")
	check(t, os.WriteFile(l.account.TLSCAFile, ca.PEM(), 0o600))
	l.options.Password = func(context.Context, *config.Account) (config.Secret, error) {
		return config.NewSecret(w.password), nil
	}
	return l, heard
}

// dialogue is what a server has heard and said.
type dialogue struct {
	mu    sync.Mutex
	lines []string
}

func (d *dialogue) add(session int, line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%d %s", session, line))
}

func (d *dialogue) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.lines, "\n")
}

// wrong is a server that is wrong in one way.
type wrong struct {
	name    string
	wire    wire
	faults  []pop3test.Fault
	ends    []Class            // what the run may end with; the good run after it ends with None
	timeout time.Duration      // the account's; 0 is one that does not matter
	msgs    []pop3test.Message // nil is mail(6)
}

// rules are the delete rules that each row is tried with.
var rules = map[string]config.Delete{"keep": {}, "delete": {Mode: config.DeleteFetched}}

// endureAll tries each row with each delete rule.
func endureAll(t *testing.T, rows []wrong) {
	leavesNothing(t)
	c := newCrowd(t)
	defer c.wait()
	for _, row := range rows {
		for mode, rule := range rules {
			if mode == "keep" && row.faults[0].On == "DELE" {
				continue
			}
			c.run(row.wire.name+"/"+row.name+"/"+mode, func(t *testing.T) { row.endure(t, rule) })
		}
	}
}

// crowd runs subtests, many at once: they wait more than they work, so that t.Parallel's limit would cost minutes.
type crowd struct {
	t      *testing.T
	names  map[string]bool
	places chan struct{}
	all    sync.WaitGroup
}

func newCrowd(t *testing.T) *crowd {
	return &crowd{t: t, names: make(map[string]bool), places: make(chan struct{}, 32)}
}

func (c *crowd) run(name string, test func(t *testing.T)) {
	c.t.Helper()
	if c.names[name] {
		c.t.Errorf("two rows are called %s", name)
	}
	c.names[name] = true
	c.places <- struct{}{}
	c.all.Go(func() {
		defer func() { <-c.places }()
		c.t.Run(name, test)
	})
}

func (c *crowd) wait() { c.all.Wait() }

// endure is one bad run and one good one.
func (row wrong) endure(t *testing.T, rule config.Delete) {
	msgs := row.msgs
	if msgs == nil {
		msgs = mail(6)
	}
	acted, faults := watched(row.faults)
	l, heard := hostileLab(t, row.wire, pop3test.Cert{}, msgs, faults...)
	l.account.Delete = rule
	l.account.Timeout = config.Duration(cmp.Or(row.timeout, 10*time.Second))
	var bad Result
	delivered := 0
	for try := 1; !acted.Load(); try++ { // a busy machine may meet the time-out before
		if try > 5 {
			t.Fatalf("the fault does not act: %v\n%s", bad.Err, heard)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), row.longest())
		bad = l.runWithin(ctx)
		cancel()
		if took := time.Since(began); took > row.longest() {
			t.Errorf("it took %v, want %v at most", took, row.longest())
		}
		delivered += bad.Messages
	}
	if !slices.Contains(row.ends, ClassOf(bad.Err)) {
		t.Errorf("it ended with class %d, want one of %d: %v", ClassOf(bad.Err), row.ends, bad.Err)
	}
	l.hasEverywhere(msgs)

	l.server.SetFaults()
	l.account.Timeout = config.Duration(10 * time.Second)
	l.clock += 48 * time.Hour // what failed is tried again
	good := l.run()
	if good.Err != nil {
		t.Fatalf("the run after it ended with %v\nthe first with %v", good.Err, bad.Err)
	}
	if delivered += good.Messages; delivered != len(msgs) {
		t.Errorf("delivered %d of %d messages\nthe first run ended with %v", delivered, len(msgs), bad.Err)
	}
	l.holds(texts(t, msgs)...)
	if rule.Mode == config.DeleteFetched {
		l.onServer()
	} else {
		l.onServer(uids(msgs)...)
	}
}

// longest bounds a run: each session may wait for one reply that does not come, or comes as slowly as the least rate just does not allow,
// and so may each of the six messages. The rest is for busy machines.
func (row wrong) longest() time.Duration { return (mostSessions+6)*2*row.timeout + 20*time.Second }

// watched has the first fault tell when it acts: a fault that does not act tests nothing.
func watched(faults []pop3test.Fault) (*atomic.Bool, []pop3test.Fault) {
	acted := &atomic.Bool{}
	all := slices.Clone(faults)
	all[0].Call = func() { acted.Store(true) }
	return acted, all
}

// leavesNothing checks, when the test and all below it are done, that no goroutine and no descriptor is left, and so no connection.
func leavesNothing(t *testing.T) {
	t.Helper()
	_, err := hostileCA() // made once, and not by the test
	check(t, err)
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors()
	t.Cleanup(func() {
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if runtime.NumGoroutine() <= goroutines && openDescriptors() <= descriptors {
				return
			}
		}
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines and %d descriptors are left of %d and %d:\n%s", runtime.NumGoroutine(), openDescriptors(),
			goroutines, descriptors, stacks[:runtime.Stack(stacks, true)])
	})
}

// openDescriptors counts this process's, or gives 0 where the system does not tell.
func openDescriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}
