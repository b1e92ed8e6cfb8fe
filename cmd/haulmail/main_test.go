package main

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary answer to the name "haulmail" in test scripts, and removes the binary that haulmailBinary
// built. It is shared by all tests of the command.
func TestMain(m *testing.M) {
	testscript.Main(cleaner{m}, map[string]func(){"haulmail": checkedMain})
}

// cleaner runs the tests and then removes the built binary: testscript.Main itself ends in os.Exit.
type cleaner struct{ m *testing.M }

// Run gives the exit code of the tests.
func (c cleaner) Run() int {
	if signal.Ignored(syscall.SIGHUP) { // by nohup, say: the programs under test would inherit that
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	syscall.Umask(0o022) // Dovecot's mail user reads what the tests write
	code := c.m.Run()
	if binary.dir != "" {
		_ = os.RemoveAll(binary.dir)
	}
	return code
}

var binary struct {
	once sync.Once
	dir  string
	path string
	out  []byte
	err  error
}

// haulmailBinary gives the path of the real command, built once with the kill points of the tests in it.
func haulmailBinary(t testing.TB) string {
	t.Helper()
	binary.once.Do(func() {
		if binary.dir, binary.err = os.MkdirTemp("", "haulmail-binary-"); binary.err != nil {
			return
		}
		binary.path = filepath.Join(binary.dir, "haulmail")
		build := exec.Command("go", "build", "-tags", "killpoint", "-o", binary.path, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the README has it
		binary.out, binary.err = build.CombinedOutput()
	})
	if binary.err != nil {
		t.Fatalf("build haulmail: %v\n%s", binary.err, binary.out)
	}
	return binary.path
}

func TestBinaryBuilds(t *testing.T) {
	if _, err := os.Stat(haulmailBinary(t)); err != nil {
		t.Fatal(err)
	}
}
