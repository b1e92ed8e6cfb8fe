package report

import (
	"io"
	"sync"

	"haulmail/fetch"
)

// screen is where lines go. On a terminal live progress stands below them. Safe for concurrent use.
type screen struct {
	mu     sync.Mutex
	out    *Output
	err    io.Writer
	outTTY bool
	bars   *bars // nil for no live progress
}

// print writes a line to standard output. Above live progress, on a terminal, it goes the way the bars go, which know how to
// make room for it.
func (s *screen) print(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outTTY && s.bars.write(line) {
		return
	}
	_, _ = io.WriteString(s.out, line)
	_ = s.out.Flush() // remembered by Output
}

// printLater writes a line to standard output without handing it over yet.
func (s *screen) printLater(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.out, line)
}

// tell writes a line to standard error.
func (s *screen) tell(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bars.write(line) {
		return
	}
	_, _ = io.WriteString(s.err, line) // who would hear of it?
}

func (s *screen) progress(e fetch.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bars.event(e)
}

func (s *screen) erase() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bars.erase()
	s.bars = nil
}
