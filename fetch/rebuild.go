package fetch

import (
	"errors"

	"haulmail/fetch/seen"
	"haulmail/maildir"
)

// A state that is new was lost, or the Maildir came from another machine: the Maildir tells by the names of its files what it holds. It
// is looked through for a while, since some of the mail may just not be listed today.

// rebuild recognises the listing's messages in the Maildir when the state is new, but for those that are wanted again.
func (h *haul) rebuild(p *plan) error {
	may, err := h.mayRebuild(p)
	if err != nil || !may {
		return err
	}
	wanted, err := h.store.Wanted()
	if err != nil {
		return onDisk("read the state", err)
	}
	found, _, err := h.recognise(p, wanted)
	if err == nil && found > 0 {
		h.tell(Rebuilt{Account: h.a.Name, Recognised: found, Again: p.unknown() - found})
	}
	return err
}

// recognise records the messages of the listing that are not known and whose files are in the Maildir, and gives their number and that
// of those in doubt. The size that a file's name tells stands in for LIST's, so that a message is deleted only where both agree.
func (h *haul) recognise(p *plan, except map[string]bool) (found, doubtful int, err error) {
	inMaildir, err := h.delivered()
	if err != nil || len(inMaildir) == 0 {
		return 0, 0, err
	}
	p.found = make(map[int]seen.Entry)
	var entries []seen.Entry
	for i := range p.list.Len() {
		name := p.name(i)
		file, ok := inMaildir[maildir.UIDHash(h.owner(), name)]
		if name == nil || !ok || p.matched.At(i).Known || except[string(name)] {
			continue
		}
		if !h.isThis(file, p.list.Size(i)) {
			doubtful++
			continue
		}
		e := seen.Entry{UID: name, ListSize: file.Virtual, Fetched: file.Time}
		p.found[i] = e
		entries = append(entries, e)
	}
	h.known += len(entries)
	return len(entries), doubtful, h.recordRebuilt(entries)
}

// isThis tells whether a file that has a message's UID in its name is that message. Later on the UID may stand for other mail, and a
// message twice is better than none.
func (h *haul) isThis(file maildir.Entry, size int64) bool {
	return h.store.Fresh() || file.Virtual == size
}

// mayRebuild tells whether messages that the state does not know may be in the Maildir all the same.
func (h *haul) mayRebuild(p *plan) (bool, error) {
	if p.unknown() == 0 {
		return false, nil
	}
	if h.store.Fresh() {
		return true, nil
	}
	over, err := h.noteIsOver(noteRebuilding)
	return !over, err
}

// unknown is how many messages the state does not know.
func (p *plan) unknown() int { return p.list.Len() - p.matched.Known }

// recordRebuilt writes down what was found in the Maildir.
func (h *haul) recordRebuilt(entries []seen.Entry) error {
	if err := h.record("rebuild the state", entries, nil); err != nil || h.DryRun || len(entries) == 0 {
		return err
	}
	return onDisk("note the Maildir", h.store.SetNotes(h.maildirNote()))
}

// record writes down what is known of messages otherwise than by fetching them. The state may be new because it was lost. It no longer
// looks so then, and has to be told that the Maildir may hold more that it should know.
func (h *haul) record(what string, entries []seen.Entry, failures []seen.Failure) error {
	if h.DryRun {
		return nil
	}
	if h.store.Fresh() {
		if err := h.noteFor(noteRebuilding, seen.KeepVanished); err != nil {
			return err
		}
	}
	return onDisk(what, h.store.Merge(entries, failures))
}

// delivered gives this account's and others' messages in the Maildir by their hashes: of several with one hash, whose UID was used again,
// the latest.
func (h *haul) delivered() (map[maildir.Hash]maildir.Entry, error) {
	box := h.box
	if box == nil {
		opened, err := h.openBox(h.a.Maildir, false)
		if errors.Is(err, maildir.ErrMissing) {
			return nil, nil
		}
		if err != nil {
			return nil, onDisk("open the Maildir", err)
		}
		defer opened.Close()
		box = opened
	}
	files := make(map[maildir.Hash]maildir.Entry)
	err := box.Keys(func(e maildir.Entry) error {
		e.Name = ""
		if known, ok := files[e.Hash]; !ok || e.Time.After(known.Time) {
			files[e.Hash] = e
		}
		return nil
	})
	return files, onDisk("look through the Maildir", err)
}
