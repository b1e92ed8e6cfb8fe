package maildir

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	gomaildir "github.com/emersion/go-maildir"
	"github.com/zeebo/xxh3"
)

// open opens a new Maildir below the test's folder.
func open(t testing.TB, opt Options) *Box {
	t.Helper()
	opt.Create = true
	b, err := Open(filepath.Join(t.TempDir(), "box"), "id1", opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// spool writes messages into the spool and closes them.
func spool(t testing.TB, b *Box, bodies ...string) []*File {
	t.Helper()
	var files []*File
	for _, body := range bodies {
		f, err := b.Create(UIDHash("me@host", []byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

func TestDeliver(t *testing.T) {
	b := open(t, Options{Hostname: "mx"})
	bodies := []string{"", "a\n", "a\r\nb\n", strings.Repeat("x", bufferSize), strings.Repeat("0123456789\n", 100_000)}
	files := spool(t, b, bodies...)
	if err := b.Sync(files); err != nil {
		t.Fatal(err)
	}
	if err := b.Deliver(files); err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		got, err := os.ReadFile(filepath.Join(b.Path(), "new", f.Key()))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != bodies[i] {
			t.Errorf("message %d: %d bytes delivered, %d written, or other ones", i, len(got), len(bodies[i]))
		}
		if f.Size() != int64(len(bodies[i])) || f.Sum() != Sum(xxh3.Hash128([]byte(bodies[i])).Bytes()) {
			t.Errorf("message %d: size %d, sum %x", i, f.Size(), f.Sum())
		}
	}
	msgs, err := gomaildir.Dir(b.Path()).Unseen()
	if err != nil || len(msgs) != len(bodies) {
		t.Errorf("a reader sees %d messages, %v; want %d", len(msgs), err, len(bodies))
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Join(b.Path(), "tmp")); len(left) != 0 {
		t.Errorf("left in tmp: %v", left)
	}
}
