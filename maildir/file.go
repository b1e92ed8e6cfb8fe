package maildir

import (
	"bytes"
	"path/filepath"
	"sync"

	"github.com/zeebo/xxh3"
	"golang.org/x/sys/unix"
)

// A File is a message on its way through the spool: Create, Write, Close, then
// Sync and Deliver of its batch; or Discard. One goroutine at a time.
type File struct {
	box  *Box
	base string
	fd   int
	buf  *buffer // nil once closed
	err  error   // the first failure; nothing more is written after it

	size   int64
	bare   int64 // LFs without a CR before them
	lastCR bool
	sum    Sum
	key    string

	stat     fileState     // under box.mu
	wait     chan struct{} // closed when the fsync that somebody else runs on it is over
	reserved bool          // the open descriptor counts as held in the Flusher
}

type fileState int

const (
	writing   fileState = iota
	loose               // closed, durable only after a syncfs
	held                // the descriptor is open and waits for its fsync
	syncing             // an fsync is under way, see wait
	synced              // content durable
	delivered           // in new/
	discarded
)

// buffer is what a message needs while it is being written.
type buffer struct {
	data [bufferSize]byte
	n    int
	hash *xxh3.Hasher
}

var buffers = sync.Pool{New: func() any { return &buffer{hash: xxh3.New()} }}

// Sum tells contents apart: XXH3 of 128 bits. It is to find what a crash has left half written, at the speed of memory; against
// somebody who makes two contents of one sum it is no help, and nothing may depend on that.
type Sum [16]byte

// Create starts a message in the spool. It fails with *IOError.
func (b *Box) Create(h Hash) (*File, error) {
	if err := b.failure(); err != nil {
		return nil, err
	}
	spool, err := b.spoolFolder()
	if err != nil {
		return nil, err
	}
	f := &File{box: b, base: b.newBase(h)}
	f.fd, err = b.disk.Open(spool, f.base, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, b.ioError("create", f.path(), err)
	}
	f.buf = buffers.Get().(*buffer)
	f.buf.n = 0
	f.buf.hash.Reset()
	return f, nil
}

func (f *File) path() string { return filepath.Join(f.box.spoolPath(), f.base) }

// Write appends to the message. An error is an *IOError and stays: the message
// must then be discarded.
func (f *File) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if f.buf == nil {
		return 0, f.box.ioError("write", f.path(), unix.EBADF)
	}
	done := 0
	for done < len(p) {
		rest := p[done:]
		if f.buf.n == 0 && len(rest) >= bufferSize {
			if err := f.put(rest); err != nil {
				return done, err
			}
			return len(p), nil
		}
		n := copy(f.buf.data[f.buf.n:], rest)
		f.buf.n += n
		done += n
		if f.buf.n == bufferSize {
			if err := f.flush(); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

func (f *File) flush() error {
	p := f.buf.data[:f.buf.n]
	f.buf.n = 0
	if len(p) == 0 {
		return nil
	}
	return f.put(p)
}

// put hashes, counts and writes.
func (f *File) put(p []byte) error {
	f.buf.hash.Write(p)
	f.size += int64(len(p))
	f.bare += int64(bytes.Count(p, lf) - f.pairs(p))
	f.lastCR = p[len(p)-1] == '\r'
	if err := f.box.disk.Write(f.fd, p); err != nil {
		f.err = f.box.ioError("write", f.path(), err)
	}
	return f.err
}

var lf = []byte{'\n'}

// pairs counts the CR LF pairs that end in p. CRs are rare: the lines end in LF.
func (f *File) pairs(p []byte) int {
	n := 0
	if f.lastCR && p[0] == '\n' {
		n++
	}
	for {
		i := bytes.IndexByte(p, '\r')
		if i < 0 || i+1 >= len(p) {
			return n
		}
		if p[i+1] == '\n' {
			n++
		}
		p = p[i+1:]
	}
}

// Close ends the message; Key, Size and Sum are valid after it. The content is
// durable only after the batch's Sync. After an error, an *IOError, the message
// is gone from the spool.
func (f *File) Close() error {
	if f.buf == nil {
		return f.err
	}
	if f.err == nil {
		_ = f.flush() // remembered in f.err
	}
	f.sum = f.buf.hash.Sum128().Bytes()
	buffers.Put(f.buf)
	f.buf = nil
	if f.err == nil {
		f.key = keyOf(f.base, f.size, f.size+f.bare)
		f.err = f.box.settle(f)
	}
	if f.err != nil {
		_ = f.Discard() // the first error is the one to tell
	}
	return f.err
}

// Key returns the file name the message gets in new/.
func (f *File) Key() string { return f.key }

// Size returns the bytes written.
func (f *File) Size() int64 { return f.size }

// Sum returns the sum of the content.
func (f *File) Sum() Sum { return f.sum }

// Discard removes the message from the spool, written or not, as long as it is
// not delivered. A second call does nothing.
func (f *File) Discard() error {
	if f.buf != nil {
		buffers.Put(f.buf)
		f.buf = nil
	}
	open, gone := f.box.release(f)
	if gone {
		return nil
	}
	if open {
		_ = f.box.closeFile(f) // the content is not wanted
	}
	if err := f.box.disk.Remove(f.box.openSpool(), f.base); err != nil {
		return f.box.ioError("remove", f.path(), err)
	}
	return nil
}
