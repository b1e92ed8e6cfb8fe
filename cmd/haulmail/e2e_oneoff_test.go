package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"haulmail/fetch"
	"haulmail/fetch/pop3/pop3test"
)

// A maildrop at a real server that stands in no config: both ways to TLS, new mail, and no state.
func TestOneOffFromDovecot(t *testing.T) {
	pop := newDovecot(t, 2)
	for _, url := range []struct{ before, addr string }{{"pops://", pop.tls}, {"pop://", pop.plain}} {
		box := pop.mailbox()
		mail := awkwardMail()
		box.add(t, mail...)
		h := newHome(t, "")
		h.env = []string{"SSL_CERT_FILE=" + pop.ca, "HAULMAIL_STATE_DIR="}
		hauls := func(more ...string) {
			t.Helper()
			h.run(t, append([]string{
				"--url", url.before + box.user + "@" + url.addr, "--maildir", "mail", "--password-command", "cat " + pop.password,
			}, more...)...).ok(t)
			sameMail(t, "put in", allAsServed(mail), "delivered", delivered(t, filepath.Join(h.dir, "mail")))
		}
		hauls()
		mail = append(mail, smallMail("more", 3)...)
		box.add(t, mail[len(mail)-3:]...)
		hauls()
		before := snapshot(t, h.dir)
		hauls()
		unchanged(t, "a run with nothing new", h.dir, before)

		if err := os.RemoveAll(filepath.Join(h.dir, "mail.haulmail")); err != nil {
			t.Fatal(err)
		}
		mail = append(mail, smallMail("yet more", 3)...)
		box.add(t, mail[len(mail)-3:]...)
		hauls("--no-state")
		before = snapshot(t, h.dir)
		hauls("--no-state")
		unchanged(t, "a run with nothing new and no state", h.dir, before)
	}
}

// Without a state, too, a run that is killed at any of its steps is followed by one that brings what is missing, and nothing twice.
func TestOneOffWithoutStateKilled(t *testing.T) {
	for _, step := range fetch.Steps {
		mail := smallMail(step, 5)
		box := pop3test.NewMailbox()
		for i, data := range mail {
			box.Add(pop3test.Message{UID: fmt.Sprint("uid", i), Data: bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))})
		}
		h := newHome(t, "")
		h.env = []string{"HAULMAIL_STATE_DIR=", "TMPDIR=" + h.dir}
		args := []string{
			"--url", "pop://me@" + serveUser(t, "me", box), "--tls", "none", "--maildir", "mail", "--no-state", "--password-command", "echo lab",
		}
		h.env = append(h.env, "HAULMAIL_KILL_AT="+step+":1")
		killed := h.run(t, args...)
		if step != fetch.StepRecovered && step != fetch.StepDeleSent && killed.signal != syscall.SIGKILL {
			t.Errorf("to be killed at %s\n%v", step, killed)
		}
		h.env = h.env[:len(h.env)-1]
		h.run(t, args...).ok(t)
		sameMail(t, "put in", mail, "delivered after "+step, delivered(t, filepath.Join(h.dir, "mail")))
	}
}
