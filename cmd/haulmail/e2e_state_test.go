package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// A mailbox that moves in from another program, with a real server: what is there is taken for fetched, what comes is fetched, what is
// wanted again comes again, and a state goes to another machine as text.
func TestStateInHandAtDovecot(t *testing.T) {
	box := newDovecot(t, 1).mailbox()
	old, fresh := smallMail("old", 10), smallMail("new", 3)
	box.add(t, old...)
	h := newHome(t, box.account("lab", "none", "fetched"))

	h.run(t, "seen", "add", "lab", "--all").ok(t)
	h.run(t).ok(t)
	sameMail(t, "to be kept", allAsServed(old), "on the server afterwards", box.served(t))

	h.configure(t, box.account("lab", "none", "never"))
	box.add(t, fresh...)
	h.run(t).ok(t)
	sameMail(t, "new", allAsServed(fresh), "delivered", delivered(t, h.maildir("lab")))

	first, _, _ := strings.Cut(h.run(t, "seen", "list", "lab").ok(t).stdout, "\n")
	h.run(t, "seen", "forget", "lab", strings.Split(first, "\t")[1]).ok(t)
	h.run(t).ok(t)
	here := append(allAsServed(fresh), allAsServed(old[:1])...)
	sameMail(t, "new and wanted again", here, "delivered", delivered(t, h.maildir("lab")))
	verified := h.run(t, "seen", "verify", "lab", "--connect").ok(t).stdout
	if !strings.Contains(verified, "state: 13 messages, 4 in the Maildir, 9 only marked") || !strings.Contains(verified, "server: 13 messages\n") {
		t.Error(verified)
	}

	text := filepath.Join(h.dir, "lab.txt")
	if err := os.WriteFile(text, []byte(h.run(t, "seen", "export", "lab").ok(t).stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	there := newHome(t, box.account("lab", "none", "never"))
	there.run(t, "seen", "import", "lab", text).ok(t)
	there.run(t).ok(t)
	if left := mailFiles(t, there.maildir("lab")); len(left) != 0 {
		t.Errorf("fetched where it is known: %v", left)
	}

	if err := os.RemoveAll(h.state); err != nil {
		t.Fatal(err)
	}
	h.run(t, "seen", "rebuild", "lab").ok(t)
	h.run(t, "seen", "add", "lab", "--all").ok(t)
	h.run(t).ok(t)
	sameMail(t, "as before", here, "delivered", delivered(t, h.maildir("lab")))
}

// Status tells at once that a run is at work, whatever that waits for, and changes nothing; of one that was killed it does not.
func TestStatusDuringRun(t *testing.T) {
	box := pop3test.NewMailbox(pop3test.Message{UID: "u1", Data: []byte("mail\r\n")})
	waiting := make(chan struct{})
	server := &pop3test.Server{
		Users:  map[string]pop3test.User{"lab": {Password: "lab", Mailbox: box}},
		Faults: []pop3test.Fault{{On: "RETR", Call: func() { close(waiting) }, Do: pop3test.Stall, Limit: 1}},
	}
	addr, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	h := newHome(t, accountOf("lab", addr, "lab", "never"))
	run := h.command(t)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-waiting:
	case <-time.After(longestRun):
		t.Fatal("the run asks for no message")
	}
	if r := h.run(t, "status").ok(t); !strings.Contains(r.stdout, "running") {
		t.Error(r)
	}
	before := settled(t, h.state)
	if r := h.run(t, "status", "--json").ok(t); !strings.Contains(r.stdout, `"account":"lab","running":true}`) {
		t.Error(r)
	}
	unchanged(t, "status", h.state, before)
	h.run(t, "seen", "forget", "lab", "--all").exits(t, 75)

	if err := run.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = run.Wait()
	if r := h.run(t, "status").ok(t); strings.Contains(r.stdout, "running") {
		t.Error(r)
	}
	h.run(t).ok(t)
	if r := h.run(t, "status", "--check").ok(t); !strings.Contains(r.stdout, "just now  ok") {
		t.Error(r)
	}
}

// settled is a snapshot of a folder that a run has written into, once it does so no more: it asks for a message before it has noted all
// that it knows.
func settled(t *testing.T, dir string) string {
	t.Helper()
	for before, try := snapshot(t, dir), 1; ; try++ {
		time.Sleep(300 * time.Millisecond)
		now := snapshot(t, dir)
		if now == before || try == 100 {
			return now
		}
		before = now
	}
}
