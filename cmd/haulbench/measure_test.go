package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built holds the programs that the benchmark drives, built once for all tests.
var built struct {
	dir string
	sync.Once
	err error
}

func TestMain(m *testing.M) {
	syscall.Umask(0o022) // Dovecot's mail user reads what the tests write
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// program gives the path of haulmail or the meter. Clients that do not run as root reach it.
func program(t *testing.T, name string) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "haulbench-test-"); built.err != nil {
			return
		}
		built.err = os.Chmod(built.dir, 0o711)
		out, err := exec.Command("go", "build", "-o", built.dir+"/", "../haulmail", "./meter").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, name)
}

// testRunner gives a runner and a job without mail.
func testRunner(t *testing.T) (runner, job) {
	t.Helper()
	j := job{dir: filepath.Join(t.TempDir(), "job")}
	if err := os.Mkdir(j.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return runner{meter: program(t, "meter"), limit: time.Minute}, j
}

func TestMeasure(t *testing.T) {
	r, j := testRunner(t)
	// A child takes the CPU time and the memory; its parent waits for it.
	const busy = `x=xxxxxxxxxxxxxxxx; while [ ${#x} -lt 33554432 ]; do x=$x$x; done; echo ${#x}`
	s, err := r.measure(t.Context(), j, []string{"sh", "-c", `sh -c '` + busy + `'; sleep 0.1`}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if s.Peak < 32*miB {
		t.Errorf("peak memory %s, want at least the child's 32 MiB", mebibytes(s.Peak))
	}
	if s.User+s.System <= 0 || s.Wall < 100*time.Millisecond {
		t.Errorf("got %+v, want the child's CPU time and at least 0.1 s", s)
	}
	if idle, err := r.measure(t.Context(), j, []string{"true"}, 0); err != nil || idle.Peak > 16*miB {
		t.Errorf("a program that does nothing took %s, %v: the meter's own memory counts", mebibytes(idle.Peak), err)
	}
}

func TestExitCodes(t *testing.T) {
	r, j := testRunner(t)
	for _, test := range []struct {
		exit, nothingNew int
		fails            bool
	}{
		{0, 0, false},
		{1, 0, true},
		{1, 1, false},
		{0, 1, false},
		{2, 1, true},
	} {
		_, err := r.measure(t.Context(), j, []string{"sh", "-c", fmt.Sprintf("echo it says why; exit %d", test.exit)}, test.nothingNew)
		if (err != nil) != test.fails || (err != nil && !strings.Contains(err.Error(), "it says why")) {
			t.Errorf("exit %d, and %d when nothing is new: error %v, want one: %v", test.exit, test.nothingNew, err, test.fails)
		}
	}
	if _, err := r.measure(t.Context(), j, []string{"no-such-program"}, 0); err == nil {
		t.Error("no error of a program that is not there")
	}
}

// The limit ends a client with its children.
func TestLimit(t *testing.T) {
	r, j := testRunner(t)
	r.limit = 100 * time.Millisecond
	if _, err := r.measure(t.Context(), j, []string{"sh", "-c", "sleep 600; true"}, 0); !errors.Is(err, errLate) {
		t.Errorf("got %v, want that it took too long", err)
	}
}

// So does an end of the benchmark: then nobody holds the pipe any more.
func TestInterruption(t *testing.T) {
	r, j := testRunner(t)
	if err := syscall.Mkfifo(j.file("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := r.measure(ctx, j, []string{"sh", "-c", "sleep 600 >pipe & wait"}, 0)
		ended <- err
	}()
	pipe, err := os.Open(j.file("pipe")) // waits for the child
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	cancel()
	if err := <-ended; err == nil {
		t.Error("no error of a run that was cut off")
	}
	if err := pipe.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := pipe.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the client's child outlives the benchmark: %v", err)
	}
}

func TestCountSyncs(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	r, j := testRunner(t)
	for calls, command := range map[int]string{
		0: "true",
		1: "sync .",
		3: "sync .; sync --data .; sync -f .",
	} {
		if got, err := r.countSyncs(t.Context(), j, []string{"sh", "-c", command}, 0); got != calls || err != nil {
			t.Errorf("%s: %d calls, %v; want %d", command, got, err, calls)
		}
	}
}

func TestSumOfCalls(t *testing.T) {
	table := "    calls syscall\n--------- ----------------\n      100 fsync\n        1 fdatasync\n--------- ----------------\n      101 total\n"
	if got := sumOfCalls(table); got != 101 {
		t.Errorf("got %d, want 101", got)
	}
	if got := sumOfCalls(""); got != 0 {
		t.Errorf("got %d of no table, want 0", got)
	}
}
