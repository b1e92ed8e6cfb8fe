package fetch

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
	"haulmail/maildir"
)

// brokenDisk is a disk that strikes while a run is at work on it; a nil strike is none.
type brokenDisk struct {
	*powerDisk
	beforeRename func(dir int, name string)
	beforeRead   func(dir int, name string) error // before a file is opened to be read
	onSync       func() error
	onWrite      func(text []byte) error
	onRemove     func(name string) error // of a file or a folder
}

func (d *brokenDisk) Write(fd int, text []byte) error {
	if d.onWrite != nil {
		if err := d.onWrite(text); err != nil {
			return err
		}
	}
	return d.powerDisk.Write(fd, text)
}

func (d *brokenDisk) Rename(fromDir int, from string, toDir int, to string) error {
	if d.beforeRename != nil {
		d.beforeRename(fromDir, from)
	}
	return d.powerDisk.Rename(fromDir, from, toDir, to)
}

func (d *brokenDisk) Open(dir int, name string, flags int, perm uint32) (int, error) {
	if d.beforeRead != nil && flags&(unix.O_DIRECTORY|unix.O_CREAT) == 0 {
		if err := d.beforeRead(dir, name); err != nil {
			return -1, err
		}
	}
	return d.powerDisk.Open(dir, name, flags, perm)
}

func (d *brokenDisk) Sync(fd int) error {
	if d.onSync != nil {
		if err := d.onSync(); err != nil {
			return err
		}
	}
	return d.powerDisk.Sync(fd)
}

func (d *brokenDisk) Remove(dir int, name string) error {
	if d.onRemove != nil {
		if err := d.onRemove(name); err != nil {
			return err
		}
	}
	return d.powerDisk.Remove(dir, name)
}

func (d *brokenDisk) RemoveDir(dir int, name string) error {
	if d.onRemove != nil {
		if err := d.onRemove(name); err != nil {
			return err
		}
	}
	return d.powerDisk.RemoveDir(dir, name)
}

// keepsSpools is a disk on which no spool can be removed.
func keepsSpools(d *powerDisk) maildir.Disk {
	return &brokenDisk{powerDisk: d, onRemove: func(name string) error {
		if strings.HasPrefix(name, ".haulmail-") {
			return unix.EIO
		}
		return nil
	}}
}

// fetchOn does what Run does in a world whose disk is disk, while the system has been running ever since.
func (l *powerLab) fetchOn(w *world, disk maildir.Disk, step func(string)) Result {
	l.enter(w)
	o := l.options
	o.Step = step
	e := newEngine(o)
	e.disk, e.boot = disk, "1"
	r := e.each(context.Background(), []*config.Account{l.account}, (*haul).fetch)[0]
	w.state, w.mail = l.readState(), l.mailbox.Messages()
	l.now = nil
	return r
}

// cutAt gives the world in which a first run over the messages was killed at a step.
func (l *powerLab) cutAt(step string, msgs []pop3test.Message) *world {
	l.t.Helper()
	moments, err := l.record(&world{disk: newPowerDisk(), mail: msgs}, nil)
	check(l.t, err)
	for _, m := range moments {
		if m.next == "("+step+")" {
			return m.world.clone()
		}
	}
	l.t.Fatalf("the step %s was not passed", step)
	return nil
}

// spoolFile gives one of the files in the spool.
func (d *powerDisk) spoolFile() *node {
	for _, spool := range d.folder("tmp").entries {
		for _, file := range spool.last().entries {
			return file.last()
		}
	}
	return nil
}

// Whatever a cleaner takes out of the spool while an earlier run's batch is brought to its end was not delivered, and is fetched again; and
// so is what the disk cannot read.
func TestRecoveryOnABrokenDisk(t *testing.T) {
	for _, row := range []struct {
		name string
		disk func(d *powerDisk, once func() bool) maildir.Disk
	}{
		{"taken before its rename", func(d *powerDisk, once func() bool) maildir.Disk {
			return &brokenDisk{powerDisk: d, beforeRename: func(dir int, name string) {
				if once() {
					_ = d.Remove(dir, name)
				}
			}}
		}},
		{"taken before it is read", func(d *powerDisk, once func() bool) maildir.Disk {
			return &brokenDisk{powerDisk: d, beforeRead: func(dir int, name string) error {
				if once() {
					_ = d.Remove(dir, name)
				}
				return nil
			}}
		}},
		{"not to be read", func(d *powerDisk, once func() bool) maildir.Disk {
			return &brokenDisk{powerDisk: d, beforeRead: func(int, string) error {
				if once() {
					return unix.EIO
				}
				return nil
			}}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newPowerLab(t, powerRule{delete: true})
			texts := namesOf(t, mail(3))
			w := l.cutAt(StepIntentsWritten, mail(3))
			var struck atomic.Bool
			r := l.fetchOn(w, row.disk(w.disk, func() bool { return struck.CompareAndSwap(false, true) }), nil)
			if !struck.Load() {
				t.Fatal("the disk did not break")
			}
			if r.Err != nil || r.Messages != 3 {
				t.Errorf("the recovering run delivered %d of 3: %v", r.Messages, r.Err)
			}
			if wrong := l.ending(w, texts); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}

// A file in the spool that is not what its intent says is the evidence that it was not delivered, until no intent names it any more:
// wherever the run is killed that finds it, the message is fetched again.
func TestKilledWhileItRecoversDamage(t *testing.T) {
	l := newPowerLab(t, powerRule{delete: true})
	texts := namesOf(t, mail(3))
	w := l.cutAt(StepIntentsWritten, mail(3))
	file := w.disk.spoolFile()
	file.data = []byte("x")
	file.synced = file.data
	moments, err := l.record(w, nil)
	check(t, err)
	if len(moments) < 10 {
		t.Fatalf("only %d moments: the run did not recover", len(moments))
	}
	for _, m := range moments {
		if wrong := l.ending(m.world.clone(), texts); wrong != "" {
			t.Errorf("killed before %s: %s", m.next, wrong)
		}
	}
}

// What is safe when the disk fails counts as fetched: a reader may take it, and the next run may come a day later.
func TestSafeMailIsSettledThoughTheDiskFails(t *testing.T) {
	l := newPowerLab(t, powerRule{})
	l.account.Pipelining = config.PipeliningOff
	l.options.Now = func() time.Time { return time.Now().Add(l.clock) }
	w := &world{disk: newPowerDisk(), mail: mail(4)}
	var full atomic.Bool
	delivered := make(chan bool, 9)
	l.server.SetFaults(pop3test.Fault{On: "RETR", UID: "u3", Call: func() { <-delivered; full.Store(true) }})
	disk := &brokenDisk{powerDisk: w.disk, onSync: func() error {
		if full.Load() {
			return unix.ENOSPC
		}
		return nil
	}}
	r := l.fetchOn(w, disk, func(step string) {
		if step == StepDelivered {
			delivered <- true
		}
	})
	l.server.SetFaults()
	if ClassOf(r.Err) != IO || r.Messages != 1 {
		t.Fatalf("%d messages were told of, and the end was: %v", r.Messages, r.Err)
	}
	for name := range w.disk.folder("new").entries {
		w.disk.bind(w.disk.folder("new"), name, nil, 0) // a reader takes it
	}
	l.clock = 25 * time.Hour
	r = l.fetchOn(w, w.disk, nil)
	if r.Err != nil || r.Messages != 3 {
		t.Errorf("a day later %d messages were fetched, want the 3 that were not safe (%v)", r.Messages, r.Err)
	}
}

// A message that the disk does not take, because it is too large for it, keeps none of the others away for longer than a run; and is had as
// soon as the disk takes it.
func TestMessageThatCannotBeWritten(t *testing.T) {
	for _, pipelining := range []config.Pipelining{config.PipeliningAuto, config.PipeliningOff} {
		t.Run("pipelining "+pipelining.String(), func(t *testing.T) {
			l := newPowerLab(t, powerRule{delete: true})
			l.account.Pipelining = pipelining
			names := namesOf(t, mail(6))
			w := &world{disk: newPowerDisk(), mail: mail(6)}
			disk := &brokenDisk{powerDisk: w.disk, onWrite: func(text []byte) error {
				if names[string(text)] == "u3" {
					return unix.EFBIG
				}
				return nil
			}}
			for run := range 4 {
				if r := l.fetchOn(w, disk, nil); ClassOf(r.Err) != IO || !errors.Is(r.Err, unix.EFBIG) {
					t.Errorf("run %d ended with %v", run+1, r.Err)
				}
				if n := len(w.disk.delivered()); run > 0 && n != 5 {
					t.Errorf("%d of the 5 others are delivered after run %d", n, run+1)
				}
			}
			if wrong := l.ending(w, names); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}

// A disk's failure is told at once, also beside one of the server's that error_after holds back.
func TestDiskFailureIsNotHeldBack(t *testing.T) {
	l := newPowerLab(t, powerRule{})
	l.account.ErrorAfter = config.Lasting{Runs: 3}
	w := l.cutAt(StepIntentsWritten, mail(1))
	l.server.SetFaults(pop3test.Refuse("AUTH", "[IN-USE] locked"))
	r := l.fetchOn(w, keepsSpools(w.disk), nil)
	if ClassOf(r.Err) != IO || !errors.Is(r.Err, unix.EIO) || !strings.Contains(r.Err.Error(), "locked") {
		t.Errorf("class %s: %v", ClassOf(r.Err), r.Err)
	}
}

// The spool in a Maildir that the account has no more is looked at this once: what stays of it is told.
func TestSpoolOfAnotherMaildirStays(t *testing.T) {
	l := newPowerLab(t, powerRule{})
	w := l.cutAt(StepIntentsWritten, mail(1))
	w.mail = nil // nothing is to be delivered to the new Maildir
	l.account.Maildir = "/elsewhere"
	if r := l.fetchOn(w, keepsSpools(w.disk), nil); ClassOf(r.Err) != IO || !errors.Is(r.Err, unix.EIO) || r.Messages != 1 {
		t.Errorf("%d messages were delivered, class %s: %v", r.Messages, ClassOf(r.Err), r.Err)
	}
}

// Where it cannot be recorded which files somebody took from the spool, it is told all the same that they were lost.
func TestLostMailThatCannotBeRecorded(t *testing.T) {
	l := newPowerLab(t, powerRule{})
	w := &world{disk: newPowerDisk(), mail: mail(1)}
	l.enter(w)
	var hauling *haul
	o := l.options
	o.Step = func(step string) {
		if step == StepIntentsWritten {
			spool := w.disk.folder("tmp").entries[".haulmail-"+hauling.store.Spool()].last()
			for name := range spool.entries {
				w.disk.bind(spool, name, nil, 0)
			}
			check(t, hauling.store.Close()) // it takes no more calls
		}
	}
	e := newEngine(o)
	e.disk = w.disk
	r := e.each(t.Context(), []*config.Account{l.account}, func(h *haul, ctx context.Context) error {
		hauling = h
		return h.fetch(ctx)
	})[0]
	if ClassOf(r.Err) != IO || !isType[*maildir.LostError](r.Err) {
		t.Errorf("class %s: %v", ClassOf(r.Err), r.Err)
	}
}

// A run whose disk does not remove what is left of a cut message ends there: another session would have it forgotten.
func TestDiskFailureEndsTheSessions(t *testing.T) {
	for _, pipelining := range []config.Pipelining{config.PipeliningAuto, config.PipeliningOff} {
		t.Run("pipelining "+pipelining.String(), func(t *testing.T) {
			l := newPowerLab(t, powerRule{delete: true})
			l.account.Pipelining = pipelining
			l.server.SetFaults(pop3test.Fault{On: "RETR", UID: "u3", At: 20, Do: pop3test.RST, Limit: 1})
			w := &world{disk: newPowerDisk(), mail: mail(6)}
			var struck atomic.Bool
			r := l.fetchOn(w, &brokenDisk{powerDisk: w.disk, onRemove: func(string) error {
				if struck.CompareAndSwap(false, true) {
					return unix.EIO
				}
				return nil
			}}, nil)
			if ClassOf(r.Err) != IO || !errors.Is(r.Err, unix.EIO) {
				t.Errorf("class %s: %v", ClassOf(r.Err), r.Err)
			}
			if wrong := l.ending(w, namesOf(t, mail(6))); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}

// Before the first delivery into a Maildir its own entry, and those above it, are made durable: whoever made it may not have come so far.
// From then on that is known.
func TestFirstDeliveryMakesTheMaildirDurable(t *testing.T) {
	l := newPowerLab(t, powerRule{})
	w := &world{disk: newPowerDisk(), mail: mail(1)}
	const ofTheMaildir = "syncfs " // one message is synced by fsync
	for run, want := range []bool{true, false} {
		moments, err := l.record(w, nil)
		check(t, err)
		synced, noted := -1, -1
		for i, m := range moments {
			switch m.next {
			case ofTheMaildir:
				synced = i
			case "(" + StepIntentsWritten + ")":
				noted = i
			}
		}
		if noted < 0 || (synced >= 0) != want || synced > noted {
			t.Errorf("run %d: the Maildir is synced at moment %d, the intents are written at %d; synced at all: want %v", run+1, synced, noted, want)
		}
		w.mail = mail(2)
		l.now = nil
	}
}

// namesOf gives the UID of each text as it is delivered.
func namesOf(t *testing.T, msgs []pop3test.Message) map[string]string {
	t.Helper()
	names := make(map[string]string)
	for i, text := range texts(t, msgs) {
		names[text] = msgs[i].UID
	}
	return names
}
