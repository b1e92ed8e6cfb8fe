package main

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newServer starts a private Dovecot and gives its folder, and another one beside it that its mail user reaches, too.
func newServer(t *testing.T) (server, dir string) {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	for _, name := range []string{"dovecot", "openssl"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	root, err := os.MkdirTemp("", "haulbench-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	if err := os.Chmod(root, 0o711); err != nil {
		t.Fatal(err)
	}
	server, dir = filepath.Join(root, "pop"), filepath.Join(root, "runs")
	if err := os.Mkdir(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	dovecot(t, "start", server, "--users", "64", "--mbox-users", "1", "--minutes", "15")
	t.Cleanup(func() { dovecot(t, "stop", server) })
	return server, dir
}

func dovecot(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("../../scripts/dovecot", args...).CombinedOutput(); err != nil {
		t.Fatalf("scripts/dovecot %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// All scenarios with a five-hundredth of the mail: haulmail delivers all of it, and the record holds every run.
func TestWholeBenchmark(t *testing.T) {
	server, dir := newServer(t)
	file := filepath.Join(dir, "record.json")
	args := []string{
		"haulbench", "--server", server, "--dir", dir, "--haulmail", program(t, "haulmail"), "--meter", program(t, "meter"),
		"--client", "haulmail", "--scale", "0.002", "--rounds", "2", "--json", file, "--commit", "abc",
	}
	var table strings.Builder
	if err := command(t.Context(), args, &table, io.Discard); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rec record
	if err := json.Unmarshal(text, &rec); err != nil {
		t.Fatal(err)
	}
	if rec.V != 1 || rec.Commit != "abc" || rec.Scale != 0.002 || !strings.Contains(rec.Machine, "Dovecot 2") {
		t.Errorf("the record begins with %+v", rec)
	}
	var names []string
	for _, s := range rec.Scenarios {
		names = append(names, s.Name)
		ours := s.Clients[0]
		if len(s.Clients) != 1 || ours.Name != "haulmail" || len(ours.Runs) != 2 || ours.Failed != "" {
			t.Errorf("%s: %+v", s.Name, s.Clients)
			continue
		}
		for _, run := range ours.Runs {
			if run.Wall < s.RoundTrip || run.User+run.System <= 0 || run.Peak < miB || run.Wrote {
				t.Errorf("%s: %+v", s.Name, run)
			}
		}
		if fetches := ours.Syncs != nil && *ours.Syncs > 0; ours.Syncs != nil && fetches == s.Known {
			t.Errorf("%s: %d calls of class fsync", s.Name, *ours.Syncs)
		}
	}
	if !slices.Equal(names, scenarioNames()) {
		t.Errorf("the record tells of %v", names)
	}
}

// What haulmail is for: a client that loses mail, doubles it or changes it is caught.
func TestBadClientsAreCaught(t *testing.T) {
	server, dir := newServer(t)
	b := &bench{
		rounds: 1, dir: dir, scratch: dir, progress: io.Discard, mailboxes: map[string]*mailbox{},
		runner: runner{meter: program(t, "meter"), limit: 3 * 60e9},
	}
	var err error
	if b.server, err = openServer(server); err != nil {
		t.Fatal(err)
	}
	if b.runner.as, err = unprivileged(b.server.mailUser); err != nil {
		t.Fatal(err)
	}
	good := haulmailClient(program(t, "haulmail"))
	for _, test := range []struct {
		name, after string // what is done in Mail/USER/new after haulmail
		deletes     bool
		known       bool
		want        string // part of the error
	}{
		{"good", "true", false, false, ""},
		{"deletes", "true", true, false, ""},
		{"knows", "true", false, true, ""},
		{"loses", "rm $(ls | head -n 1)", false, false, "1 missing, 0 too many, 0 changed"},
		{"doubles", "cp $(ls | head -n 1) again", false, false, "0 missing, 1 too many, 0 changed"},
		{"changes", "echo >> $(ls | head -n 1)", false, false, "1 missing, 0 too many, 1 changed"},
		{"delivers-again", "if [ -e ../first ]; then cp $(ls | head -n 1) again; else touch ../first; fi", false, true, "1 messages were delivered, though all"},
		{"fails", "exit 3", false, false, "exit code 3"},
	} {
		bad := good
		bad.name = test.name
		bad.command = func(j job) []string {
			call := strings.Join(good.command(j), " ") + " && cd " + j.maildir(j.users[0]) + "/new && " + test.after
			return []string{"sh", "-c", call}
		}
		b.clients = []client{bad}
		s := scenario{name: test.name, mail: small, messages: 5, mailboxes: 1, deletes: test.deletes, known: test.known}
		res, err := b.run(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		switch failed := res.rows[0].failed; {
		case test.want == "" && failed != nil:
			t.Errorf("%s: %v", test.name, failed)
		case test.want != "" && (failed == nil || !strings.Contains(failed.Error(), test.want)):
			t.Errorf("%s: got %v, want %s", test.name, failed, test.want)
		}
	}
	// A client that says that it deletes and does not.
	keeps := good
	keeps.configure = func(j job) error {
		j.deletes = false
		return good.configure(j)
	}
	b.clients = []client{keeps}
	res, err := b.run(t.Context(), scenario{name: "keeps", mail: small, messages: 5, mailboxes: 1, deletes: true})
	if err != nil || res.rows[0].failed == nil || !strings.Contains(res.rows[0].failed.Error(), "has 5 messages") {
		t.Errorf("a client that does not delete: %v, %v", err, res.rows[0].failed)
	}
}
