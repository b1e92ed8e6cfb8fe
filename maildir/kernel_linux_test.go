package maildir

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func init() {
	children["full"] = fullChild
	children["mounted"] = mountedChild
}

// straceCounts runs a child under strace and returns its calls by name.
func straceCounts(t *testing.T, words ...string) map[string]int {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("strace is not installed")
		}
		t.Skip("strace is not installed: apt-get install strace")
	}
	out := filepath.Join(t.TempDir(), "strace")
	cmd := child(t, []string{strace, "-f", "-c", "-U", "name,calls", "-o", out}, words...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	table, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) == 2 {
			calls[f[0]], _ = strconv.Atoi(f[1])
		}
	}
	return calls
}

// What the kernel is asked for: four calls for a small message, and with syncfs
// three calls of fsync class for a batch.
func TestSystemCalls(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m")
	makeBox(t, path)
	idle := straceCounts(t, "deliver", path, "0", "1")
	for _, call := range []string{"fsync", "fdatasync", "syncfs", "sync", "write", "pwrite64", "mkdirat", "renameat2"} {
		if idle[call] != 0 {
			t.Errorf("nothing to deliver, but %d × %s", idle[call], call)
		}
	}
	const messages, batch, batches = 1500, 512, 3
	calls := straceCounts(t, "deliver", path, fmt.Sprint(messages), fmt.Sprint(batch))
	const some = 60 // the Go runtime's own, and the folders
	for call, want := range map[string]int{"openat": messages, "write": messages, "close": messages, "renameat2": messages} {
		if n := calls[call] - idle[call]; n < want || n > want+some {
			t.Errorf("%s: %d calls, want %d", call, n, want)
		}
	}
	for _, call := range []string{"fcntl", "fstat", "newfstatat", "epoll_ctl", "lseek", "unlinkat", "statx", "linkat"} {
		if n := calls[call] - idle[call]; n > some {
			t.Errorf("%s: %d calls for %d messages", call, n, messages)
		}
	}
	syncs := calls["fsync"] + calls["fdatasync"] + calls["syncfs"]
	t.Logf("%d fsync, %d syncfs: %.4f for each message", calls["fsync"], calls["syncfs"], float64(syncs)/messages)
	if fd, err := unix.Open(path, folderFlags, 0); err == nil && syncfsReports(fd) && syncs != 3*batches {
		t.Errorf("%d calls of fsync class, want 3 for each of %d batches", syncs, batches)
	}
}

// mounting runs a child that mounts something, in a mount namespace of its own.
func mounting(t *testing.T, words ...string) {
	t.Helper()
	cmd := child(t, nil, words...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	}
	said, err := cmd.CombinedOutput()
	if errors.Is(err, unix.EPERM) || bytes.HasPrefix(said, []byte("mount: ")) {
		why := fmt.Sprintf("mounting a small disk needs root or user namespaces: %v %s", err, said)
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	if err != nil {
		t.Errorf("%v: %v\n%s", words, err, said)
	}
}

func mountSmall(at, limit string) error {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := unix.Mount("small", at, "tmpfs", 0, limit); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return nil
}

// A disk with no room, or without a free inode: the error tells so, nothing
// partial is delivered, and it goes on once there is room.
func TestFullDisk(t *testing.T) {
	for _, limit := range []string{"size=256k", "nr_inodes=40"} {
		mounting(t, "full", t.TempDir(), limit)
	}
}

// A disk mounted at new/: no rename can work, and Open says so.
func TestNewOnAnotherDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m")
	makeBox(t, path)
	mounting(t, "mounted", path)
}

// mountedChild: PATH, in a mount namespace of its own.
func mountedChild(args []string) error {
	if err := mountSmall(filepath.Join(args[0], "new"), "size=64k"); err != nil {
		return err
	}
	_, err := Open(args[0], "id1", Options{})
	var not *NotMaildirError
	if !errors.As(err, &not) || !strings.Contains(not.Why, "file systems") {
		return fmt.Errorf("it opens: %w", err)
	}
	return nil
}

// fullChild: DIR LIMIT, in a mount namespace of its own.
func fullChild(args []string) error {
	if err := mountSmall(args[0], args[1]); err != nil {
		return err
	}
	b, err := Open(filepath.Join(args[0], "m"), "id1", Options{Create: true})
	if err != nil {
		return err
	}
	body := bytes.Repeat([]byte("line\n"), 2000)
	delivered := 0
	for ; err == nil && delivered < 1000; delivered++ {
		err = deliverBatch(b, 1, body)
	}
	delivered--
	if !errors.Is(err, unix.ENOSPC) || delivered < 5 {
		return fmt.Errorf("%d delivered, then: %w", delivered, err)
	}
	entries, err := os.ReadDir(filepath.Join(b.Path(), "new"))
	if err != nil || len(entries) != delivered {
		return fmt.Errorf("%d in new, %d delivered, %w", len(entries), delivered, err)
	}
	for _, e := range entries {
		if p, err := os.ReadFile(filepath.Join(b.Path(), "new", e.Name())); err != nil || !bytes.Equal(p, body) {
			return fmt.Errorf("%s: %d bytes, %w", e.Name(), len(p), err)
		}
	}
	if left, err := os.ReadDir(b.spoolPath()); err != nil || len(left) != 0 {
		return fmt.Errorf("left in the spool: %v, %w", left, err)
	}
	if err := os.Remove(filepath.Join(b.Path(), "new", entries[0].Name())); err != nil {
		return err
	}
	if err := deliverBatch(b, 1, body); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	return b.Close()
}

func TestAtLeast58(t *testing.T) {
	for release, want := range map[string]bool{
		"5.8.0": true, "5.7.19": false, "4.19.0-26-amd64": false, "5.10.0-30-amd64": true,
		"6.1.0": true, "10.0": true, "6": false, "": false, "x.y": false, "5.8-rc1": true, "5.15.167.4-microsoft": true,
	} {
		if got := atLeast58(release); got != want {
			t.Errorf("%q: %v", release, got)
		}
	}
}
