package fetch

import (
	"errors"
	"fmt"
	"io"

	"haulmail/fetch/pop3"
	"haulmail/maildir"
)

// A message ends somewhere, whatever the server says: after four times LIST's size and some more, or, where LIST told none, after
// unlistedLimit. LIST's sizes are wrong by a few percent on some servers, and not by more.
const (
	limitFactor   = 4
	limitBase     = 64 << 20
	unlistedLimit = 2 << 30
)

// arrival is one message in the spool, read whole.
type arrival struct {
	index  int // in the listing
	file   *maildir.File
	octets int64 // on the wire, as LIST counts
	doubt  bool  // shorter than LIST's size by so much that it is not deleted in this run
}

// retrieve gets what the plan names: when it returns nil, all of it but the failed messages is safe on disk and settled in the
// state. Whatever it returns, nothing is half-way but what recovery can take to its end.
func (h *haul) retrieve(s *session, p *plan) error {
	if len(p.get) == 0 {
		return h.settle(p, nil)
	}
	if err := h.openMaildir(); err != nil {
		return err
	}
	b := h.newBatcher(p)
	err := h.receiveAll(s, p, b)
	if batchErr := b.finish(); batchErr != nil {
		return batchErr
	}
	return also(err, h.settle(p, b.delivered))
}

// settle turns the run's last intents to seen, and writes down what has vanished from the listing.
func (h *haul) settle(p *plan, delivered []uint64) error {
	if err := h.store.Finish(delivered, p.matched); err != nil {
		return onDisk("record what was fetched", err)
	}
	h.Step(StepSettled)
	return nil
}

// receiveAll walks the list. What came far too short is asked for once more: the same octets twice are the message.
func (h *haul) receiveAll(s *session, p *plan, b *batcher) error {
	stumps, err := h.walk(s, p, b, p.get, nil)
	if err != nil || len(stumps) == 0 || s.ctx.Err() != nil {
		return err
	}
	var again []int
	for _, i := range p.get {
		if _, ok := stumps[i]; ok {
			again = append(again, i)
		}
	}
	_, err = h.walk(s, p, b, again, stumps)
	return err
}

// stump is what a message that came far too short looked like.
type stump struct {
	octets int64
	sum    [32]byte
}

// walk retrieves the messages of get and hands them to b, each as soon as the reply after it proves that it is whole. In the first
// walk it gives the stumps; a second walk gets them as before.
func (h *haul) walk(s *session, p *plan, b *batcher, get []int, before map[int]stump) (map[int]stump, error) {
	wants := make([]pop3.Want, len(get))
	for k, i := range get {
		wants[k] = pop3.Want{Number: p.list.Number(i), Size: p.list.Size(i)}
	}
	r := s.client.Retrieve(wants, s.pipelining)
	s.beGentle(r)
	defer s.beGentle(nil)
	stumps := make(map[int]stump)
	var last *arrival
	for r.Next() && !b.failed() {
		h.accept(p, b, last, before, stumps)
		last = nil
		i := get[r.Index()]
		if refused := r.Refused(); refused != nil {
			h.failed(p, i, refused)
			continue
		}
		var err error
		if last, err = h.receive(p, r, i); err != nil {
			s.abandon(r)
			return nil, h.broken(p, i, err)
		}
	}
	if r.Err() == nil && !b.failed() {
		h.accept(p, b, last, before, stumps)
		return stumps, nil
	}
	s.abandon(r)
	var err error
	if last != nil {
		err = onDisk("remove a file from the spool", last.file.Discard())
	}
	if b.failed() {
		return nil, err
	}
	return nil, also(doing(doingRetrieve, &brokenRetrieval{r.Err()}), err)
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
	octets, err := r.Body(counting{h, file}, bodyLimit(p.list.Size(i)))
	if err == nil {
		if err = file.Close(); err != nil {
			err = &pop3.SinkError{Err: err}
		}
	}
	if err != nil {
		return nil, also(err, file.Discard())
	}
	h.received(1, 0)
	h.Step(StepBodyWritten)
	return &arrival{index: i, file: file, octets: octets}, nil
}

// counting counts what goes into a file.
type counting struct {
	h    *haul
	file *maildir.File
}

func (c counting) Write(p []byte) (int, error) {
	c.h.received(0, int64(len(p)))
	return c.file.Write(p)
}

func bodyLimit(size int64) int64 {
	if size < 0 {
		return unlistedLimit
	}
	return limitBase + limitFactor*size
}

// accept hands a whole message on to the batches, unless it is a stump that has to be seen twice.
func (h *haul) accept(p *plan, b *batcher, a *arrival, before, stumps map[int]stump) {
	if a == nil {
		return
	}
	size := p.list.Size(a.index)
	if a.octets >= size/2 {
		b.take(a)
		return
	}
	now := stump{a.octets, a.file.Sum()}
	earlier, second := before[a.index]
	if second && earlier == now {
		a.doubt = true
		h.left[string(p.name(a.index))] = ReasonDoubtful
		b.take(a)
		return
	}
	if err := a.file.Discard(); err != nil {
		b.fail(onDisk("remove a file from the spool", err))
		return
	}
	if second {
		h.failed(p, a.index, fmt.Errorf("the server sent %d and then %d of its %d octets", earlier.octets, now.octets, size))
		return
	}
	stumps[a.index] = now
}

// failed notes a message that could not be had. The ones behind it go on.
func (h *haul) failed(p *plan, i int, why error) {
	h.result.Failed++
	h.warn("message %d (UID %q): %v", p.list.Number(i), p.list.UID(i), why)
}

// broken is the end of a walk inside a message. One that does not end is left out of the next session.
func (h *haul) broken(p *plan, i int, err error) error {
	if _, ok := errors.AsType[*pop3.TooLongError](err); ok {
		h.left[string(p.name(i))] = ReasonTooLong
		h.failed(p, i, err)
	}
	return doing(doingRetrieve, &brokenRetrieval{err})
}
