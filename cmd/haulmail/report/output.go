package report

import (
	"bufio"
	"io"
	"sync"
)

// outputBuffer is large enough that a listing of many messages costs few writes.
const outputBuffer = 32 << 10

// Output is standard output that remembers its first failure: mail must not stop arriving because a pipe was closed, but the
// exit code has to say that not everything was told. Safe for concurrent use.
type Output struct {
	mu     sync.Mutex
	buf    *bufio.Writer
	failed error // what Fail was told first
}

// NewOutput gives an Output over w. Write fills a buffer, Flush empties it.
func NewOutput(w io.Writer) *Output { return &Output{buf: bufio.NewWriterSize(w, outputBuffer)} }

// Write never fails; Flush tells.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	// bufio keeps the first error and drops everything after it.
	_, _ = o.buf.Write(p)
	return len(p), nil
}

// Fail remembers that something could not be shown for another reason than a write.
func (o *Output) Fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil {
		o.failed = err
	}
}

// Flush hands over what is buffered and gives the first error of all writes so far, else what Fail was told.
func (o *Output) Flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.buf.Flush(); err != nil {
		return err
	}
	return o.failed
}
