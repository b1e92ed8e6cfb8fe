package maildir

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// One call of a batch of 40 fails. Whatever it is, nothing partial is in new/,
// and a failure after which data may be gone without a trace ends the box.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		op    string
		nth   int
		deaf  bool // no syncfs: fsync of each file
		err   error
		step  string // what must fail
		final bool   // the box refuses everything after it
	}{
		{"mkdir", 1, false, unix.EROFS, "create", false},
		{"write", 1, false, unix.ENOSPC, "write", false},
		{"write", 40, false, unix.EDQUOT, "write", false},
		{"write", 17, true, unix.EIO, "write", false},
		{"close", 1, false, unix.EIO, "write", true}, // file 5: the first is held
		{"close", 20, false, unix.EIO, "write", true},
		{"close", 37, false, unix.EIO, "sync", true}, // one that was held
		{"close", 1, true, unix.EIO, "write", true},  // behind its own fsync
		{"syncfs", 1, false, unix.EIO, "sync", true},
		{"syncfs", 1, false, unix.ENOSPC, "sync", true},
		{"sync", 1, true, unix.EIO, "write", true}, // the 33rd file finds no room to wait
		{"sync", 33, true, unix.EIO, "write", true},
		{"sync", 34, true, unix.EIO, "sync", true},
		{"sync", 41, true, unix.EIO, "sync", true},    // the spool
		{"sync", 42, true, unix.EIO, "sync", true},    // tmp
		{"sync", 43, true, unix.EIO, "deliver", true}, // new
		{"sync", 44, true, unix.EIO, "deliver", true}, // the spool
		{"sync", 1, false, unix.EIO, "deliver", true},
		{"rename", 1, false, unix.ENOSPC, "deliver", false},
		{"rename", 40, false, unix.EIO, "deliver", false},
	} {
		t.Run(strings.Join([]string{c.op, c.err.Error()}, " "), func(t *testing.T) {
			d := &spyDisk{Disk: newKernel(), deaf: c.deaf}
			path := filepath.Join(t.TempDir(), "m")
			makeBox(t, path)
			b, err := Open(path, "id1", Options{Disk: d})
			if err != nil {
				t.Fatal(err)
			}
			d.calls = nil
			d.hook = failAt(c.op, c.nth, c.err)
			files, step, err := runBatch(b, 40)
			var io *IOError
			if step != c.step || !errors.Is(err, c.err) || !errors.As(err, &io) {
				t.Fatalf("%s failed: %v; want %s: %v", step, err, c.step, c.err)
			}
			if err := b.failure(); (err != nil) != c.final {
				t.Errorf("the box has failed: %v, want %v", err, c.final)
			}
			syncs := d.count("sync") + d.count("syncfs")
			if c.final {
				if _, step, err := runBatch(b, 1); step != "create" || !errors.Is(err, c.err) {
					t.Errorf("the next batch: %s: %v", step, err)
				}
				if err := b.Sync(files); !errors.Is(err, c.err) {
					t.Errorf("a second Sync: %v", err)
				}
				if now := d.count("sync") + d.count("syncfs"); now != syncs {
					t.Errorf("%d syncs after the failure", now-syncs)
				}
			} else if c.step != "create" {
				if _, step, err := runBatch(b, 40); err != nil {
					t.Errorf("the next batch: %s: %v", step, err)
				}
			}
			wantWhole(t, filepath.Join(path, "new"))
			if c.step == "write" {
				if _, err := os.Lstat(files[len(files)-1].path()); err == nil {
					t.Error("the file whose Close failed is still in the spool")
				}
			}
			for _, f := range files {
				if err := f.Discard(); err != nil && !errors.Is(err, unix.ENOENT) { // moved by a Deliver that failed later
					t.Error(err)
				}
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			if d.open != 0 {
				t.Errorf("%d descriptors left open", d.open)
			}
			if left := list(t, filepath.Join(path, "tmp")); len(left) != 0 {
				t.Errorf("left in tmp: %v", left)
			}
		})
	}
}

// A disk that fails each fsync, and may take a minute for it, is not asked once
// for each file.
func TestFirstFailureEndsTheOthers(t *testing.T) {
	d := &spyDisk{Disk: newKernel(), deaf: true}
	b := open(t, Options{Disk: d})
	before := d.count("sync")
	d.hook = func(op string, _ int) error {
		if op == "sync" {
			return unix.EIO
		}
		return nil
	}
	if _, _, err := runBatch(b, heldPerBox); !errors.Is(err, unix.EIO) {
		t.Fatal(err)
	}
	if n := d.count("sync") - before; n > syncWorkers {
		t.Errorf("%d fsyncs", n)
	}
}

func makeBox(t *testing.T, path string) {
	t.Helper()
	b, err := Open(path, "id0", Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// runBatch takes n messages through the protocol, and says which step failed.
func runBatch(b *Box, n int) (files []*File, step string, err error) {
	for range n {
		f, err := b.Create(Hash{})
		if err != nil {
			return files, "create", err
		}
		files = append(files, f)
		_, err = f.Write([]byte("whole\n"))
		if err = errors.Join(err, f.Close()); err != nil {
			return files, "write", err
		}
	}
	if err := b.Sync(files); err != nil {
		return files, "sync", err
	}
	return files, "deliver", b.Deliver(files)
}

func wantWhole(t *testing.T, dir string) {
	t.Helper()
	for _, name := range list(t, dir) {
		if p, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(p) != "whole\n" {
			t.Errorf("%s holds %q, %v", name, p, err)
		}
	}
}

// Where syncfs cannot be trusted no file is closed before its fsync, and the
// descriptors that wait stay within bounds for all accounts together.
func TestDescriptorsWithoutSyncfs(t *testing.T) {
	d := &spyDisk{Disk: newKernel(), deaf: true}
	flusher := NewFlusher()
	const boxes, each = 16, 2*heldPerBox - 1 // the last of them wait when all are written
	all := make([]*Box, boxes)
	files := make([][]*File, boxes)
	for i := range all {
		b, err := Open(filepath.Join(t.TempDir(), "m"), "id1", Options{Create: true, Disk: d, Flusher: flusher})
		if err != nil {
			t.Fatal(err)
		}
		all[i], files[i] = b, spool(t, b, slices.Repeat([]string{"whole\n"}, each)...)
	}
	folders := boxes*5 + 1 // of each box, and of the flusher's group
	if limit := folders + heldInAll + 1; d.maxOpen > limit || d.maxOpen < limit-2 {
		t.Errorf("%d descriptors at once, want at most %d, and these", d.maxOpen, limit)
	}
	var wg sync.WaitGroup
	for i, b := range all {
		wg.Go(func() {
			if err := errors.Join(b.Sync(files[i]), b.Deliver(files[i]), b.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if d.lost != 0 {
		t.Errorf("%d files closed before their fsync", d.lost)
	}
	if n := d.count("syncfs"); n != 0 || flusher.held.Load() != 0 || d.open != 0 {
		t.Errorf("%d syncfs, %d held, %d open", n, flusher.held.Load(), d.open)
	}
}

// A few files are synced one by one, more by one syncfs; after a slow syncfs
// more files count as few.
func TestSyncfsOrFsync(t *testing.T) {
	for _, c := range []struct {
		files, syncfs int
		slow          bool
	}{
		{1, 0, false},
		{fewFiles, 0, false},
		{fewFiles + 1, 1, false},
		{smallBatch, 1, false},
		{smallBatch, 0, true},
		{smallBatch + 1, 1, true},
	} {
		d := &spyDisk{Disk: newKernel()}
		b := open(t, Options{Disk: d})
		b.group.slow = c.slow
		before := d.count("sync")
		files, step, err := runBatch(b, c.files)
		if err != nil {
			t.Fatal(step, err)
		}
		want := 2 // new and the spool
		if c.syncfs == 0 {
			want += len(files) + 2 // and the spool and tmp before
		}
		if got := d.count("sync") - before; got != want || d.count("syncfs") != c.syncfs {
			t.Errorf("%+v: %d fsync, %d syncfs; want %d fsync", c, got, d.count("syncfs"), want)
		}
	}
}

// Batches are received while earlier ones are made durable.
func TestTwoBatchesInFlight(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		b := open(t, Options{Disk: &spyDisk{Disk: newKernel(), deaf: deaf}})
		batches := make(chan []*File, 2)
		var wg sync.WaitGroup
		wg.Go(func() {
			for files := range batches {
				if err := errors.Join(b.Sync(files), b.Deliver(files)); err != nil {
					t.Error(err)
				}
			}
		})
		total := 0
		for _, n := range []int{1, 40, 3, 33, 5, 70, 2, 4, 100} {
			batches <- spool(t, b, slices.Repeat([]string{"whole\n"}, n)...)
			total += n
		}
		close(batches)
		wg.Wait()
		wantWhole(t, filepath.Join(b.Path(), "new"))
		if got := len(list(t, filepath.Join(b.Path(), "new"))); got != total {
			t.Errorf("%d delivered, want %d", got, total)
		}
	}
}

// Somebody empties tmp/ between the intents and the renames.
func TestLostFromSpool(t *testing.T) {
	b := open(t, Options{})
	files := spool(t, b, "1", "2", "3")
	if err := b.Sync(files); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(files[1].path()); err != nil {
		t.Fatal(err)
	}
	var lost *LostError
	if err := b.Deliver(files); !errors.As(err, &lost) || !slices.Equal(lost.Keys, []string{files[1].Key()}) {
		t.Fatalf("Deliver: %v, want a LostError for the second file", err)
	}
	if got := list(t, filepath.Join(b.Path(), "new")); len(got) != 2 {
		t.Errorf("in new: %v", got)
	}
}

// A file or link that somebody put into the spool is neither written to nor
// followed.
func TestCreateIsExclusive(t *testing.T) {
	d := &spyDisk{Disk: newKernel()}
	spool(t, open(t, Options{Disk: d}), "x")
	if want := unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_WRONLY; d.created != want {
		t.Errorf("created with flags %#x, want %#x", d.created, want)
	}
}

func TestInterruptedCalls(t *testing.T) {
	calls := 0
	err := again(func() error {
		if calls++; calls < 4 {
			return unix.EINTR
		}
		return unix.EIO
	})
	if !errors.Is(err, unix.EIO) || calls != 4 {
		t.Errorf("%v after %d calls", err, calls)
	}
	calls = 0
	if err := again(func() error { calls++; return unix.EINTR }); !errors.Is(err, unix.EINTR) || calls != maxRetries {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// Some network file systems have no fsync for folders. That is no reason to
// deliver nothing there.
func TestFoldersWithoutSync(t *testing.T) {
	d := &spyDisk{Disk: newKernel(), hook: func(op string, _ int) error {
		if op == "sync" {
			return unix.EINVAL
		}
		return nil
	}}
	b := open(t, Options{Disk: d})
	if _, step, err := runBatch(b, fewFiles+1); err != nil { // the contents go by syncfs
		t.Errorf("%s: %v", step, err)
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	b := open(t, Options{})
	f := spool(t, b, "mine")[0]
	theirs := filepath.Join(b.Path(), "new", f.Key())
	if err := os.WriteFile(theirs, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Sync([]*File{f}); err != nil {
		t.Fatal(err)
	}
	if err := b.Deliver([]*File{f}); !errors.Is(err, unix.EEXIST) {
		t.Errorf("Deliver: %v", err)
	}
	if p, _ := os.ReadFile(theirs); string(p) != "theirs" {
		t.Errorf("the file holds %q", p)
	}
}
