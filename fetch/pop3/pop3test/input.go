package pop3test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
)

// pump reads a connection ahead, in a goroutine of its own, so that the client can always write and its end is seen
// at once. What one read of the connection brought counts as one segment.
type pump struct {
	conn net.Conn
	gone chan struct{} // closed when the client can send no more

	mu       sync.Mutex
	changed  *sync.Cond
	segments [][]byte
	octets   int // in segments
	discard  bool
	err      error // why the reading ended
}

func newPump(conn net.Conn) *pump {
	p := &pump{conn: conn, gone: make(chan struct{})}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// run reads until the connection ends.
func (p *pump) run() {
	buf := make([]byte, 64<<10)
	for {
		n, err := p.conn.Read(buf)
		if n > 0 {
			p.push(bytes.Clone(buf[:n]))
		}
		if err != nil {
			p.mu.Lock()
			p.err = err
			p.changed.Broadcast()
			p.mu.Unlock()
			close(p.gone)
			return
		}
	}
}

func (p *pump) push(segment []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.octets > maxQueued && !p.discard {
		p.changed.Wait()
	}
	if p.discard {
		return
	}
	p.segments = append(p.segments, segment)
	p.octets += len(segment)
	p.changed.Broadcast()
}

// empty tells whether a Read would wait.
func (p *pump) empty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.segments) == 0 && p.err == nil
}

// Read gives octets of one segment. It never gives less than a whole one when b is as large as the pump's own buffer.
func (p *pump) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.segments) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		if p.discard {
			return 0, io.EOF
		}
		p.changed.Wait()
	}
	n := copy(b, p.segments[0])
	p.octets -= n
	if p.segments[0] = p.segments[0][n:]; len(p.segments[0]) == 0 {
		p.segments = p.segments[1:]
	}
	p.changed.Broadcast()
	return n, nil
}

// drop makes the reading go on without keeping anything, so that the client sees a clean end.
func (p *pump) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.discard, p.segments, p.octets = true, nil, 0
	p.changed.Broadcast()
}

// command is one line from the client.
type command struct {
	line    string // without its line end
	batched bool   // another command stood before it in the same segment
}

// lines cuts what a client sends into commands.
type lines struct {
	buf   []byte
	begun []byte    // the last line, while its end has not come
	queue []command // of the last segment
}

var errLineTooLong = errors.New("line too long")

// next gives the next command, reading from r when it has none.
func (l *lines) next(r io.Reader) (command, error) {
	for len(l.queue) == 0 {
		if l.buf == nil {
			l.buf = make([]byte, 64<<10)
		}
		n, err := r.Read(l.buf)
		if err != nil {
			return command{}, err
		}
		if err := l.split(append(l.begun, l.buf[:n]...)); err != nil {
			return command{}, err
		}
	}
	c := l.queue[0]
	l.queue = l.queue[1:]
	return c, nil
}

func (l *lines) split(data []byte) error {
	for {
		i := bytes.IndexByte(data, '\n')
		if i > maxLine || i < 0 && len(data) > maxLine {
			return errLineTooLong
		}
		if i < 0 {
			l.begun = bytes.Clone(data)
			return nil
		}
		line := string(bytes.TrimSuffix(data[:i], []byte{'\r'}))
		l.queue = append(l.queue, command{line: line, batched: len(l.queue) > 0})
		data = data[i+1:]
	}
}

// forget drops what was read ahead (RFC 2595 §4: what was sent in clear behind STLS does not count).
func (l *lines) forget() {
	l.begun, l.queue = nil, nil
}
