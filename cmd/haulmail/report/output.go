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
	mu  sync.Mutex
	buf *bufio.Writer
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

// Flush hands over what is buffered and gives the first error of all writes so far.
func (o *Output) Flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Flush()
}
