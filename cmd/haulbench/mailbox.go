package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// seed makes the mail the same in every run of the benchmark.
const seed = 1939

// mailbox is the mail of one account: files in a folder of the run, and what they hold. Mail is put before a server by
// links to these files, so a mailbox that a client has emptied is filled again at little cost, and nothing that a server
// deletes is freed on the disk.
type mailbox struct {
	dir    string
	files  []string // names in dir, in the order of the messages
	octets int64    // of all messages
	holds  tally
}

// makeMailbox writes so many messages of a kind into a new folder. number tells mailboxes of one kind apart.
func makeMailbox(dir string, kind mailKind, messages, number int) (*mailbox, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a mailbox: %w", err)
	}
	m := &mailbox{dir: dir, holds: tally{}}
	for n := range messages {
		name := fmt.Sprintf("%06d", n+1)
		size, sum, err := writeMessage(filepath.Join(dir, name), kind, number, n+1)
		if err != nil {
			return nil, fmt.Errorf("make a mailbox: %w", err)
		}
		m.files = append(m.files, name)
		m.octets += size
		m.holds[sum]++
	}
	return m, nil
}

func writeMessage(file string, kind mailKind, number, n int) (size int64, sum digest, err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return 0, digest{}, err
	}
	h := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(f, h), 1<<16)
	written := compose(w, kind, number, n)
	err = w.Flush()
	if closed := f.Close(); err == nil {
		err = closed
	}
	return int64(written), digest(h.Sum(nil)), err
}

// compose writes message n of a mailbox: a header, and lines of hexadecimal digits that no compression and no look at
// the line ends can shorten. Every eighth line begins with a dot, which POP3 has to double. Errors stay with w.
func compose(w *bufio.Writer, kind mailKind, number, n int) (written int) {
	r := rand.New(rand.NewPCG(seed+uint64(number), uint64(n)))
	size := kind.size(r, n)
	field := func(format string, args ...any) {
		k, _ := fmt.Fprintf(w, format, args...)
		written += k
	}
	field("From: Lab <lab@example.org>\nTo: You <you@example.org>\nSubject: message %d of mailbox %d\n", n, number)
	field("Date: Sat, 14 Nov 2026 08:%02d:%02d +0000\nMessage-ID: <%d.%d.%s@example.org>\n\n", n/60%60, n%60, number, n, kind.name)
	for line := 0; written < size; line++ {
		k, _ := w.Write(bodyLine(r, min(size-written, lineLength), line%8 == 7))
		written += k
	}
	return written
}

// lineLength counts the line end.
const lineLength = 73

func bodyLine(r *rand.Rand, length int, dot bool) []byte {
	var random [lineLength / 2]byte
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	line := hex.AppendEncode(nil, random[:])[:max(0, length-1)]
	if dot && len(line) > 0 {
		line[0] = '.'
	}
	return append(line, '\n')
}

// size draws the size of message n.
func (k mailKind) size(r *rand.Rand, n int) int {
	low, high := k.min, k.max
	if k.largeEach > 0 && n%k.largeEach == 0 {
		low, high = k.largeMin, k.largeMax
	}
	return low + r.IntN(high-low+1)
}
