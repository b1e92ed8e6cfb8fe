package pop3test

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// point is a fault at an octet of a reply.
type point struct {
	at int64
	*Fault
}

// pointsOf gives the places where faults act, in order. size tells the length of the reply and is asked only when a
// fault counts from the end.
func pointsOf(faults []*Fault, size func() int64) []point {
	var points []point
	for _, f := range faults {
		at := int64(f.At)
		if at < 0 {
			at = max(0, size()+at)
		}
		points = append(points, point{at, f})
	}
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	return points
}

// errCut says that a fault has ended the connection.
var errCut = errors.New("cut by a fault")

// faultWriter passes a reply on to a session and lets the faults act on the way. Its error is sticky.
type faultWriter struct {
	s      *session
	w      io.Writer
	flush  func() error
	points []point
	off    int64
	skip   bool
	drip   bool
	pause  time.Duration // of the drip
	err    error
}

func (f *faultWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0 && f.err == nil; {
		f.act(f.off)
		part := rest
		if len(f.points) > 0 {
			part = rest[:min(int64(len(rest)), f.points[0].at-f.off)]
		}
		if !f.skip {
			f.pass(part)
		}
		f.off += int64(len(part))
		rest = rest[len(part):]
	}
	if f.err != nil {
		return 0, f.err
	}
	return len(p), nil
}

// finish lets the faults act that stand at or behind the end of the reply.
func (f *faultWriter) finish() error {
	f.act(math.MaxInt64)
	return f.err
}

// act lets the faults act whose place is reached.
func (f *faultWriter) act(off int64) {
	for f.err == nil && len(f.points) > 0 && f.points[0].at <= off {
		p := f.points[0]
		f.points = f.points[1:]
		f.pass([]byte(p.Text))
		if p.Call != nil {
			f.check(f.flush())
			p.Call()
		}
		if p.Do != Nothing {
			f.s.log("S: (%v at octet %d)", p.Do, f.off)
			f.do(p.Fault)
		}
	}
}

func (f *faultWriter) do(p *Fault) {
	switch p.Do {
	case Skip:
		f.skip = true
		return
	case Drip:
		f.drip, f.pause = true, p.For
		return
	}
	f.check(f.flush())
	switch p.Do {
	case Stall:
		f.check(f.s.wait(p.For))
	case Flood:
		for f.err == nil {
			f.pass([]byte(p.Text))
			if p.For > 0 {
				f.check(f.flush())
				f.check(f.s.wait(p.For))
			}
		}
	default:
		f.s.hangUp(p.Do)
		f.check(errCut)
	}
}

// pass sends p, as slowly as a drip says.
func (f *faultWriter) pass(p []byte) {
	if f.err != nil {
		return
	}
	if !f.drip {
		_, err := f.w.Write(p)
		f.check(err)
		return
	}
	for i := range p {
		if f.pause > 0 {
			f.check(f.s.wait(f.pause))
		}
		if f.err != nil {
			return
		}
		_, err := f.w.Write(p[i : i+1])
		f.check(err)
		f.check(f.flush())
	}
}

func (f *faultWriter) check(err error) {
	if f.err == nil {
		f.err = err
	}
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func (s *session) log(format string, args ...any) {
	if s.srv.Log != nil {
		s.srv.Log(s.number, fmt.Sprintf(format, args...))
	}
}
