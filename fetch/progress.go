package fetch

import "time"

// progress counts what a download has received. It belongs to the goroutine that receives.
type progress struct {
	now  Progress
	told time.Time
}

func (p *progress) begin(l Listed) {
	p.now = Progress{Account: l.Account, Of: l.Get, OfBytes: l.GetBytes}
}

// received counts, and tells now and then. On no Report it costs nothing worth naming.
func (h *haul) received(messages int, octets int64) {
	h.progress.now.Messages += messages
	h.progress.now.Bytes += octets
	if h.Report == nil {
		return
	}
	if now := time.Now(); now.Sub(h.progress.told) >= progressEvery {
		h.progress.told = now
		h.tell(h.progress.now)
	}
}
