package maildir

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// roundsDisk numbers the syncfs calls.
type roundsDisk struct {
	Disk
	begun, over atomic.Int64
	err         error
}

func (d *roundsDisk) SyncFSReports(int) bool { return true }

func (d *roundsDisk) SyncFS(int) error {
	n := d.begun.Add(1)
	time.Sleep(3 * time.Millisecond)
	d.over.Store(n)
	return d.err
}

// Nobody returns before a syncfs is over that began after his call, and many
// callers share few of them.
func TestRoundsAreShared(t *testing.T) {
	d := &roundsDisk{Disk: newKernel()}
	g := &group{flusher: NewFlusher(), reports: true}
	const callers, calls = 50, 10
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range calls {
				begun := d.begun.Load()
				if err := g.syncfs(d); err != nil {
					t.Error(err)
				}
				if over := d.over.Load(); over <= begun {
					t.Errorf("returned after round %d, but round %d had begun before the call", over, begun)
				}
			}
		})
	}
	wg.Wait()
	if n := d.begun.Load(); n > callers*calls/5 {
		t.Errorf("%d syncfs for %d calls", n, callers*calls)
	}
}

// A descriptor reports an error once, so that the group has to remember it: data
// of a later caller may have been in the round that failed.
func TestFailedRoundIsForAll(t *testing.T) {
	d := &roundsDisk{Disk: newKernel(), err: unix.EIO}
	g := &group{flusher: NewFlusher(), reports: true}
	for range 3 {
		if err := g.syncfs(d); !errors.Is(err, unix.EIO) {
			t.Errorf("syncfs: %v", err)
		}
		d.err = nil
	}
	if n := d.begun.Load(); n != 1 {
		t.Errorf("%d syncfs, want 1", n)
	}
}

// Two boxes on one file system are in one group, and the last one closes it.
func TestGroups(t *testing.T) {
	fl := NewFlusher()
	a, b := open(t, Options{Flusher: fl}), open(t, Options{Flusher: fl})
	if a.group != b.group || len(fl.groups) != 1 {
		t.Error("two groups")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	files := spool(t, b, "1", "2", "3", "4", "5")
	if err := errors.Join(b.Sync(files), b.Deliver(files)); err != nil {
		t.Errorf("after the first has left: %v", err)
	}
	_ = b.Close()
	if len(fl.groups) != 0 {
		t.Error("a group is left")
	}
}
