package fetch

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"
	"time"

	"haulmail/fetch/seen"
	"haulmail/maildir"
)

// verdict is what recovery makes of one open intent.
type verdict int

const (
	again     verdict = iota // no evidence that it was delivered: fetched again if the server still lists it
	delivered                // in the Maildir, or taken from it by a reader
	finish                   // whole in the spool: to be moved into new/
)

// judge is the table by which recovery decides. whole tells whether the file in the spool has the intent's size and hash; same, whether
// the Maildir is the folder that the intent was written for, on a system that has been running ever since.
func judge(place maildir.Place, whole, same bool, age time.Duration) verdict {
	switch {
	case place&(maildir.InNew|maildir.InCur) != 0:
		return delivered
	case place&maildir.InSpool != 0 && whole:
		return finish
	case place&maildir.InSpool != 0:
		return again
	case same && age < evidenceFor:
		return delivered
	}
	return again
}

// recover takes to their end the batches that an earlier run left open, and clears the spool. A dry run looks at neither.
func (h *haul) recover() error {
	if h.DryRun {
		return nil
	}
	batches, err := h.store.Pending()
	if err != nil {
		return onDisk("read the state", err)
	}
	told := Recovered{Account: h.a.Name}
	for _, b := range batches {
		if err := h.recoverBatch(b, &told); err != nil {
			return err
		}
	}
	if err := h.sweep(); err != nil {
		return err
	}
	if len(batches) > 0 {
		h.tell(told)
		h.Step(StepRecovered)
	}
	return nil
}

// sweep clears the spool: all intents are resolved by now, so that none names what is in it.
func (h *haul) sweep() error {
	if err := h.findMaildir(); err != nil || h.box == nil {
		return err
	}
	return onDisk("clear the spool", h.box.Sweep())
}

// recoverBatch looks for the files of one batch, brings them to where they belong, and only then stores its verdicts.
func (h *haul) recoverBatch(b *seen.Batch, told *Recovered) (err error) {
	box, err := h.boxOf(b)
	if err != nil {
		return err
	}
	if box == nil {
		// The old Maildir is gone and there is no other one yet: there is no evidence.
		told.Again += len(b.Intents)
		return onDisk("record what was recovered", h.store.Resolve(b, make([]bool, len(b.Intents))))
	}
	if box != h.box {
		defer func() { err = also(err, onDisk("close the Maildir", box.Close())) }()
	}
	verdicts, err := h.judgeAll(box, b)
	if err != nil {
		return err
	}
	if err := execute(box, b, verdicts); err != nil {
		return onDisk("finish an earlier run's delivery", err)
	}
	safe := make([]bool, len(verdicts))
	var finished []seen.Intent
	for k, v := range verdicts {
		safe[k] = v != again
		switch v {
		case delivered:
			told.Delivered++
		case finish:
			told.Finished++
			finished = append(finished, b.Intents[k])
		case again:
			told.Again++
		}
	}
	if err := h.store.Resolve(b, safe); err != nil {
		return onDisk("record what was recovered", err)
	}
	h.tellFinished(box, finished)
	if box == h.box { // whose spool is swept when all batches are through
		return nil
	}
	return onDisk("clear the spool", removeRest(box, b, verdicts))
}

// tellFinished tells of mail that recovery has delivered. What the earlier run delivered itself, it may have told of.
func (h *haul) tellFinished(box *maildir.Box, intents []seen.Intent) {
	now := h.Now()
	for _, in := range intents {
		h.result.Messages++
		h.result.Received += in.Size
		h.tell(Delivered{Account: h.a.Name, UID: in.UID, Maildir: box.Path(), Key: in.Key, Size: in.Size, At: now})
	}
}

// boxOf opens the Maildir that a batch was meant for: at its path, or where the account has it now if it is the same folder, moved.
// Where the account's Maildir is at another path and nothing is at the old one, the new one may be a copy of it: that one, or none.
func (h *haul) boxOf(b *seen.Batch) (*maildir.Box, error) {
	if err := h.findMaildir(); err != nil {
		return nil, err
	}
	if h.box != nil {
		dev, ino := h.box.Identity()
		if b.Box.Path == h.a.Maildir || (dev == b.Box.Dev && ino == b.Box.Ino) {
			return h.box, nil
		}
	}
	box, err := h.openBox(b.Box.Path, false)
	missing := errors.Is(err, maildir.ErrMissing)
	switch {
	case missing && b.Box.Path == h.a.Maildir:
		return nil, doing("recover", &unreachableError{err})
	case missing:
		return h.box, nil
	case err != nil:
		return nil, onDisk("recover", err)
	}
	return box, nil
}

// judgeAll looks at the evidence for each intent of a batch.
func (h *haul) judgeAll(box *maildir.Box, b *seen.Batch) ([]verdict, error) {
	keys := make([]string, len(b.Intents))
	for k, in := range b.Intents {
		keys[k] = in.Key
	}
	places, err := box.Find(keys)
	if err != nil {
		return nil, onDisk("look for an earlier run's mail", err)
	}
	rebooted, err := h.rebooted()
	if err != nil {
		return nil, err
	}
	dev, ino := box.Identity()
	same := dev == b.Box.Dev && ino == b.Box.Ino && !rebooted
	age := h.Now().Sub(b.At)
	verdicts := make([]verdict, len(b.Intents))
	for k, in := range b.Intents {
		whole := false
		if places[k].Place == maildir.InSpool {
			if whole, err = isWhole(box, in); err != nil {
				return nil, onDisk("read an earlier run's mail", err)
			}
		}
		verdicts[k] = judge(places[k].Place, whole, same, age)
	}
	return verdicts, nil
}

// isWhole tells whether a file in the spool is what its intent says. One that was taken from there since, or that lies where the disk cannot
// be read, is not, and is no reason to stop either: its message is still on the server.
func isWhole(box *maildir.Box, in seen.Intent) (bool, error) {
	size, sum, err := box.Check(in.Key)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EIO):
		return false, nil
	case err != nil:
		return false, err
	}
	return size == in.Size && sum == in.Sum, nil
}

// execute makes the verdicts true on disk: whole files go to new/, and the folders are durable. What a cleaner took from the spool before
// its turn came was not delivered, which is known now and could not be told later: its verdict changes. Nothing is removed: as long as
// its intent is open, a file in the spool is the evidence that it was not delivered.
func execute(box *maildir.Box, b *seen.Batch, verdicts []verdict) error {
	var whole []string
	for k, in := range b.Intents {
		if verdicts[k] == finish {
			whole = append(whole, in.Key)
		}
	}
	if len(whole) > 0 {
		err := box.Finish(whole)
		if lost, ok := errors.AsType[*maildir.LostError](err); ok {
			for k, in := range b.Intents {
				if slices.Contains(lost.Keys, in.Key) {
					verdicts[k] = again
				}
			}
		} else if err != nil {
			return err
		}
	}
	return box.SyncFolders()
}

// removeRest takes out of another Maildir's spool what was not moved to new/, once no intent names it any more.
func removeRest(box *maildir.Box, b *seen.Batch, verdicts []verdict) error {
	var rest []string
	for k, in := range b.Intents {
		if verdicts[k] != finish {
			rest = append(rest, in.Key)
		}
	}
	return box.Remove(rest)
}
