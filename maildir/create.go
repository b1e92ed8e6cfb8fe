package maildir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	gomaildir "github.com/emersion/go-maildir"
	"golang.org/x/sys/unix"
)

// prepare sees to it that there is a Maildir with its three folders at the path.
func (b *Box) prepare(opt Options) error {
	st, err := b.look()
	if err != nil {
		return err
	}
	switch {
	case st == complete, st == partial && opt.Look:
		return nil
	case st == absent && !opt.Create:
		return missingError{b.path}
	}
	if err := b.make(opt.Create); err != nil {
		return &CreateError{Path: b.path, Err: err}
	}
	return nil
}

type missingError struct{ path string }

func (e missingError) Error() string { return e.path + ": " + ErrMissing.Error() }
func (e missingError) Unwrap() error { return ErrMissing }

type condition int

const (
	absent   condition = iota // nothing there, or an empty folder
	partial                   // new or cur is there, something else is not
	complete                  // tmp, new and cur are there
)

// look tells what is at the path.
func (b *Box) look() (condition, error) {
	root, err := b.disk.Open(unix.AT_FDCWD, b.path, folderFlags, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return absent, nil
	case errors.Is(err, unix.ENOTDIR):
		return absent, &NotMaildirError{Path: b.path, Why: "it, or something above it, is not a folder"}
	case err != nil:
		return absent, b.ioError("open", b.path, err)
	}
	defer func() { _ = b.disk.Close(root) }()

	have := make(map[string]bool)
	for _, name := range []string{"tmp", "new", "cur"} {
		_, err := b.disk.Stat(root, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return absent, b.ioError("stat", filepath.Join(b.path, name), err)
		}
		have[name] = err == nil
	}
	switch {
	case have["tmp"] && have["new"] && have["cur"]:
		return complete, nil
	case have["new"] || have["cur"]: // tmp alone is what a creation that was cut short leaves
		return partial, nil
	}
	return absent, b.wantEmpty(root)
}

var errStop = errors.New("enough")

// wantEmpty refuses a folder that is used for something else: mail must not land
// in the folder above the Maildirs because of a short path in the config. new
// and cur were not there before: if they are now, another process is making the
// Maildir at this moment.
func (b *Box) wantEmpty(root int) error {
	var other string
	err := b.disk.List(root, func(name string) error {
		switch name {
		case "tmp", "new", "cur", "lost+found":
			return nil
		}
		other = name
		return errStop
	})
	if other != "" {
		return &NotMaildirError{Path: b.path, Why: "it has neither new nor cur, but other content"}
	}
	if err != nil {
		return b.ioError("list", b.path, err)
	}
	return nil
}

// make makes the Maildir and the folders above it. One that is only mended is
// made durable at once; with a new one the caller does that, see SyncAbove.
func (b *Box) make(create bool) error {
	if err := os.MkdirAll(filepath.Dir(b.path), 0o700); err != nil {
		return err
	}
	if err := gomaildir.Dir(b.path).Init(); err != nil || create {
		return err
	}
	dir, err := b.disk.Open(unix.AT_FDCWD, b.path, folderFlags, 0)
	if err != nil {
		return b.ioError("open", b.path, err)
	}
	defer func() { _ = b.disk.Close(dir) }()
	return b.syncFolder(dir, b.path)
}
