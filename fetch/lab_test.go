package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/seen"
)

// lab is one account at a server of its own, with a Maildir and a state folder, and a clock that tests may move.
type lab struct {
	t       *testing.T
	server  *pop3test.Server
	mailbox *pop3test.Mailbox
	account *config.Account
	options Options

	mu     sync.Mutex
	events []Event
	clock  time.Duration // ahead of the real time
}

// newLab serves msgs with the given faults.
func newLab(t *testing.T, msgs []pop3test.Message, faults ...pop3test.Fault) *lab {
	t.Helper()
	box := pop3test.NewMailbox(msgs...)
	return newLabAt(t, box, &pop3test.Server{
		Users:  map[string]pop3test.User{"me": {Password: "s3cret", Mailbox: box}},
		Faults: faults,
	})
}

// newLabAt is a lab at a server that holds box for the user me.
func newLabAt(t *testing.T, box *pop3test.Mailbox, server *pop3test.Server) *lab {
	t.Helper()
	l := &lab{t: t, mailbox: box, server: server}
	l.start()
	dir := t.TempDir()
	l.account.Maildir = filepath.Join(dir, "mail")
	l.options = Options{
		StateDir: filepath.Join(dir, "state"), Hostname: "here",
		Password: func(context.Context, *config.Account) (config.Secret, error) { return config.NewSecret("s3cret"), nil },
		Report:   l.report,
		Now:      func() time.Time { return time.Now().Add(l.clock) },
	}
	return l
}

func (l *lab) start() {
	l.t.Helper()
	addr, err := l.server.Start()
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(l.server.Close)
	host, port, _ := strings.Cut(addr, ":")
	l.account = &config.Account{
		Name: "work", Server: config.Server{Host: host}, TLS: config.TLSNone, Username: "me",
		Timeout: config.Duration(10 * time.Second), PasswordTimeout: config.Duration(10 * time.Second),
	}
	if _, err := fmt.Sscan(port, &l.account.Server.Port); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) report(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// run fetches once, and checks that nothing is left in the spool.
func (l *lab) run() Result {
	l.t.Helper()
	return l.runWithin(context.Background())
}

func (l *lab) runWithin(ctx context.Context) Result {
	l.t.Helper()
	l.events = nil
	r := Run(ctx, []*config.Account{l.account}, l.options)[0]
	if left, _ := filepath.Glob(filepath.Join(l.account.Maildir, "tmp", ".haulmail-*")); len(left) > 0 {
		l.t.Errorf("the spool is left behind: %v", left)
	}
	return r
}

// want runs once and checks the outcome: how many messages were delivered, how many deleted, and the class of the end.
func (l *lab) want(messages, deleted int, class Class) Result {
	l.t.Helper()
	r := l.run()
	if r.Messages != messages || r.Deleted != deleted || ClassOf(r.Err) != class {
		l.t.Fatalf("delivered %d, deleted %d, ended with class %d (%v); want %d, %d, class %d\nevents: %s",
			r.Messages, r.Deleted, ClassOf(r.Err), r.Err, messages, deleted, class, l.said())
	}
	return r
}

// state opens the account's state.
func (l *lab) state() *seen.Store {
	l.t.Helper()
	store, err := seen.Open(filepath.Join(l.options.StateDir, "work.db"), seen.Identity{Server: "127.0.0.1", User: "me"}, seen.Options{})
	if err != nil {
		l.t.Fatal(err)
	}
	return store
}

// holds checks that new/ and cur/ hold exactly these contents, in any order.
func (l *lab) holds(want ...string) {
	l.t.Helper()
	got := l.contents()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		l.t.Fatalf("the Maildir holds %d messages %.300q\nwant %d: %.300q", len(got), got, len(want), want)
	}
}

func (l *lab) contents() []string {
	l.t.Helper()
	var all []string
	for _, path := range l.files() {
		content, err := os.ReadFile(path)
		if err != nil {
			l.t.Fatal(err)
		}
		all = append(all, string(content))
	}
	return all
}

func (l *lab) files() []string {
	l.t.Helper()
	var paths []string
	for _, folder := range []string{"new", "cur"} {
		found, err := filepath.Glob(filepath.Join(l.account.Maildir, folder, "*"))
		if err != nil {
			l.t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	return paths
}

// onServer checks which messages the mailbox still holds.
func (l *lab) onServer(uids ...string) {
	l.t.Helper()
	if got := l.mailbox.UIDs(); !slices.Equal(got, uids) {
		l.t.Fatalf("the server holds %q, want %q", got, uids)
	}
}

// said gives the warnings and choices of the last run, a line each.
func (l *lab) said() string {
	var lines []string
	for _, e := range l.events {
		switch e := e.(type) {
		case Warning:
			lines = append(lines, "warning: "+e.Text)
		case Chosen:
			lines = append(lines, fmt.Sprintf("%s %s: %s", e.Action, e.UID, e.Text))
		case Recovered:
			lines = append(lines, fmt.Sprintf("recovered %d %d %d", e.Delivered, e.Finished, e.Again))
		case Shown:
			lines = append(lines, fmt.Sprintf("shown %s, trusted %v", e.Pin, e.Trusted))
		case Rebuilt:
			lines = append(lines, fmt.Sprintf("rebuilt %d %d", e.Recognised, e.Again))
		}
	}
	return strings.Join(lines, "\n")
}

// mail makes n messages with the UIDs u1…un; message i reads "mail i", and some bangs that make its size differ from its neighbours'.
func mail(n int) []pop3test.Message {
	var msgs []pop3test.Message
	for i := 1; i <= n; i++ {
		msgs = append(msgs, pop3test.Message{UID: fmt.Sprintf("u%d", i), Data: fmt.Appendf(nil, "Subject: %d\r\n\r\nmail %d%s\r\n", i, i, strings.Repeat("!", 3*(i%7)))})
	}
	return msgs
}

// texts gives what the Maildir should hold of messages.
func texts(t *testing.T, msgs []pop3test.Message) []string {
	t.Helper()
	var all []string
	for _, m := range msgs {
		data, err := io.ReadAll(m.Reader())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))))
	}
	return all
}

func uids(msgs []pop3test.Message) []string {
	var all []string
	for _, m := range msgs {
		all = append(all, m.UID)
	}
	return all
}

// errOf gives the *Error of a result.
func errOf(t *testing.T, r Result) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](r.Err)
	if !ok {
		t.Fatalf("ended with %v, want an *Error", r.Err)
	}
	return e
}
