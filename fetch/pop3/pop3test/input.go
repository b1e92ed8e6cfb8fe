package pop3test

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// command is one line from the client.
type command struct {
	line    string // without its line end
	batched bool   // another command stood before it in the same segment
	tooLong bool
}

// input reads a client's commands ahead, in a goroutine of its own, so that the client can always write. What is one
// read from the connection counts as one segment.
type input struct {
	gone chan struct{} // closed when the client can send no more

	mu      sync.Mutex
	changed *sync.Cond
	queue   []command
	octets  int  // in queue
	discard bool // nobody wants commands any more; the reading goes on, so that the client sees a clean end
	ended   bool

	resume chan io.Reader // after STLS: where to read on
	stop   chan struct{}  // closed when the session ends while the reading is held up by STLS
}

func newInput() *input {
	in := &input{gone: make(chan struct{}), resume: make(chan io.Reader), stop: make(chan struct{})}
	in.changed = sync.NewCond(&in.mu)
	return in
}

// read fills the queue from r until r fails.
func (in *input) read(r io.Reader) {
	defer in.end()
	buf := make([]byte, 64<<10)
	var rest []byte // the begun line
	for {
		n, err := r.Read(buf)
		next, rest2, ok := in.take(r, append(rest, buf[:n]...))
		if !ok || (err != nil && next == r) {
			return
		}
		r, rest = next, rest2
	}
}

// take queues the commands in data, which came from r, and tells where to read on. Behind STLS it waits: the octets
// that follow belong to TLS or, when STLS was refused, to the same reader. False means that the session has ended.
func (in *input) take(r io.Reader, data []byte) (next io.Reader, rest []byte, ok bool) {
	for {
		cmds, rest := split(data)
		in.push(cmds)
		if len(cmds) == 0 || !isSTLS(cmds[len(cmds)-1].line) {
			return r, rest, true
		}
		select {
		case next := <-in.resume:
			if next != r {
				return next, nil, true // RFC 2595 §4: what was sent in clear behind STLS does not count
			}
			data = rest
		case <-in.stop:
			return nil, nil, false
		}
	}
}

// split cuts data into its lines, up to a STLS, and the begun line at the end.
func split(data []byte) (cmds []command, rest []byte) {
	for {
		i := bytes.IndexByte(data, '\n')
		if i < 0 && len(data) <= maxLine {
			return cmds, bytes.Clone(data)
		}
		if i < 0 || i > maxLine {
			return append(cmds, command{tooLong: true}), nil
		}
		line := string(bytes.TrimSuffix(data[:i], []byte{'\r'}))
		cmds = append(cmds, command{line: line, batched: len(cmds) > 0})
		data = data[i+1:]
		if isSTLS(line) {
			return cmds, bytes.Clone(data)
		}
	}
}

func isSTLS(line string) bool {
	verb, _ := parse(line)
	return verb == "STLS"
}

func (in *input) push(cmds []command) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, c := range cmds {
		for in.octets > maxQueued && !in.discard {
			in.changed.Wait()
		}
		if in.discard {
			return
		}
		in.queue = append(in.queue, c)
		in.octets += len(c.line) + 2
		in.changed.Broadcast()
	}
}

var errGone = errors.New("the client has gone")

// next waits for a command; errGone means that there will be none.
func (in *input) next() (command, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.queue) == 0 {
		if in.ended || in.discard {
			return command{}, errGone
		}
		in.changed.Wait()
	}
	c := in.queue[0]
	in.queue = in.queue[1:]
	in.octets -= len(c.line) + 2
	in.changed.Broadcast()
	return c, nil
}

func (in *input) waiting() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.queue) > 0
}

// drop makes the reading go on without keeping anything.
func (in *input) drop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.discard, in.queue, in.octets = true, nil, 0
	in.changed.Broadcast()
}

func (in *input) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
	in.changed.Broadcast()
	close(in.gone)
}
