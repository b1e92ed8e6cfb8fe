package fetch

import (
	"errors"
	"slices"
	"sync"
	"time"

	"haulmail/config"
	"haulmail/fetch/seen"
	"haulmail/maildir"
)

// batcher makes arrivals durable, batch by batch, in a goroutine of its own: from durable in the spool to told of, in the order that the
// package comment gives. The receiving goroutine calls take, discard, fail, failed and finish.
type batcher struct {
	h    *haul
	p    *plan
	in   chan *arrival
	done sync.WaitGroup

	notes     []seen.Note // what recovery has to know of the run's batches
	delivered []uint64    // the batch that is in new/ and not yet turned to seen; read after finish

	mu  sync.Mutex
	err error
}

func (h *haul) newBatcher(p *plan) *batcher {
	b := &batcher{h: h, p: p, notes: []seen.Note{h.maildirNote(), h.bootNote()}, in: make(chan *arrival, min(len(p.get)+len(p.retry), batchMessages))}
	b.done.Go(b.run)
	return b
}

// take hands over a message that is whole. It waits while two batches are under way.
func (b *batcher) take(a *arrival) { b.in <- a }

// finish waits until all that was taken is safe, and gives the error that kept it from that.
func (b *batcher) finish() error {
	close(b.in)
	b.done.Wait()
	return b.err
}

// failed tells whether there is no point in going on.
func (b *batcher) failed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err != nil
}

func (b *batcher) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
}

// run gathers batches and commits them, until there is nothing more to come.
func (b *batcher) run() {
	for open := true; open; {
		var batch []*arrival
		batch, open = b.gather()
		if len(batch) == 0 {
			continue
		}
		if b.failed() {
			b.drop(batch)
		} else if err := b.commit(batch); err != nil {
			b.fail(err)
		}
	}
}

// gather waits for the first message of a batch and takes those that come with it.
func (b *batcher) gather() (batch []*arrival, open bool) {
	first, open := <-b.in
	if !open {
		return nil, false
	}
	batch = append(batch, first)
	octets := first.file.Size()
	idle := time.NewTimer(batchIdle)
	defer idle.Stop()
	for len(batch) < batchMessages && octets < batchBytes {
		select {
		case next, open := <-b.in:
			if !open {
				return batch, false
			}
			batch = append(batch, next)
			octets += next.file.Size()
			idle.Reset(batchIdle)
		case <-idle.C:
			return batch, true
		}
	}
	return batch, true
}

// drop removes messages of which no intent is written. What can't be removed is swept by the next run.
func (b *batcher) drop(batch []*arrival) {
	for _, a := range batch {
		b.discard(a)
	}
}

// discard removes one message from the spool.
func (b *batcher) discard(a *arrival) {
	if err := a.file.Discard(); err != nil {
		b.fail(onDisk("remove a file from the spool", err))
	}
}

// commit takes a batch from the spool to new/. When it returns nil the messages are safe.
func (b *batcher) commit(batch []*arrival) error {
	began := time.Now()
	files := make([]*maildir.File, len(batch))
	for k, a := range batch {
		files[k] = a.file
	}
	if err := b.h.box.Sync(files); err != nil {
		b.drop(batch)
		return onDisk("make mail durable", err)
	}
	b.h.Step(StepBatchSynced)
	intents := b.intents(batch)
	settle := b.delivered
	b.notes = nil     // one batch of a run carries them
	b.delivered = nil // whatever becomes of the transaction, they are settled by it, or by recovery
	if err := b.h.store.Begin(intents, settle...); err != nil {
		return onDisk("record what is being delivered", err)
	}
	b.h.Step(StepIntentsWritten)
	safe, err := b.deliver(batch, files, intents)
	if len(safe) > 0 {
		b.h.Step(StepDelivered)
		b.tell(safe, time.Since(began))
	}
	return err
}

// intents says what is about to be delivered.
func (b *batcher) intents(batch []*arrival) *seen.Batch {
	dev, ino := b.h.box.Identity()
	s := &seen.Batch{
		Notes:   b.notes,
		Box:     seen.Box{Path: b.h.a.Maildir, Dev: dev, Ino: ino},
		At:      b.h.Now(),
		Intents: make([]seen.Intent, len(batch)),
	}
	for k, a := range batch {
		size := b.p.size(a.index)
		if a.short {
			size = seen.NoSize
		}
		s.Intents[k] = seen.Intent{UID: a.name, Key: a.file.Key(), ListSize: size, Size: a.file.Size(), Sum: a.file.Sum()}
	}
	return s
}

// deliver moves the batch into new/, and gives what is safe there. Files that somebody removed from the spool meanwhile are forgotten, and
// fetched again by the next run.
func (b *batcher) deliver(batch []*arrival, files []*maildir.File, intents *seen.Batch) (safe []*arrival, err error) {
	err = b.h.box.Deliver(files)
	lost, ok := errors.AsType[*maildir.LostError](err)
	switch {
	case err == nil:
		b.delivered = append(b.delivered, intents.ID)
		return batch, nil
	case !ok:
		return nil, onDisk("deliver", err)
	}
	verdicts := make([]bool, len(batch))
	for k, in := range intents.Intents {
		if verdicts[k] = !slices.Contains(lost.Keys, in.Key); verdicts[k] {
			safe = append(safe, batch[k])
		}
	}
	if err := b.h.store.Resolve(intents, verdicts); err != nil {
		return nil, also(onDisk("record what was lost", err), lost)
	}
	return safe, onDisk("deliver", lost)
}

// tell tells of what is safe now, and lets go on the server what may.
func (b *batcher) tell(batch []*arrival, took time.Duration) {
	committed := Committed{Account: b.h.a.Name, Messages: len(batch), Took: took}
	now := b.h.Now()
	for _, a := range batch {
		committed.Bytes += a.file.Size()
		b.h.tell(Delivered{
			Account: b.h.a.Name, Number: b.p.list.Number(a.index), UID: b.p.list.UID(a.index), Maildir: b.h.a.Maildir, Key: a.file.Key(), Size: a.file.Size(), At: now,
			Facts: a.facts,
		})
		if b.p.policy.delete.Mode == config.DeleteFetched && !a.doubt {
			b.p.safe = append(b.p.safe, place(a.index))
		}
	}
	b.h.result.Messages += committed.Messages
	b.h.result.Received += committed.Bytes
	b.h.tell(committed)
}
