package maildir

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// virtualSize is the slow reference: as Dovecot counts, each LF without a CR
// before it takes two bytes.
func virtualSize(p []byte) int64 {
	n := int64(len(p))
	for i, c := range p {
		if c == '\n' && (i == 0 || p[i-1] != '\r') {
			n++
		}
	}
	return n
}

func TestSizesAndSum(t *testing.T) {
	b := open(t, Options{})
	rapid.Check(t, func(t *rapid.T) {
		// Pieces that meet the buffer's end in every way, full of CR and LF.
		pieces := rapid.SliceOfN(rapid.OneOf(
			rapid.SliceOfN(rapid.SampledFrom([]byte("\r\n\r\na\x00.")), 0, 40),
			rapid.Map(rapid.IntRange(bufferSize-3, bufferSize+3), func(n int) []byte {
				return bytes.Repeat([]byte("\r\n\n\r"), n/4+1)[:n]
			}),
		), 0, 5).Draw(t, "pieces")
		f, err := b.Create(Hash{})
		if err != nil {
			t.Fatal(err)
		}
		var whole []byte
		for _, p := range pieces {
			if n, err := f.Write(p); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
			whole = append(whole, p...)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		size, sum, err := b.Check(f.Key())
		if err != nil {
			t.Fatal(err)
		}
		e, _ := parseName(f.Key())
		if size != f.Size() || sum != f.Sum() || size != int64(len(whole)) || e.Size != size {
			t.Errorf("%d written, Size %d, Check %d, S=%d; sums equal: %v", len(whole), f.Size(), size, e.Size, sum == f.Sum())
		}
		if e.Virtual != virtualSize(whole) {
			t.Errorf("W=%d, want %d", e.Virtual, virtualSize(whole))
		}
		if err := f.Discard(); err != nil {
			t.Fatal(err)
		}
	})
}

// A small message is one open, one write, one close and one rename.
func TestCallsForSmallMessages(t *testing.T) {
	d := &spyDisk{Disk: newKernel()}
	b := open(t, Options{Disk: d})
	opened := d.count("open")
	var bodies []string
	for range 512 {
		bodies = append(bodies, strings.Repeat("a line\n", 700))
	}
	files := spool(t, b, bodies...)
	if err := errors.Join(b.Sync(files), b.Deliver(files)); err != nil {
		t.Fatal(err)
	}
	for op, want := range map[string]int{
		"open": opened + 1 + 512, "write": 512, "close": 512, "rename": 512,
		"mkdir": 1, "syncfs": 1, "remove": 0, "list": 0,
		"sync": 2, // new/ and the spool
	} {
		if got := d.count(op); got != want {
			t.Errorf("%s: %d calls, want %d", op, got, want)
		}
	}
}

func TestDiscard(t *testing.T) {
	b := open(t, Options{})
	open, err := b.Create(Hash{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	files := spool(t, b, "1", "2", "3", "4", "5", "6", "7")
	if err := b.Sync(files[5:]); err != nil {
		t.Fatal(err)
	}
	if err := b.Deliver(files[6:]); err != nil {
		t.Fatal(err)
	}
	for _, f := range append(files, open) {
		for range 2 {
			if err := f.Discard(); err != nil {
				t.Error(err)
			}
		}
	}
	if left := list(t, b.spoolPath()); len(left) != 0 {
		t.Errorf("left in the spool: %v", left)
	}
	if got := list(t, filepath.Join(b.Path(), "new")); len(got) != 1 {
		t.Errorf("in new: %v; what is delivered stays", got)
	}
	if n := b.group.flusher.held.Load(); n != 0 {
		t.Errorf("%d descriptors still count as held", n)
	}
	if _, err := open.Write([]byte("x")); !errors.Is(err, unix.EBADF) {
		t.Errorf("a write after Discard: %v", err)
	}
}

func TestWrongOrder(t *testing.T) {
	b := open(t, Options{})
	open, err := b.Create(Hash{})
	if err != nil {
		t.Fatal(err)
	}
	defer open.Discard()
	if err := b.Sync([]*File{open}); !errors.Is(err, unix.EBADF) {
		t.Errorf("Sync before Close: %v", err)
	}
	files := spool(t, b, "a")
	if err := b.Deliver(files); !errors.Is(err, unix.EBADF) {
		t.Errorf("Deliver before Sync: %v", err)
	}
	if err := errors.Join(b.Sync(files), b.Sync(files), b.Deliver(files)); err != nil {
		t.Errorf("Sync twice, then Deliver: %v", err)
	}
	if err := b.Deliver(files); !errors.Is(err, unix.EBADF) {
		t.Errorf("Deliver twice: %v", err)
	}
}
