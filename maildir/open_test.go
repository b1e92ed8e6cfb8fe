package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Each case is a list of things in a fresh folder: "x/" a folder, "x" a file,
// "x->y" a symbolic link.
func TestOpen(t *testing.T) {
	whole := []string{"m/", "m/tmp/", "m/new/", "m/cur/"}
	with := func(more ...string) []string { return append(whole[:len(whole):len(whole)], more...) }
	for _, c := range []struct {
		name   string
		have   []string
		path   string
		create bool
		want   string // "", "missing", "not" or "create"
	}{
		{"nothing", nil, "m", false, "missing"},
		{"nothing, create", nil, "m", true, ""},
		{"nothing, deep, create", nil, "a/b/c/m", true, ""},
		{"a mount point without its disk", []string{"m/"}, "m", false, "missing"},
		{"an empty folder, create", []string{"m/"}, "m", true, ""},
		{"a fresh disk, create", []string{"m/", "m/lost+found/"}, "m", true, ""},
		{"a creation cut short", []string{"m/", "m/tmp/"}, "m", false, "missing"},
		{"a creation cut short, create", []string{"m/", "m/tmp/"}, "m", true, ""},
		{"whole", whole, "m", false, ""},
		{"whole, create", whole, "m/", true, ""},
		{"only new", []string{"m/", "m/new/"}, "m", false, ""},
		{"without tmp", []string{"m/", "m/new/", "m/cur/"}, "m", false, ""},
		{"a file", []string{"m"}, "m", true, "not"},
		{"below a file", []string{"m"}, "m/x", true, "not"},
		{"a folder of Maildirs", []string{"m/", "m/work/"}, "m", true, "not"},
		{"a folder of files", []string{"m/", "m/inbox"}, "m", false, "not"},
		{"a link to a Maildir", with("l->m"), "l", false, ""},
		{"a link to nothing, create", []string{"l->m"}, "l", true, "create"},
		{"cur is a link", []string{"m/", "m/tmp/", "m/new/", "x/", "m/cur->../x"}, "m", true, "not"},
		{"new is a file", []string{"m/", "m/tmp/", "m/new", "m/cur/"}, "m", true, "not"},
		{"the spool is a link", with("x/", "m/tmp/.haulmail-id1->../../x"), "m", true, "not"},
		{"the spool is a file", with("m/tmp/.haulmail-id1"), "m", true, "not"},
		{"the spool is left over", with("m/tmp/.haulmail-id1/", "m/tmp/.haulmail-id1/x"), "m", false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			build(t, dir, c.have)
			b, err := Open(filepath.Join(dir, c.path), "id1", Options{Create: c.create})
			if got := kindOf(err); got != c.want {
				t.Fatalf("Open: %v; want %q", err, c.want)
			}
			if err != nil {
				return
			}
			defer b.Close()
			files := spool(t, b, "a\n", "b\n")
			if err := errors.Join(b.Sync(files), b.Deliver(files)); err != nil {
				t.Fatal(err)
			}
			if names := list(t, filepath.Join(dir, c.path, "new")); len(names) != 2 {
				t.Errorf("in new: %v", names)
			}
		})
	}
}

func build(t *testing.T, dir string, have []string) {
	t.Helper()
	for _, h := range have {
		var err error
		if link, to, ok := strings.Cut(h, "->"); ok {
			err = os.Symlink(to, filepath.Join(dir, link))
		} else if strings.HasSuffix(h, "/") {
			err = os.Mkdir(filepath.Join(dir, h), 0o700)
		} else {
			err = os.WriteFile(filepath.Join(dir, h), nil, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func kindOf(err error) string {
	var not *NotMaildirError
	var create *CreateError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrMissing):
		return "missing"
	case errors.As(err, &not):
		return "not"
	case errors.As(err, &create):
		return "create"
	}
	return "other"
}

// list returns the names in a folder.
func list(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestFoldersArePrivate(t *testing.T) {
	dir := t.TempDir()
	b, err := Open(filepath.Join(dir, "a", "m"), "id1", Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	f := spool(t, b, "x")[0]
	for path, want := range map[string]fs.FileMode{
		"a":                               0o700,
		"a/m":                             0o700,
		"a/m/new":                         0o700,
		"a/m/tmp/.haulmail-id1":           0o700,
		"a/m/tmp/.haulmail-id1/" + f.base: 0o600,
	} {
		st, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, st.Mode().Perm(), want)
		}
	}
}

func TestSpoolID(t *testing.T) {
	for _, id := range []string{"", "../x", "a/b", "a b", ".", "é", string(make([]byte, 65))} {
		if b, err := Open(t.TempDir(), id, Options{Create: true}); err == nil {
			t.Errorf("id %q was taken", id)
			_ = b.Close()
		}
	}
}

// Another folder at the same path is another Maildir.
func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	var inos []uint64
	for _, path := range []string{"a", "a", "b"} {
		b, err := Open(filepath.Join(dir, path), "id1", Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		_, ino := b.Identity()
		inos = append(inos, ino)
		_ = b.Close()
	}
	if inos[0] != inos[1] || inos[0] == inos[2] {
		t.Errorf("inodes of a, a, b: %v", inos)
	}
}

// A run that finds nothing new writes nothing.
func TestOpenWritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m")
	b, err := Open(path, "id1", Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	d := &spyDisk{Disk: newKernel()}
	if b, err = Open(path, "id1", Options{Disk: d}); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for _, op := range []string{"mkdir", "sync", "syncfs", "rename", "remove", "rmdir", "write"} {
		if n := d.count(op); n != 0 {
			t.Errorf("%d × %s", n, op)
		}
	}
	if d.open != 0 {
		t.Errorf("%d descriptors left open", d.open)
	}
}

// Several processes, each with an account that is delivered into the same new Maildir, make it at the same time.
func TestMadeByManyAtOnce(t *testing.T) {
	for range 200 {
		path := filepath.Join(t.TempDir(), "mail")
		var all sync.WaitGroup
		for n := range 6 {
			all.Go(func() {
				b, err := Open(path, fmt.Sprint("id", n), Options{Create: true})
				if err != nil {
					t.Error(err)
					return
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}
