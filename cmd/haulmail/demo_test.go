package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The demonstration that the README begins with does what it tells, from the build on, and stops its server.
func TestDemo(t *testing.T) {
	bash := need(t, "bash", "bash")
	dir := filepath.Join(t.TempDir(), "demo")
	cmd := exec.Command(bash, "../../scripts/demo", dir)
	cmd.Env = append(os.Environ(), "HAULMAIL_CONFIG=", "HAULMAIL_STATE_DIR=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := string(out)
	for _, want := range []string{
		"listening on 127.0.0.1:", "demo   240 messages, ", "240 messages in ", "\nSubject: ", "demo   nothing new", "\n# done; the server is stopped\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	if mail, _ := filepath.Glob(filepath.Join(dir, "mail/new/*")); len(mail) != 240 {
		t.Errorf("%d messages in the Maildir", len(mail))
	}
	// The third run is cron's.
	if silent, err := os.ReadFile(filepath.Join(dir, "cron.out")); err != nil || len(silent) > 0 {
		t.Errorf("cron's run: %v, %q", err, silent)
	}
}
