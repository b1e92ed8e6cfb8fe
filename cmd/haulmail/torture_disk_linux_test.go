package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// Disks that are full, read-only, away or exchanged, and states that are not what was written: the real program on real
// file systems. Whatever it is, nothing is lost, and the next run on a mended disk brings the rest, each message once.

// mounts is a mount namespace, in which file systems of a test come and go with it.
type mounts struct {
	t   *testing.T
	dir string
	pid int
}

func newMounts(t *testing.T, dir string) *mounts {
	t.Helper()
	need(t, "unshare", "util-linux")
	if os.Geteuid() != 0 {
		lacking(t, "file systems of one's own need root")
	}
	keeper := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", "echo ready; exec sleep 300")
	ready, err := keeper.StdoutPipe()
	if err == nil {
		err = keeper.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = keeper.Process.Kill()
		_ = keeper.Wait()
	})
	if _, err := ready.Read(make([]byte, 16)); err != nil {
		t.Fatalf("unshare: %v", err)
	}
	return &mounts{t, dir, keeper.Process.Pid}
}

// enter is what a command line begins with that runs among the mounts.
func (m *mounts) enter() []string {
	return []string{"nsenter", "--mount", "--target", fmt.Sprint(m.pid), "--wdns=" + m.dir}
}

// sh runs a script among the mounts, in the home folder.
func (m *mounts) sh(script string) {
	m.t.Helper()
	line := append(m.enter(), "sh", "-ec", script)
	if out, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil {
		m.t.Errorf("%s: %v\n%s", script, err, out)
	}
}

// root is where the mounts can be seen from outside.
func (m *mounts) root() string { return fmt.Sprintf("/proc/%d/root", m.pid) }

// diskTrial is a disk that keeps a run from its work, and how it is mended.
type diskTrial struct {
	name   string
	before string // prepares the disk
	first  bool   // a run goes well, and new mail comes, before
	breaks string // the disk
	codes  []int  // of the run that meets it
	says   string // in its line, when it fails
	mends  string // the disk
}

var diskTrials = []diskTrial{
	{
		name: "full", before: "mkdir Mail && mount -t tmpfs -o size=128k tmpfs Mail",
		codes: []int{74}, says: "no space left", mends: "mount -o remount,size=64m Mail",
	},
	{
		name: "full of inodes", before: "mkdir Mail && mount -t tmpfs -o size=64m,nr_inodes=30 tmpfs Mail",
		codes: []int{74}, says: "no space left", mends: "mount -o remount,nr_inodes=4096 Mail",
	},
	{
		name: "full before the Maildir is made", before: "mkdir Mail && mount -t tmpfs -o size=64m,nr_inodes=3 tmpfs Mail",
		codes: []int{73}, says: "no space left", mends: "mount -o remount,nr_inodes=4096 Mail",
	},
	{
		name: "read-only before the Maildir is made", before: "mkdir Mail && mount -t tmpfs -o ro tmpfs Mail",
		codes: []int{73}, says: "read-only file system", mends: "mount -o remount,rw Mail",
	},
	{
		name: "read-only", before: "mkdir Mail && mount -t tmpfs tmpfs Mail", first: true, breaks: "mount -o remount,ro Mail",
		codes: []int{74}, says: "read-only file system", mends: "mount -o remount,rw Mail",
	},
	{
		name: "not mounted", before: "mkdir -p disk Mail/lab && mount --bind disk Mail/lab", first: true, breaks: "umount Mail/lab",
		codes: []int{75}, says: "is its disk mounted?", mends: "mount --bind disk Mail/lab",
	},
	{
		name: "state on a full disk", before: "mkdir -m 700 state && mount -t tmpfs -o size=4k,mode=700 tmpfs state",
		codes: []int{74}, says: "no space left", mends: "mount -o remount,size=64m state",
	},
	{
		name: "state without inodes", before: "mkdir -m 700 state && mount -t tmpfs -o nr_inodes=1,mode=700 tmpfs state",
		codes: []int{74}, says: "no space left", mends: "mount -o remount,nr_inodes=100 state",
	},
	{
		name: "state read-only before it is made", before: "mkdir -m 700 state && mount -t tmpfs -o ro,mode=700 tmpfs state",
		codes: []int{74}, says: "read-only file system", mends: "mount -o remount,rw state",
	},
	{
		name: "state read-only", before: "mkdir -m 700 state && mount -t tmpfs -o mode=700 tmpfs state", first: true,
		breaks: "mount -o remount,ro state",
		codes:  []int{74}, says: "read-only file system", mends: "mount -o remount,rw state",
	},
}

func init() {
	// A state's disk that fills up at one page or another: when the state is made, with the intents, or at the end.
	for pages := 2; pages <= 16; pages++ {
		diskTrials = append(diskTrials, diskTrial{
			name:   fmt.Sprintf("state on a disk of %d pages", pages),
			before: fmt.Sprintf("mkdir -m 700 state && mount -t tmpfs -o size=%dk,mode=700 tmpfs state", 4*pages),
			codes:  []int{74, 0}, says: "no space left", mends: "mount -o remount,size=64m state",
		})
	}
}

func TestBadDisks(t *testing.T) {
	var total tally
	t.Run("disks", func(t *testing.T) {
		for i, trial := range diskTrials {
			for d, deletion := range []string{"never", "fetched"} {
				if !everyPoint() && i > 10 && i%2 == d {
					continue
				}
				t.Run(trial.name+"/"+deletion, func(t *testing.T) {
					t.Parallel()
					k := newHaul(t, deletion, false)
					wrong := trial.run(k)
					total.add(t, trial.name, true, wrong)
				})
			}
		}
	})
	total.logAs(t, "bad disks", "met")
}

// run is the trial with a haul, and gives what is wrong about its end.
func (trial diskTrial) run(k *haul) (wrong []string) {
	k.t.Helper()
	m := newMounts(k.t, k.h.dir)
	k.root = m.root()
	k.h.among = m.enter()
	m.sh(trial.before)
	if trial.first {
		k.h.run(k.t).ok(k.t)
		k.addMail("later", haulSize)
	}
	if trial.breaks != "" {
		m.sh(trial.breaks)
	}
	r := k.h.run(k.t)
	if !slices.Contains(trial.codes, r.code) || r.code != 0 && !toldInOneLine(r.stderr, trial.says) {
		wrong = append(wrong, fmt.Sprintf("want exit %v and %q in one line, got %v", trial.codes, trial.says, r))
	}
	if trial.name != "not mounted" { // then what was delivered cannot be seen
		wrong = append(wrong, k.halfway()...)
	}
	m.sh(trial.mends)
	wrong = append(wrong, k.recover()...)
	return append(wrong, k.verdict()...)
}

// toldInOneLine is true for one line of an account, with one of a hint or without, that says something.
func toldInOneLine(stderr, says string) bool {
	first, rest, _ := strings.Cut(stderr, "\n")
	one := rest == "" || strings.HasPrefix(rest, "  hint: ") && strings.Count(rest, "\n") == 1
	return strings.HasPrefix(first, "haulmail: lab: ") && one && strings.Contains(stderr, says)
}

// While a run is under way and the server pauses, the disk turns read-only, the Maildir is unmounted, or another folder is put
// into its place: what has been told is safe, where it was delivered, and nothing is delivered into the other one by halves.
func TestDiskChangesOnTheWay(t *testing.T) {
	for _, test := range []struct {
		name, before, change, mends string

		codes []int
		also  string // a second Maildir in which mail may be
		on    string // the command whose answer waits meanwhile, if it is not the RETR half-way
	}{
		{
			// Later a file is open for writing, and the kernel refuses.
			name: "read-only", before: "mkdir Mail && mount -t tmpfs tmpfs Mail", on: "LIST", change: "mount -o remount,ro Mail",
			mends: "mount -o remount,rw Mail", codes: []int{73},
		},
		{
			name: "unmounted", before: "mkdir -p disk Mail/lab && mount --bind disk Mail/lab", change: "umount -l Mail/lab",
			mends: "mount --bind disk Mail/lab", codes: []int{0, 74, 75},
		},
		{
			name: "moved away and back", change: "mv Mail/lab Mail/away", mends: "mv Mail/away Mail/lab", codes: []int{0, 74, 75},
		},
		{
			name: "another one in its place", change: "mv Mail/lab Mail/away && mkdir -p Mail/lab/new Mail/lab/cur Mail/lab/tmp",
			mends: "true", codes: []int{0, 74, 75}, also: "away",
		},
		{
			name: "state deleted", change: "rm -r state", mends: "true", codes: []int{0, 74},
		},
	} {
		for _, deletion := range []string{"never", "fetched"} {
			t.Run(test.name+"/"+deletion, func(t *testing.T) {
				t.Parallel()
				k := newHaul(t, deletion, false)
				m := newMounts(t, k.h.dir)
				k.root = m.root()
				k.h.among = m.enter()
				if test.before != "" {
					m.sh(test.before)
				}
				change := pop3test.Fault{On: "RETR", Msg: haulSize / 2, Session: 1, Call: func() {
					time.Sleep(2 * batchPause) // the first half is delivered
					m.sh(test.change)
				}}
				if test.on != "" {
					change.On, change.Msg = test.on, 0
				}
				k.pop.SetFaults(change)
				r := k.h.run(t)
				if !slices.Contains(test.codes, r.code) {
					t.Errorf("want exit %v, got %v", test.codes, r)
				}
				m.sh(test.mends)
				if test.also != "" {
					k.gone = delivered(t, filepath.Join(filepath.Dir(k.maildir()), test.also))
				}
				for _, wrong := range append(k.halfway(), k.recover()...) {
					t.Error(wrong)
				}
				for _, wrong := range k.verdict() {
					t.Errorf("%s\nthe first run: %v", wrong, r)
				}
			})
		}
	}
}

// States that are not what was written: nothing is fetched by guesswork, the line says what to do, and doing that brings
// nothing twice.
func TestStateIsNotWhatWasWritten(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(path string) error
		code  int
	}{
		{"empty", func(path string) error { return os.Truncate(path, 0) }, 65},
		{"three pages", func(path string) error { return os.Truncate(path, 3*4096) }, 65},
		{"half a page", func(path string) error { return os.Truncate(path, 2048) }, 65},
		{"zeroes", func(path string) error { return overwrite(path, 0, make([]byte, 64<<10)) }, 65},
		{"all but its heads zeroes", func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return overwrite(path, 2*4096, make([]byte, info.Size()-2*4096)) // of one page alone it may be a free one
		}, 65},
		{"text", func(path string) error { return os.WriteFile(path, []byte("not a state\n"), 0o600) }, 65},
		{"a folder", func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o700)
		}, 74},
		{"of another account", func(path string) error { return os.Rename(filepath.Join(filepath.Dir(path), "other.db"), path) }, 78},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := newHaul(t, "never", false)
			text, err := os.ReadFile(k.h.config)
			if err != nil {
				t.Fatal(err)
			}
			someone := serveUser(t, "someone", pop3test.NewMailbox(pop3test.SampleMail(3)...))
			k.h.configure(t, string(text)+accountOf("other", someone, "someone", "never"))
			k.h.run(t).ok(t)
			k.h.configure(t, string(text))
			k.addMail("later", 5)
			state := filepath.Join(k.h.state, "lab.db")
			if err := test.spoil(state); err != nil {
				t.Fatal(err)
			}
			spoilt, before := snapshot(t, state), k.retrieved()
			r := k.h.run(t)
			if r.code != test.code || !toldInOneLine(r.stderr, "lab.db") {
				t.Errorf("want exit %d and a line that names the file, got %v", test.code, r)
			}
			if after := snapshot(t, state); after != spoilt {
				t.Errorf("it was written to:\n%s\n%s", spoilt, after)
			}
			if n := k.retrieved() - before; n != 0 {
				t.Errorf("%d messages were fetched", n)
			}
			if err := os.Rename(state, state+".away"); err != nil {
				t.Fatal(err)
			}
			k.settled()
			if n := k.retrieved() - before; n != 5 {
				t.Errorf("%d messages were fetched for the 5 new ones", n)
			}
		})
	}
}

func overwrite(path string, at int64, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := file.WriteAt(data, at); err != nil {
		return err
	}
	return file.Close()
}

// Folders and files that may not be written or read. Root may do everything; so it gives that up where the tests are root's.
func TestNotPermitted(t *testing.T) {
	for _, test := range []struct {
		name  string
		path  string
		mode  os.FileMode
		fresh bool // before anything was fetched
		codes []int
		path2 string // what the line names
	}{
		{"the folder of the Maildir, fresh", "Mail", 0o500, true, []int{73}, "Mail/lab"},
		{"the Maildir", "Mail/lab", 0o000, false, []int{74}, "Mail/lab"},
		{"new/", "Mail/lab/new", 0o500, false, []int{74}, "Mail/lab/new"},
		{"tmp/", "Mail/lab/tmp", 0o500, false, []int{74}, "Mail/lab/tmp"},
		{"the state's folder, fresh", "state", 0o500, true, []int{74}, "state"},
		{"the state's folder", "state", 0o500, false, []int{0}, ""},
		{"the state", "state/lab.db", 0o400, false, []int{74}, "state/lab.db"},
		{"the state, to be read", "state/lab.db", 0o000, false, []int{74}, "state/lab.db"},
	} {
		for _, deletion := range []string{"never", "fetched"} {
			t.Run(test.name+"/"+deletion, func(t *testing.T) {
				k := newHaul(t, deletion, false)
				if os.Geteuid() == 0 {
					need(t, "setpriv", "util-linux")
					k.h.among = []string{"setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"}
				}
				if test.fresh {
					if err := os.MkdirAll(filepath.Join(k.h.dir, test.path), 0o700); err != nil {
						t.Fatal(err)
					}
				} else {
					k.h.run(t).ok(t)
					k.addMail("later", 7)
				}
				path := filepath.Join(k.h.dir, test.path)
				info, err := os.Stat(path)
				if err == nil {
					err = os.Chmod(path, test.mode)
				}
				if err != nil {
					t.Fatal(err)
				}
				r := k.h.run(t)
				if !slices.Contains(test.codes, r.code) || r.code != 0 && !toldInOneLine(r.stderr, syscall.EACCES.Error()) || !strings.Contains(r.stderr, test.path2) {
					t.Errorf("want exit %v and a line that names %s, got %v", test.codes, test.path2, r)
				}
				if err := os.Chmod(path, info.Mode()); err != nil {
					t.Fatal(err)
				}
				for _, wrong := range k.halfway() {
					t.Error(wrong)
				}
				k.settled()
			})
		}
	}
}
