package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Errors of the disk, at each system call by which a run touches its Maildir or its state. The kernel of a test machine
// has none to give; ptrace gives them.

// faultClass is a set of calls and the errors they are made to fail with.
type faultClass struct {
	callClass
	fates []fate
}

// strike is a call that an error fell upon.
type strike struct {
	path    string // below the home folder; "" if the run made no such call
	written bool   // its descriptor is open for writing
}

// mild tells that a run which meets this has to end well all the same: a call that was interrupted is made again, and the rest
// of a short write is written.
func (f fate) mild(s strike) bool {
	return f.short || f.errno == syscall.EINTR && strings.HasPrefix(s.path, "/Mail/")
}

// grave tells that a run which meets this cannot end well: what it was to write is not there, or not for sure. That a file was
// read back whole proves nothing, because it was read from memory. What status would show is promised to nobody.
func (class faultClass) grave(f fate, s strike) bool {
	if s.path == "" || f.errno == 0 || f.errno == syscall.EINTR || strings.Contains(s.path, ".status") {
		return false
	}
	switch class.name {
	case "sync", "write", "pwrite", "truncate", "rename":
		return true
	case "close":
		return s.written && strings.HasPrefix(s.path, "/Mail/")
	}
	return false
}

// diskErrors are what a disk answers that fails, is full, is over its quota, or was remounted read-only; and a signal.
var diskErrors = []fate{
	{errno: syscall.EIO}, {errno: syscall.ENOSPC}, {errno: syscall.EDQUOT}, {errno: syscall.EROFS}, {errno: syscall.EINTR},
}

// done is a call that was carried out and failed all the same, as on a network's file system that lost the answer.
var done = fate{errno: syscall.EIO, late: true}

var faultClasses = []faultClass{
	{callClass{name: "sync", calls: []uint64{unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_SYNCFS, unix.SYS_MSYNC}}, append(diskErrors[:5:5], done)},
	{callClass{name: "write", calls: []uint64{unix.SYS_WRITE, unix.SYS_WRITEV}}, append(diskErrors[:5:5], fate{errno: syscall.EAGAIN}, fate{short: true})},
	{callClass{name: "pwrite", calls: []uint64{unix.SYS_PWRITE64, unix.SYS_PWRITEV}}, append(diskErrors[:5:5], done, fate{errno: syscall.EAGAIN}, fate{short: true})},
	{callClass{name: "truncate", calls: []uint64{unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE}}, append(diskErrors[:5:5], done)},
	{callClass{name: "rename", calls: []uint64{unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT}}, append(diskErrors[:5:5], done)},
	{callClass{name: "unlink", calls: []uint64{unix.SYS_UNLINKAT}}, append(diskErrors[:5:5], done)},
	{callClass{name: "mkdir", calls: []uint64{unix.SYS_MKDIRAT}}, append(diskErrors[:5:5], done)},
	{callClass{name: "openat", calls: []uint64{unix.SYS_OPENAT}}, append(diskErrors[:5:5], fate{errno: syscall.EMFILE}, fate{errno: syscall.EACCES})},
	// The kernel closes whatever it answers; then no error of the disk is too strange.
	{callClass{name: "close", calls: []uint64{unix.SYS_CLOSE}}, []fate{done, {errno: syscall.ENOSPC, late: true}, {errno: syscall.EDQUOT, late: true}, {errno: syscall.EINTR, late: true}}},
	{callClass{name: "read", calls: []uint64{unix.SYS_READ, unix.SYS_PREAD64, unix.SYS_GETDENTS64}}, []fate{{errno: syscall.EIO}, {errno: syscall.EINTR}}},
	{callClass{name: "stat", calls: []uint64{unix.SYS_FSTAT, unix.SYS_NEWFSTATAT, unix.SYS_STATX, unix.SYS_FSTATFS}}, []fate{{errno: syscall.EIO}, {errno: syscall.EINTR}}},
	{callClass{name: "mmap", calls: []uint64{unix.SYS_MMAP}}, []fate{{errno: syscall.ENOMEM}, {errno: syscall.EAGAIN}}},
	{callClass{name: "flock", calls: []uint64{unix.SYS_FLOCK}}, []fate{{errno: syscall.EIO}, {errno: syscall.ENOLCK}, {errno: syscall.EINTR}}},
}

// path gives the file or folder that a call is about; "" for what has none.
func (c sysCall) path() string {
	folder := func(fd uint64) string {
		name, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", c.pid, int32(fd)))
		if err != nil {
			return ""
		}
		return name
	}
	switch c.number {
	case unix.SYS_OPENAT, unix.SYS_MKDIRAT, unix.SYS_UNLINKAT, unix.SYS_NEWFSTATAT, unix.SYS_STATX,
		unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT:
		var name [4096]byte
		n, _ := syscall.PtracePeekData(c.thread, uintptr(c.args[1]), name[:512]) // as much as is there
		text, _, _ := bytes.Cut(name[:n], []byte{0})
		if path := string(text); filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(folder(c.args[0]), string(text))
	case unix.SYS_MMAP:
		return folder(c.args[4])
	}
	return folder(c.args[0])
}

// writes tells whether the call's first argument is a descriptor that is open for writing.
func (c sysCall) writes() bool {
	info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", c.pid, int32(c.args[0])))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(info), "flags:")
	var flags int
	_, err = fmt.Sscanf(rest, "%o", &flags)
	return err == nil && flags&syscall.O_ACCMODE != syscall.O_RDONLY
}

// grounds are what a run that meets an error of the disk may begin with.
var grounds = []string{"nothing", "a crash before the rename", "a crash before the rename, and damage", "a crash after the rename", "some mail fetched before"}

// newGround makes such a beginning.
func newGround(t *testing.T, ground, deletion string, messages int) *haul {
	t.Helper()
	k := newHaulOf(t, messages, deletion, false)
	switch ground {
	case "a crash before the rename":
		k.killedAtStep(beforeRename, 1)
	case "a crash before the rename, and damage":
		k.killedAtStep(beforeRename, 1)
		if err := os.Truncate(k.spooled()[0], 10); err != nil {
			t.Fatal(err)
		}
	case "a crash after the rename":
		k.killedAtStep(afterRename, 1)
	case "some mail fetched before":
		k.h.run(t).ok(t)
		k.addMail("later", messages)
	}
	return k
}

// faulted runs with a fate for the n-th call of the class that touches the Maildir or the state; 0 lets it run through
// and only counts.
func (k *haul) faulted(class callClass, n int, f fate) (count int, struck strike, r result) {
	k.t.Helper()
	out, err := os.Create(filepath.Join(k.h.dir, "faulted-run.out"))
	if err != nil {
		k.t.Fatal(err)
	}
	defer out.Close()
	mail := filepath.Join(k.h.dir, "Mail")
	cmd := k.h.command(k.t)
	end, err := tracedBy(cmd.Args, cmd.Env, cmd.Dir, out, func(c sysCall) fate {
		if !class.has(c.number) {
			return fate{}
		}
		path := c.path()
		if !strings.HasPrefix(path, mail) && !strings.HasPrefix(path, k.h.state) {
			return fate{}
		}
		if count++; count != n {
			return fate{}
		}
		struck = strike{path: strings.TrimPrefix(path, k.h.dir), written: c.writes()}
		return f
	})
	if err != nil {
		k.t.Fatal(err)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		k.t.Fatal(err)
	}
	r = result{code: end.ExitStatus(), stderr: string(text)}
	if end.Signaled() {
		r.signal = end.Signal()
	}
	return count, struck, r
}

// faultCodes are the exit codes of a run that met an error of its disk.
var faultCodes = []int{
	73, // the Maildir cannot be made
	74,
}

// faultVerdict says what is wrong after a run that met an error: it may end well, with all done; or it fails, says so in
// one line that names the error, and harms nothing.
func (k *haul) faultVerdict(f fate, r result) (wrong []string) {
	k.t.Helper()
	if r.code == 0 {
		if r.stderr != "" {
			wrong = append(wrong, "it ended well and is not silent: "+r.String())
		}
		return append(wrong, k.verdict()...)
	}
	if !slices.Contains(faultCodes, r.code) {
		wrong = append(wrong, fmt.Sprintf("exit %d (signal %d)", r.code, r.signal))
	}
	first, rest, _ := strings.Cut(r.stderr, "\n")
	if !strings.HasPrefix(first, "haulmail: lab: ") || f.errno != 0 && !strings.Contains(first, f.errno.Error()) {
		wrong = append(wrong, "the error is not named")
	}
	if rest != "" && (!strings.HasPrefix(rest, "  hint: ") || strings.Count(rest, "\n") != 1) {
		wrong = append(wrong, "more is told than one line and a hint")
	}
	if len(wrong) > 0 {
		wrong = append(wrong, fmt.Sprintf("said %q", clip(r.stderr)))
	}
	return append(wrong, k.halfway()...)
}

// pointsPerFault bounds the time of TestFailingDisk; HAULMAIL_KILL_POINTS=all lifts it.
const pointsPerFault = 3

// A run meets an error of the disk at any of its calls; then comes the next run, unhindered. What is deleted on the server
// is whole in the Maildir at any time, and in the end each message is there exactly once.
func TestFailingDisk(t *testing.T) {
	if !canFault {
		t.Skip("calls can be made to fail on amd64 only")
	}
	var total tally
	var codes [256]atomic.Int64
	t.Run("calls", func(t *testing.T) {
		for g, ground := range grounds {
			for c, class := range faultClasses {
				t.Run(class.name+"/after "+ground, func(t *testing.T) {
					t.Parallel()
					failAtEach(t, &total, &codes, ground, class, g+c)
				})
			}
		}
	})
	for code := range codes {
		if n := codes[code].Load(); n > 0 {
			t.Logf("exit %d: %d runs", code, n)
		}
	}
	total.logAs(t, "errors of the disk", "met")
}

// failAtEach gives each of the class's calls each of its errors; in a sample, each call the next error.
func failAtEach(t *testing.T, total *tally, codes *[256]atomic.Int64, ground string, class faultClass, turn int) {
	deletions := []string{"never", "fetched"}
	sizes := []int{haulSize / 3, 2} // the content of many messages is synced by syncfs, of few by fsync
	for s, size := range sizes {
		calls := 0
		for _, deletion := range deletions { // one of them makes a few calls more
			whole := newGround(t, ground, deletion, size)
			made, _, r := whole.faulted(class.callClass, 0, fate{})
			for _, wrong := range append(whole.faultVerdict(fate{}, r), whole.verdict()...) {
				t.Fatalf("without an error: %s", wrong)
			}
			whole.end()
			calls = max(calls, made)
		}
		for i, n := range spread(calls, pointsPerFault) {
			fates := class.fates
			if !everyPoint() {
				fates = fates[(turn+s+i)%len(fates):][:1]
			}
			for j, f := range fates {
				k := newGround(t, ground, deletions[(turn+i+j)%2], size)
				point := fmt.Sprintf("%d messages after %s: %v at %s call %d of %d", size, ground, f, class.name, n, calls)
				k.failAt(total, codes, point, class, n, f)
				k.end()
			}
		}
	}
}

// failAt gives one call one error.
func (k *haul) failAt(total *tally, codes *[256]atomic.Int64, point string, class faultClass, n int, f fate) {
	k.t.Helper()
	_, struck, r := k.faulted(class.callClass, n, f)
	wrong := k.faultVerdict(f, r)
	if r.code == 0 && class.grave(f, struck) {
		wrong = append(wrong, "it ended well as if nothing had been")
	}
	if r.code != 0 && f.mild(struck) {
		wrong = append(wrong, "it gave up: "+r.stderr)
	}
	wrong = append(wrong, k.recover()...)
	wrong = append(wrong, k.verdict()...)
	codes[max(0, r.code)].Add(1)
	total.add(k.t, fmt.Sprintf("%s (%s)", point, struck.path), struck.path != "", wrong)
}

func (f fate) String() string {
	switch {
	case f.short:
		return "a short write"
	case f.late:
		return fmt.Sprintf("%q, though done,", f.errno)
	}
	return fmt.Sprintf("%q", f.errno.Error())
}
