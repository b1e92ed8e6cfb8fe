package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// digest stands for what is in a message.
type digest [sha256.Size]byte

// tally is a multiset of messages: how many there are of each content.
type tally map[digest]int

// comparison says how much of a delivered message has to be what was put in.
type comparison int

const (
	// everything: each octet, the line ends being LF.
	everything comparison = iota
	// fromFirstField: each octet from the first header field that was put in on; the client may add fields above it.
	fromFirstField
)

func (c comparison) String() string {
	if c == fromFirstField {
		return "each octet but for fields that it adds above the header"
	}
	return "each octet"
}

// tallyFiles counts the messages that lie in new/ and cur/ of some Maildirs.
func tallyFiles(how comparison, maildirs ...string) (tally, error) {
	t := tally{}
	err := eachFile(maildirs, func(file string) error {
		sum, err := hashMessage(file, how)
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

func hashMessage(file string, how comparison) (digest, error) {
	f, err := os.Open(file)
	if err != nil {
		return digest{}, err
	}
	defer f.Close()
	var r io.Reader = f
	if how == fromFirstField {
		if r, err = skipAdded(f); err != nil {
			return digest{}, err
		}
	}
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return digest{}, err
	}
	return digest(h.Sum(nil)), nil
}

// skipAdded skips header lines up to the first field that was put in. Without it, it skips the whole header, so that the
// message counts as changed.
func skipAdded(f io.Reader) (io.Reader, error) {
	r := bufio.NewReaderSize(f, 1<<16)
	for {
		start, err := r.Peek(len(firstField))
		if bytes.Equal(start, []byte(firstField)) || len(start) == 0 || start[0] == '\n' {
			return r, ignoreEOF(err)
		}
		if _, err := r.ReadSlice('\n'); err != nil {
			return r, ignoreEOF(err)
		}
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
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
// nothing was written there in between.
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
		_, err = fmt.Fprintln(h, path, info.Mode(), info.Size(), info.ModTime().UnixNano())
		return err
	})
	if err != nil {
		return digest{}, fmt.Errorf("look for changes in %s: %w", dir, err)
	}
	return digest(h.Sum(nil)), nil
}
