package fetch

import "haulmail/fetch/seen"

// noteBoot is the state's note of the start of the system in which batches were begun last, and so of all that are open: a run
// begins none before it has resolved those of others.
const noteBoot = "boot"

// bootNote notes this start of the system; where starts cannot be told apart, nothing.
func (h *haul) bootNote() seen.Note {
	if h.boot == "" {
		return seen.Note{Name: noteBoot}
	}
	return seen.Note{Name: noteBoot, Value: []byte(h.boot)}
}

// rebooted tells whether the system was started anew since the open batches were begun. While it runs a rename is done or not, whatever
// becomes of the process. A power cut may leave one of its halves on a disk without a journal, and with the removal from the spool
// alone a file is nowhere that nobody has read.
func (h *haul) rebooted() (bool, error) {
	note, err := h.store.Note(noteBoot)
	if err != nil {
		return false, onDisk("read the state", err)
	}
	return len(note) > 0 && h.boot != "" && string(note) != h.boot, nil
}
