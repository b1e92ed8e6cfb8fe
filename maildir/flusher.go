package maildir

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// slowSyncfs is how long a syncfs may take before small batches avoid it: it
// also waits for what strangers have written.
const slowSyncfs = time.Second

// A Flusher lets the boxes of a run share what concerns all of them: one syncfs
// for those on the same file system that ask for it at the same time, and the
// number of descriptors that wait for an fsync. Share one by all boxes of the
// process.
type Flusher struct {
	mu     sync.Mutex
	groups map[uint64]*group // by device
	held   atomic.Int64
	limit  int64
}

// NewFlusher returns a Flusher for use by any number of boxes and goroutines.
func NewFlusher() *Flusher {
	limit := int64(heldInAll)
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err == nil && uint64(r.Cur) < 4*heldInAll {
		limit = int64(r.Cur) / 4
	}
	return &Flusher{groups: map[uint64]*group{}, limit: limit}
}

// reserve asks for one more held descriptor.
func (fl *Flusher) reserve() bool {
	if fl.held.Add(1) > fl.limit {
		fl.held.Add(-1)
		return false
	}
	return true
}

func (fl *Flusher) giveBack() { fl.held.Add(-1) }

// A group is the boxes on one file system.
type group struct {
	flusher *Flusher
	dev     uint64
	reports bool // syncfs tells of errors here
	fd      int  // older than every write of every box in the group
	boxes   int  // under flusher.mu

	turn sync.Mutex // held during a syncfs
	mu   sync.Mutex
	next *round
	slow bool  // the last syncfs was
	err  error // the first error: stays, because a descriptor reports an error once
}

// A round is one syncfs and those who wait for it.
type round struct {
	done chan struct{}
	err  error
}

// join adds a box whose tmp/ is open as dir to the group of its device. The
// group's descriptor is a new one: errors are kept for each descriptor from its
// opening on, and the first box may leave before the others.
func (fl *Flusher) join(disk Disk, dev uint64, dir int) (*group, error) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	g := fl.groups[dev]
	if g == nil {
		fd, err := disk.Open(dir, ".", folderFlags, 0)
		if err != nil {
			return nil, err
		}
		g = &group{flusher: fl, dev: dev, fd: fd, reports: disk.SyncFSReports(fd)}
		fl.groups[dev] = g
	}
	g.boxes++
	return g, nil
}

// leave closes the group's descriptor behind the last box.
func (g *group) leave(disk Disk) {
	g.flusher.mu.Lock()
	defer g.flusher.mu.Unlock()
	g.boxes--
	if g.boxes == 0 {
		delete(g.flusher.groups, g.dev)
		_ = disk.Close(g.fd) // a folder
	}
}

// syncfs returns when a syncfs that began after the call is over. Callers that
// arrive while one is running share the next.
func (g *group) syncfs(disk Disk) error {
	g.mu.Lock()
	r := g.next
	if r != nil {
		g.mu.Unlock()
		<-r.done
		return r.err
	}
	r = &round{done: make(chan struct{})}
	g.next = r
	g.mu.Unlock()

	g.turn.Lock()
	defer g.turn.Unlock()
	g.mu.Lock()
	g.next = nil // who comes from now on is too late for this round
	r.err = g.err
	g.mu.Unlock()
	if r.err == nil {
		r.err = g.run(disk)
	}
	close(r.done)
	return r.err
}

func (g *group) run(disk Disk) error {
	start := time.Now()
	err := disk.SyncFS(g.fd)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.slow = time.Since(start) > slowSyncfs
	g.err = err
	return err
}

// holdLimit is the number of files a box keeps open for an fsync each.
func (g *group) holdLimit() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.slow {
		return smallBatch
	}
	return fewFiles
}
