package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// digest stands for what is in a message.
type digest [sha256.Size]byte

// tally is a multiset of messages: how many there are of each content.
type tally map[digest]int

// tallyFiles counts the messages that lie in new/ and cur/ of some Maildirs, each without what the client has added above
// it.
func tallyFiles(added string, maildirs ...string) (tally, error) {
	t := tally{}
	err := eachFile(maildirs, func(file string) error {
		sum, err := hashMessage(file, added)
		t[sum]++
		return err
	})
	return t, err
}

// countFiles counts the same, without a look at what they hold.
func countFiles(maildirs ...string) (n int, err error) {
	err = eachFile(maildirs, func(string) error {
		n++
		return nil
	})
	return n, err
}

func eachFile(maildirs []string, do func(file string) error) error {
	for _, maildir := range maildirs {
		for _, part := range []string{"new", "cur"} {
			dir := filepath.Join(maildir, part)
			entries, err := os.ReadDir(dir)
			for _, entry := range entries {
				err = errors.Join(err, do(filepath.Join(dir, entry.Name())))
			}
			if err != nil {
				return fmt.Errorf("look at what was delivered: %w", err)
			}
		}
	}
	return nil
}

// hashMessage leaves out what the client has put above the message.
func hashMessage(file, added string) (digest, error) {
	f, err := os.Open(file)
	if err != nil {
		return digest{}, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	switch start, err := r.Peek(len(added)); {
	case err != nil && !errors.Is(err, io.EOF):
		return digest{}, err
	case string(start) == added:
		if _, err := r.Discard(len(added)); err != nil {
			return digest{}, err
		}
	}
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return digest{}, err
	}
	return digest(h.Sum(nil)), nil
}

// add puts all of another multiset into this one.
func (t tally) add(other tally) {
	for sum, n := range other {
		t[sum] += n
	}
}

// compare gives an error that says how the delivered mail differs from what was put in, or nil.
func (t tally) compare(delivered tally) error {
	missing, doubled, strange := 0, 0, 0
	for sum, n := range t {
		missing += max(0, n-delivered[sum])
	}
	for sum, n := range delivered {
		switch put := t[sum]; {
		case put == 0:
			strange += n
		default:
			doubled += max(0, n-put)
		}
	}
	if missing+doubled+strange == 0 {
		return nil
	}
	return fmt.Errorf("not the mail that was put in: %d missing, %d too many, %d changed or never put in", missing, doubled, strange)
}

// fingerprint stands for the names, sizes and times of all that lies below a folder. Two that are equal show that
// nothing was written there in between. The time of a haulmail status file says when the run was, which takes no writing.
func fingerprint(dir string) (digest, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		changed := info.ModTime().UnixNano()
		if strings.HasSuffix(path, ".status") {
			changed = 0
		}
		_, err = fmt.Fprintln(h, path, info.Mode(), info.Size(), changed)
		return err
	})
	if err != nil {
		return digest{}, fmt.Errorf("look for changes in %s: %w", dir, err)
	}
	return digest(h.Sum(nil)), nil
}
