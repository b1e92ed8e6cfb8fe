package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sample is what one run of a client took.
type sample struct {
	Wall   time.Duration // from its start to its end
	User   time.Duration // CPU time, with that of its children
	System time.Duration
	Peak   int64 // octets of memory, of the process or a child that took most
}

var errLate = errors.New("took longer than allowed")

// runner runs clients, one at a time.
type runner struct {
	meter string              // the binary of cmd/haulbench/meter
	limit time.Duration       // for a run
	as    *syscall.Credential // who runs them; nil is the one who runs the benchmark
}

// unprivileged gives the credential of a user for clients when root runs the benchmark: some deliver no mail as root.
func unprivileged(name string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("find the user to run clients as: %w", err)
	}
	uid, badUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, badGID := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(badUID, badGID)
}

// own makes a folder of few entries theirs who run the clients.
func (r runner) own(dir string) error {
	if r.as == nil {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(r.as.Uid), int(r.as.Gid))
	})
}

// measure runs a command under the meter. What the command prints goes into a file beside the
// job's folder.
func (r runner) measure(ctx context.Context, j job, argv []string, nothingNew int) (sample, error) {
	syscall.Sync() // what others wrote is not to be waited for by this one's fsync
	result := j.log("meter")
	if err := r.run(ctx, j, append([]string{r.meter, r.limit.String(), result}, argv...)); err != nil {
		return sample{}, err
	}
	text, err := os.ReadFile(result)
	if err != nil {
		return sample{}, fmt.Errorf("read what the meter says: %w", err)
	}
	var s sample
	var exit, late int
	if _, err := fmt.Sscan(string(text), &s.Wall, &s.User, &s.System, &s.Peak, &exit, &late); err != nil {
		return sample{}, fmt.Errorf("read what the meter says, %q: %w", text, err)
	}
	switch {
	case late != 0:
		return sample{}, fmt.Errorf("%w (%v)", errLate, r.limit)
	case exit != 0 && exit != nothingNew:
		return sample{}, fmt.Errorf("%s: exit code %d: %s", argv[0], exit, lastLine(j.log("output")))
	}
	return s, nil
}

// run runs a command in the job's folder, which is its HOME, too.
func (r runner) run(ctx context.Context, j job, argv []string) error {
	out, err := os.OpenFile(j.log("output"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("keep what a client prints: %w", err)
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = j.dir
	cmd.Env = []string{"HOME=" + j.dir, "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "SSL_CERT_FILE=" + j.ca}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: r.as}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // the meter and strace end the client, too
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w: %s", argv[0], err, lastLine(j.log("output")))
	}
	return nil
}

// syncCalls are the calls of class fsync: they wait for the disk.
const syncCalls = "fsync,fdatasync,syncfs,sync,sync_file_range,msync"

// countSyncs runs a command under strace and counts its calls of class fsync and those of its children.
func (r runner) countSyncs(ctx context.Context, j job, argv []string, nothingNew int) (int, error) {
	if _, err := exec.LookPath("strace"); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*r.limit) // it is slower so
	defer cancel()
	table := j.log("strace")
	strace := []string{"strace", "-f", "-qq", "--seccomp-bpf", "-c", "-U", "calls,name", "-e", "trace=" + syncCalls, "-o", table}
	err := r.run(ctx, j, append(strace, argv...))
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == nothingNew) {
		return 0, err
	}
	text, err := os.ReadFile(table)
	if err != nil {
		return 0, fmt.Errorf("read what strace counted: %w", err)
	}
	return sumOfCalls(string(text)), nil
}

// sumOfCalls adds up the lines "CALLS NAME" of strace -c -U calls,name. Without a call there is no table.
func sumOfCalls(table string) (sum int) {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) != 2 || fields[1] == "total" {
			continue
		}
		if n, err := strconv.Atoi(fields[0]); err == nil {
			sum += n
		}
	}
	return sum
}

// lastLine gives the end of what a client printed.
func lastLine(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
