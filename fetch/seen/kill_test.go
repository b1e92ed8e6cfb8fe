package seen

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The test binary is its own second process: with childEnv set it works on the state named there until it's killed.
const childEnv = "SEEN_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := child(path, os.Args[len(os.Args)-1], os.Stdout); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func child(path, job string, out io.Writer) error {
	s, err := Open(path, me, Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Fprintln(out, "open")
	switch job {
	case "hold":
		io.Copy(io.Discard, os.Stdin)
		return nil
	case "nothing":
		m, err := s.Match(listing("0.0", "0.1", "0.2"))
		if err != nil {
			return err
		}
		return s.Finish(nil, m)
	}
	// Batches in pipeline, each line telling which one is settled, until the end of the process.
	var settle []uint64
	for n := s.head.batches; ; n++ {
		b := numbered(n)
		if err := s.Begin(b, settle...); err != nil {
			return err
		}
		if len(settle) > 0 {
			fmt.Fprintln(out, n-1)
		}
		settle = []uint64{b.ID}
		if n%3 == 0 {
			m, err := s.Match(listing("0.0", "0.1", "0.2"))
			if err := errors.Join(err, s.Finish(settle, m)); err != nil {
				return err
			}
			settle = nil
			fmt.Fprintln(out, n)
		}
	}
}

// numbered is the n-th batch of a child: n.0, n.1 and so on.
func numbered(n uint64) *Batch {
	var names []string
	for i := range 3 + n%50 {
		names = append(names, fmt.Sprint(n, ".", i))
	}
	return batch(names...)
}

func startChild(t *testing.T, path, job string) (cmd *exec.Cmd, out *bufio.Scanner) {
	t.Helper()
	cmd = exec.Command(os.Args[0], job)
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(pipe)
}

func TestLockOfAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "me.state")
	cmd := exec.Command(os.Args[0], "hold")
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	bufio.NewScanner(stdout).Scan() // "open"
	begun := time.Now()
	if _, err := Open(path, me, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("while the other one is alive: %v", err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	cmd.Process.Kill()
	cmd.Wait()
	stdin.Close()
	s, err := Open(path, me, Options{Wait: time.Second})
	if err != nil {
		t.Fatalf("after it was killed: %v", err)
	}
	s.Close()
}

// A process is killed at any time, again and again: each batch is there whole or not at all, and what was settled stays.
func TestKilledWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "me.state")
	settled := map[string]bool{}
	for i := range 25 {
		cmd, out := startChild(t, path, "write")
		out.Scan()                  // "open"
		if i%2 == 0 && out.Scan() { // however slow the disk is, some come so far as to settle a batch
			settled[out.Text()] = true
		}
		timer := time.AfterFunc(time.Duration(rand.IntN(40))*time.Millisecond, func() { cmd.Process.Kill() })
		for out.Scan() {
			settled[out.Text()] = true
		}
		if err := cmd.Wait(); cmd.ProcessState.Exited() {
			t.Fatalf("the child ended by itself: %v", err)
		}
		timer.Stop()
		checkKilled(t, path, settled)
	}
	t.Logf("%d batches were settled", len(settled))
	if len(settled) == 0 {
		t.Error("no child came so far as to settle a batch")
	}
}

func checkKilled(t *testing.T, path string, settled map[string]bool) {
	t.Helper()
	s, err := Open(path, me, Options{Wait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	have := map[string]int{}
	count := func(uid string) { have[strings.Split(uid, ".")[0]]++ }
	if err := s.Each(func(e Entry) error { count(string(e.UID)); return nil }); err != nil {
		t.Fatal(err)
	}
	for n := range settled {
		if have[n] == 0 {
			t.Fatalf("batch %s was settled and is not known", n)
		}
	}
	pending, err := s.Pending()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range pending {
		for _, in := range b.Intents {
			count(string(in.UID))
		}
	}
	for n := range s.head.batches {
		if want := len(numbered(n).Intents); have[fmt.Sprint(n)] != want {
			t.Fatalf("batch %d of %d: %d of %d messages", n, s.head.batches, have[fmt.Sprint(n)], want)
		}
	}
	for _, b := range pending { // what recovery does
		if err := s.Resolve(b, allDelivered(len(b.Intents))); err != nil {
			t.Fatal(err)
		}
	}
}

// allDelivered is a verdict: all n were delivered.
func allDelivered(n int) []bool {
	all := make([]bool, n)
	for i := range all {
		all[i] = true
	}
	return all
}

// A process is killed while it creates the state: the next one finds none, or a whole one.
func TestKilledWhileCreating(t *testing.T) {
	for range 40 {
		path := filepath.Join(t.TempDir(), "a", "me.state")
		cmd, _ := startChild(t, path, "hold")
		for begun := time.Now(); time.Since(begun) < 10*time.Second; { // it has come as far as the folder
			if _, err := os.Stat(filepath.Dir(path)); err == nil {
				break
			}
		}
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		cmd.Process.Kill()
		cmd.Wait()
		s, err := Open(path, me, Options{Wait: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
}

// straced runs a child on the state at path under strace, and gives the lines of its calls of these names.
func straced(t *testing.T, path, job, calls string) string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("strace is not installed")
		}
		t.Skip("strace is not installed")
	}
	log := filepath.Join(t.TempDir(), "strace")
	cmd := exec.Command(strace, "-f", "-y", "-o", log, "-e", "trace="+calls, os.Args[0], job)
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return string(lines)
}

// A new state is on the disk before it gets its name, and then so are the name and each folder that was made for it.
func TestCreatedDurably(t *testing.T) {
	top := t.TempDir()
	path := filepath.Join(top, "a", "b", "me.state")
	call := regexp.MustCompile(`(mkdir|link|fsync)(?:at)?\((?:AT_FDCWD<[^>]*>, ".*?", AT_FDCWD<[^>]*>, "|AT_FDCWD<[^>]*>, "|\d+<)([^>"]*)`)
	var steps []string
	for _, m := range call.FindAllStringSubmatch(straced(t, path, "hold", "mkdirat,linkat,fsync"), -1) {
		name, _, _ := strings.Cut(strings.TrimPrefix(m[2], top), newMark)
		steps = append(steps, m[1]+" "+name)
	}
	want := []string{"mkdir /a", "fsync ", "mkdir /a/b", "fsync /a", "fsync /a/b/me.state", "link /a/b/me.state", "fsync /a/b"}
	if !slices.Equal(steps, want) {
		t.Errorf("%q, want %q", steps, want)
	}
}

// A run with nothing to record makes no system call that writes or syncs the state.
func TestNothingNewByStrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "me.state")
	b := &bed{T: t, path: path, now: start}
	b.open()
	b.seen("0.0", "0.1", "0.2")
	b.must(b.Close())
	calls := straced(t, path, "nothing", "write,pwrite64,fsync,fdatasync,syncfs,ftruncate,rename,renameat2,link,linkat,unlink,unlinkat")
	if !strings.Contains(calls, "open\\n") {
		t.Fatalf("the child's own output isn't in the log: %s", calls)
	}
	for line := range strings.Lines(calls) {
		if strings.Contains(line, "sync(") || strings.Contains(line, "syncfs(") || strings.Contains(line, "truncate(") ||
			strings.Contains(line, "pwrite64(") || strings.Contains(line, "link") || strings.Contains(line, "rename") {
			t.Errorf("system call %s", line)
		}
	}
}
