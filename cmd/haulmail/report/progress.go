package report

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"haulmail/fetch"
)

// refreshEvery is how often live progress is drawn at most.
const refreshEvery = 100 * time.Millisecond

// bars is live progress on a terminal: one bar for each account that is downloading, as far as there is room. Nothing is drawn, and no
// goroutine runs, before the first Progress event. It draws only when it is told something, never by a clock of its own, and at most
// every refreshEvery. Not safe for concurrent use; the methods of nil do nothing.
type bars struct {
	console *console
	names   int // width of the names
	all     *mpb.Progress
	refresh chan any
	ended   chan any // closed when mpb gives up, because the terminal went away
	drawn   time.Time
	active  map[string]*bar
	began   map[string]time.Time // the downloads, those without a bar included
}

type bar struct {
	*mpb.Bar
	now atomic.Pointer[fetch.Progress] // read by a goroutine of mpb
}

// newBars gives live progress on a terminal of that size, 80 columns and 24 rows for nil.
func newBars(w io.Writer, size func() (columns, rows int), names int) *bars {
	if size == nil {
		size = func() (int, int) { return 80, 24 }
	}
	return &bars{console: &console{w: w, size: size}, names: names, active: map[string]*bar{}, began: map[string]time.Time{}}
}

func (b *bars) event(e fetch.Event) {
	if b == nil {
		return
	}
	switch e := e.(type) {
	case fetch.Progress:
		b.progress(e)
	case fetch.Done:
		b.remove(e.Account)
	}
}

// write shows a line above the bars; it says whether it did, for there may be none.
func (b *bars) write(line string) bool {
	if b == nil || len(b.active) == 0 {
		return false
	}
	if _, err := b.all.Write([]byte(line)); err != nil {
		return false
	}
	b.draw()
	return true
}

// erase leaves the terminal as if there had been no bars.
func (b *bars) erase() {
	if b == nil || b.all == nil {
		return
	}
	for name := range b.active {
		b.remove(name)
	}
	b.all.Shutdown()
}

func (b *bars) progress(e fetch.Progress) {
	if e.Of == 0 {
		return
	}
	if b.began[e.Account].IsZero() {
		b.began[e.Account] = time.Now()
	}
	a := b.active[e.Account]
	if a == nil {
		if a = b.add(e); a == nil {
			return
		}
	}
	a.now.Store(&e)
	a.SetCurrent(min(e.Bytes, e.OfBytes))
	if time.Since(b.drawn) >= refreshEvery {
		b.draw()
	}
}

// add gives a new bar, or nil when there is no room for it, or when the terminal has gone away.
func (b *bars) add(e fetch.Progress) *bar {
	if _, rows, _ := b.console.GetTermSize(); len(b.active) >= rows {
		return nil
	}
	if b.all == nil {
		b.refresh, b.ended = make(chan any), make(chan any)
		b.all = mpb.New(mpb.WithConsoleWriter(b.console), mpb.WithManualRefresh(b.refresh), mpb.WithShutdownNotifier(b.ended))
	}
	a, began := &bar{}, b.began[e.Account]
	a.now.Store(&e) // mpb may draw as soon as it has the bar
	style := mpb.BarStyle().Lbound("").Rbound("").Filler("█").Tip("█").Padding("░")
	drawn, err := b.all.Add(e.OfBytes+1, style.Build(), // one more than there is: only remove ends a bar
		mpb.BarWidth(barWidth),
		mpb.BarFillerTrim(),
		mpb.PrependDecorators(decor.Any(func(s decor.Statistics) string { return rowName(e.Account, b.names, s.AvailableWidth) })),
		mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
			return rowWords(*a.now.Load(), time.Since(began), s.AvailableWidth)
		})))
	if err != nil {
		return nil
	}
	a.Bar = drawn
	b.active[e.Account] = a
	return a
}

// remove takes a bar away. mpb draws a bar once more when it drops it; the second drawing is without it. Once the third is asked
// for the second has begun, and the empty Write waits for its end: from then on lines may be written past mpb again.
func (b *bars) remove(account string) {
	a := b.active[account]
	if a == nil {
		return
	}
	delete(b.active, account)
	a.Abort(true)
	for range 3 {
		b.draw()
	}
	_, _ = b.all.Write(nil)
}

// draw asks for one drawing; it returns when the one before it has begun.
func (b *bars) draw() {
	b.drawn = time.Now()
	select {
	case b.refresh <- b.drawn:
	case <-b.ended:
	}
}
