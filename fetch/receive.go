package fetch

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"haulmail/fetch/pop3"
	"haulmail/maildir"
)

// arrival is one message in the spool, read whole.
type arrival struct {
	index    int    // in the listing
	name     []byte // what the state will know it by
	file     *maildir.File
	octets   int64 // on the wire, as LIST counts
	facts    *Facts
	position int  // in the walk
	doubt    bool // its size was in doubt: not deleted in this run
	short    bool // in doubt because it is short: not deleted ever
}

// retrieve gets what the plan names: when it returns nil, all of it but the failed messages is safe on disk and settled in the
// state. Whatever it returns, nothing is half-way but what recovery can take to its end.
//
// The Maildir has to be there for a deletion too: what was delivered to one that is gone may be left on the server alone.
func (h *haul) retrieve(s *session, p *plan) error {
	if len(p.get)+len(p.retry)+len(p.due) == 0 {
		return h.settle(p, nil)
	}
	h.ready = sync.OnceValue(h.openMaildir)
	if len(p.get)+len(p.retry) == 0 {
		if err := h.ready(); err != nil {
			return err
		}
	}
	b := h.newBatcher(p)
	exact := h.exactSizes
	err := h.receiveAll(s, p, b)
	if batchErr := b.finish(); batchErr != nil {
		// The batch before the one that failed is safe, and told of: an open intent would have it depend on what recovery finds.
		return also(batchErr, onDisk("record what was fetched", h.store.Finish(b.delivered, nil)))
	}
	if h.box == nil {
		return err
	}
	if exact && !h.exactSizes {
		err = also(err, h.noteFor(noteInexact, inexactFor))
	}
	return also(err, h.settle(p, b.delivered))
}

// settle turns the run's last intents to seen, and writes down what has vanished from the listing. That alone is no reason to write: it can
// wait for a run that writes anyway, and is only remembered for longer.
func (h *haul) settle(p *plan, delivered []uint64) error {
	// Perhaps another message of the same size has its UID now: nobody can tell later, so that it must not be deleted later either.
	if err := h.store.AddSeen(p.returned); err != nil {
		return onDisk("record what has come back", err)
	}
	changed := p.matched
	if len(delivered) == 0 && changed.Returned == 0 || p.names.hides { // what has no name for the moment has not vanished
		changed = nil
	}
	if err := h.store.Finish(delivered, changed); err != nil {
		return onDisk("record what was fetched", err)
	}
	h.Step(StepSettled)
	return nil
}

// receiveAll gets what is new, and then, one at a time, what failed in earlier runs and may end the session.
func (h *haul) receiveAll(s *session, p *plan, b *batcher) error {
	if err := h.receiveEach(s, p, b, p.get, s.pipelining); err != nil {
		return err
	}
	return h.receiveEach(s, p, b, p.retry, false)
}

// receiveEach gets messages, in as many walks as it takes. Each walk but one for doubts ends what it was given, or leaves a rest
// after its first doubt; settling the doubt takes a message off the rest, or pipelining away from it.
func (h *haul) receiveEach(s *session, p *plan, b *batcher, get []place, pipelining bool) error {
	thrownAway := 0
	var rest []place
	for len(rest)+len(get) > 0 && s.ctx.Err() == nil {
		if len(rest) == 0 {
			n := min(len(get), mostInWalk)
			rest, get = get[:n], get[n:]
		}
		w := &walk{haul: h, p: p, b: b, get: rest, pipelining: pipelining}
		if err := w.run(s); err != nil {
			return err
		}
		if b.failed() || s.ctx.Err() != nil {
			return nil
		}
		if len(w.doubts) > 0 {
			if w.ahead() {
				thrownAway++
			}
			again := &walk{haul: h, p: p, b: b, get: w.doubted(), before: w.doubts}
			if err := again.run(s); err != nil {
				return err
			}
			pipelining = pipelining && !again.lied && thrownAway < mostThrownAway
		}
		rest = w.rest
	}
	return nil
}

// walk is one pass over some messages of the listing.
//
// LIST's size is the only witness against a reply that is whole to look at and still not the message that was asked for: a stump, two
// replies run together, or the reply to another command. So while a server's sizes are exact, a message that differs from its size is in
// doubt, and so is everything behind it that was asked for ahead; and where there is no size, every message is. What is in doubt is asked
// for again, alone: the same octets twice are the message.
type walk struct {
	*haul
	p          *plan
	b          *batcher
	get        []place
	pipelining bool
	before     map[place]doubt // in a walk that asks again: what came the first time

	unproved []*arrival // read, and not yet proved to be what was asked for
	doubts   map[place]doubt
	rest     []place // behind a doubt: not accepted, to be asked for again
	lied     bool    // of a walk that asks again: a message came otherwise the first time

	topless []topless // refused while the server had answered no TOP at all
}

// doubt is what a message in doubt looked like.
type doubt struct {
	octets int64
	sum    maildir.Sum
}

// doubted gives the messages in doubt, in the order of the listing.
func (w *walk) doubted() []place {
	return slices.Sorted(maps.Keys(w.doubts))
}

// run retrieves the messages and hands them to the batcher, each once it is proved to be whole and the one that was asked for.
func (w *walk) run(s *session) error {
	wants := make([]pop3.Want, len(w.get))
	for k, i := range w.get {
		wants[k] = pop3.Want{Number: w.p.list.Number(int(i)), Size: w.p.size(int(i))}
	}
	w.doubts = make(map[place]doubt)
	r := s.ask(wants, w.pipelining)
	s.beGentle(r)
	defer s.beGentle(nil)
	// While the Maildir is opened, or made, the server is at work on what is asked for ahead.
	if err := w.ready(); err != nil {
		s.abandon(r)
		return err
	}
	for r.Next() && !w.b.failed() {
		w.accept(r)
		i := int(w.get[r.Index()])
		if refused := r.Refused(); refused != nil {
			if !s.lacksTop(refused) || w.p.failures[string(w.p.name(i))].Count > 0 {
				w.failed(w.p, i, refused)
				continue
			}
			if w.topless = append(w.topless, topless{i, refused}); len(w.topless) < mostTopless {
				continue
			}
			s.abandon(r)
			return doing(doingRetrieve, &noTopError{refused})
		}
		a, err := w.receive(w.p, r, i)
		if err != nil {
			s.abandon(r)
			return also(w.broken(err, i), w.drop())
		}
		w.hasTop(s)
		a.position = r.Index()
		w.unproved = append(w.unproved, a)
	}
	if len(w.topless) > 0 && r.Err() == nil {
		return doing(doingRetrieve, &noTopError{w.topless[0].refused})
	}
	if r.Err() == nil && !w.b.failed() {
		w.accept(r)
		w.rest = append(w.rest, w.get[r.Index()+1:]...)
		return nil
	}
	suspect := w.suspect(r)
	w.accept(r) // what is proved since the last one
	s.abandon(r)
	if err := w.drop(); err != nil || w.b.failed() {
		return err
	}
	return w.broken(r.Err(), suspect)
}

// drop removes from the spool what was not proved.
func (w *walk) drop() error {
	var err error
	for _, a := range w.unproved {
		err = also(err, onDisk("remove a file from the spool", a.file.Discard()))
	}
	return err
}

// suspect tells which message ended a walk between two messages, or -1: the last one if what followed it was no status line, else the
// one that was asked for and not answered.
func (w *walk) suspect(r *pop3.Retrieval) int {
	last := -1
	if n := len(w.unproved); n > 0 {
		last = w.unproved[n-1].position
	}
	next := r.Index()
	switch {
	case last >= 0 && isType[*pop3.ProtocolError](r.Err()):
		return int(w.get[last])
	case next < 0 || next == last:
		return -1
	}
	return int(w.get[next])
}

// broken is the end of a walk at the message i, or at none for -1. Asked for alone, or endless, the message is to blame for it: it is
// noted, and left out of the next session. One that cannot be written ends the run, and is noted for the next one.
func (w *walk) broken(err error, i int) error {
	unwritten, endless := isType[*pop3.SinkError](err), isType[*pop3.TooLongError](err)
	b := &brokenSession{err: err, ahead: w.pipelining && !endless && !unwritten}
	switch {
	case i < 0 || b.ahead:
	case unwritten:
		w.unwritten(w.p, i, err)
	default:
		b.culprit = true
		w.failed(w.p, i, err)
	}
	return doing(doingRetrieve, b)
}

// accept hands on, or puts aside, what is proved.
func (w *walk) accept(r *pop3.Retrieval) {
	for len(w.unproved) > 0 && w.unproved[0].position < r.Proved() {
		w.acceptOne(r, w.unproved[0])
		w.unproved = w.unproved[1:]
	}
}

// acceptOne hands a message on to the batches, or puts it aside.
func (w *walk) acceptOne(r *pop3.Retrieval, a *arrival) {
	if len(w.doubts) > 0 && w.ahead() {
		w.rest = append(w.rest, place(a.index))
		w.b.discard(a)
		return
	}
	earlier, second := w.before[place(a.index)]
	now := doubt{a.octets, a.file.Sum()}
	size := w.p.size(a.index)
	switch {
	case second && earlier == now:
		w.believe(a, size)
	case !w.doubtful(a.octets, size):
		w.lied = w.lied || second
		w.take(a)
	case second:
		w.lied = true
		w.b.discard(a)
		w.failed(w.p, a.index, unlike(earlier.octets, now.octets, size))
	default:
		w.doubts[place(a.index)] = now
		w.b.discard(a)
		// How the doubt ends may tell that the server's sizes are no witnesses, before more is doubted by them.
		r.Stop()
	}
}

// ahead tells whether a doubt reaches the messages behind it.
func (w *walk) ahead() bool { return w.pipelining && w.exactSizes }

// lineEnd is what a server may add to a message whose last line has no end, without counting it.
const lineEnd = int64(len("\r\n"))

// doubtful tells whether a message of so many octets may not be the one of that size. One whose size the server does not tell may always be
// another, but for a header, which has none.
func (w *walk) doubtful(octets, size int64) bool {
	switch {
	case size < 0:
		return !w.p.policy.HeadersOnly
	case octets == size || octets == size+lineEnd:
		return false
	}
	return w.exactSizes || octets < size/2
}

// take hands a message to the batches, unless it goes by its content and that is known.
func (w *walk) take(a *arrival) {
	if w.p.name(a.index) == nil {
		w.had(w.p, a.index)
	}
	fetched, ok := w.p.contents.of(a.name)
	if !ok {
		if w.p.name(a.index) == nil { // an equal one behind it is the same message
			w.p.contents.add(a.name, w.Now())
		}
		w.b.take(a)
		return
	}
	w.b.discard(a)
	d := decide(message{size: a.octets, known: true, oldSize: a.octets, fetched: fetched}, w.p.policy)
	if d.Action == Delete {
		w.p.due = append(w.p.due, place(a.index))
	}
}

// unlike says that a message came otherwise the second time.
func unlike(first, second, size int64) error {
	if size < 0 {
		return fmt.Errorf("the server sent %d octets and then %d others, and does not tell its size", first, second)
	}
	return fmt.Errorf("the server sent %d and then %d of its %d octets", first, second, size)
}

// believe takes a message that came twice the same. Where there is a size that it differs from, it is not deleted in this run, and never if
// it is short: the rest of it may be there another day. Unless it is so far off that it says nothing about the others, the server's sizes are
// no witnesses any more.
func (w *walk) believe(a *arrival, size int64) {
	if size >= 0 {
		a.doubt = true
		a.short = a.octets < size
		w.left[string(a.name)] = ReasonDoubtful
		w.exactSizes = w.exactSizes && a.octets < size/2
	}
	w.take(a)
}

// abandon ends a walk, wherever it is, and with it the connection.
func (s *session) abandon(r *pop3.Retrieval) {
	s.close()
	for r.Next() {
		_, _ = r.Body(io.Discard, limitBase)
	}
}

// receive streams one message into the spool.
func (h *haul) receive(p *plan, r *pop3.Retrieval, i int) (*arrival, error) {
	file, err := h.box.Create(maildir.UIDHash(h.owner(), p.name(i)))
	if err != nil {
		return nil, &pop3.SinkError{Err: err}
	}
	h.sink.begin(h, file, p.name(i) == nil)
	octets, err := r.Body(&h.sink, bodyLimit(p.size(i), p.policy))
	if err == nil {
		if err = file.Close(); err != nil {
			err = &pop3.SinkError{Err: err}
		}
	}
	if err != nil {
		return nil, also(err, onDisk("remove a file from the spool", file.Discard()))
	}
	name := p.name(i)
	if name == nil {
		name = contentName(h.sink.content)
	}
	h.received(1, 0)
	h.Step(StepBodyWritten)
	return &arrival{index: i, name: name, file: file, octets: octets, facts: h.sink.facts()}, nil
}
