package fetch

import (
	"errors"

	"haulmail/fetch/seen"
	"haulmail/maildir"
)

// rebuild recognises the listing's messages in the Maildir when the state is new: it was lost, or the Maildir came from another
// machine. It goes on doing so for a while: some of the mail may just not be listed today. The size that a file's name tells stands in
// for LIST's, so that a message is deleted only where both agree.
func (h *haul) rebuild(p *plan) error {
	may, err := h.mayRebuild(p)
	if err != nil || !may {
		return err
	}
	inMaildir, err := h.delivered()
	if err != nil || len(inMaildir) == 0 {
		return err
	}
	p.found = make(map[int]seen.Entry)
	var entries []seen.Entry
	for i := range p.list.Len() {
		name := p.name(i)
		file, ok := inMaildir[maildir.UIDHash(h.owner(), name)]
		if name == nil || !ok || p.matched.At(i).Known {
			continue
		}
		// Later on the UID may stand for other mail: a message twice is better than none.
		if !h.store.Fresh() && file.Virtual != p.list.Size(i) {
			continue
		}
		e := seen.Entry{UID: name, ListSize: file.Virtual, Fetched: file.Time}
		p.found[i] = e
		entries = append(entries, e)
	}
	if err := h.recordRebuilt(entries); err != nil {
		return err
	}
	h.known += len(entries)
	if len(entries) > 0 {
		h.tell(Rebuilt{Account: h.a.Name, Recognised: len(entries), Again: p.unknown() - len(entries)})
	}
	return nil
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
func (p *plan) unknown() int {
	unknown := 0
	for i := range p.list.Len() {
		if !p.matched.At(i).Known {
			unknown++
		}
	}
	return unknown
}

// recordRebuilt writes down what was found in the Maildir.
func (h *haul) recordRebuilt(entries []seen.Entry) error {
	if h.DryRun {
		return nil
	}
	if h.store.Fresh() {
		if err := h.noteFor(noteRebuilding, seen.KeepVanished); err != nil {
			return err
		}
	}
	if len(entries) == 0 {
		return nil
	}
	if err := h.store.AddSeen(entries); err != nil {
		return onDisk("rebuild the state", err)
	}
	return onDisk("note the Maildir", h.store.SetNotes(h.maildirNote()))
}

// delivered gives this account's and others' messages in the Maildir by their hashes.
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
		files[e.Hash] = e
		return nil
	})
	return files, onDisk("look through the Maildir", err)
}
