package fetch

import (
	"context"
	"fmt"

	"haulmail/config"
	"haulmail/fetch/seen"
	"haulmail/maildir"
)

// Rebuild records what the servers list and the Maildirs hold already, whether the state looks new or not. Nothing is fetched or deleted.
func Rebuild(ctx context.Context, accounts []*config.Account, o Options) []Result {
	return byHand(o).each(ctx, accounts, func(h *haul, ctx context.Context) error {
		return h.visit(ctx, h.rebuildByHand)
	})
}

// Verify looks how the accounts' states and Maildirs go together, and with ask the servers' listings, too. It changes nothing. An account
// of which the next run would fetch again what the Maildir holds is of class Damaged.
func Verify(ctx context.Context, accounts []*config.Account, o Options, ask bool) []Result {
	o.DryRun = true
	return byHand(o).each(ctx, accounts, func(h *haul, ctx context.Context) error {
		if ask {
			return h.visit(ctx, h.verify)
		}
		return h.locally(ctx, seen.Options{ReadOnly: true}, func() error { return h.verify(nil) })
	})
}

// forgottenError is mail in the Maildir that the state does not know.
type forgottenError struct{ messages int }

func (e *forgottenError) Error() string {
	return fmt.Sprintf("of the server's messages, %d are in the Maildir and not in the state: the next run would fetch them again", e.messages)
}

func (h *haul) rebuildByHand(p *plan) error {
	unknown := p.unknown()
	found, doubtful, err := h.recognise(p, nil)
	if err != nil {
		return err
	}
	h.tell(Recognised{Account: h.a.Name, Messages: found, Doubtful: doubtful, Unknown: unknown - found - doubtful})
	return nil
}

// verify compares the state with the Maildir, and where p is not nil, with the listing.
func (h *haul) verify(p *plan) error {
	files, err := h.verifiedFiles()
	if err != nil {
		return err
	}
	told := Verified{Account: h.a.Name, Asked: p != nil}
	named := make(map[maildir.Hash]bool)
	isThere := func(name []byte) bool {
		hash := maildir.UIDHash(h.owner(), name)
		_, ok := files[hash]
		if ok {
			named[hash] = true
		}
		return ok
	}
	if err := h.verifyState(&told, isThere); err != nil {
		return err
	}
	if p != nil {
		if err := h.verifyListing(p, &told, files); err != nil {
			return err
		}
	}
	told.Unnamed = len(files) - len(named)
	h.tell(told)
	if told.Again > 0 {
		return doing("verify", &forgottenError{told.Again})
	}
	return nil
}

// verifiedFiles gives the files that were delivered into the Maildir, by their hashes. Where mail was delivered to before, it has to be.
func (h *haul) verifiedFiles() (map[maildir.Hash]maildir.Entry, error) {
	last, err := h.store.Note(noteMaildir)
	if err != nil {
		return nil, onDisk("read the state", err)
	}
	if string(last) == h.a.Maildir {
		if h.box, err = h.openBox(h.a.Maildir, false); err != nil {
			return nil, onDisk("open the Maildir", err)
		}
	}
	return h.delivered()
}

// verifyState counts what the state holds, and of which the Maildir has a file.
func (h *haul) verifyState(told *Verified, isThere func(name []byte) bool) error {
	err := h.store.Each(func(e seen.Entry) error {
		told.Messages++
		switch {
		case isThere(e.UID):
			told.Found++
		case e.Fetched.IsZero():
			told.Marked++
		default:
			told.Gone++
		}
		return nil
	})
	if err != nil {
		return onDisk("read the state", err)
	}
	unsettled, err := h.unsettled()
	if err != nil {
		return err
	}
	told.Pending = len(unsettled)
	for name := range unsettled {
		isThere([]byte(name))
	}
	failed, err := h.store.Failures()
	told.Failed = len(failed)
	return onDisk("read the state", err)
}

// verifyListing counts what the next run would do with the messages that the state does not know.
func (h *haul) verifyListing(p *plan, told *Verified, files map[maildir.Hash]maildir.Entry) error {
	rebuilding, err := h.mayRebuild(p)
	if err != nil {
		return err
	}
	wanted, err := h.store.Wanted()
	if err != nil {
		return onDisk("read the state", err)
	}
	told.Listed = p.list.Len()
	for i := range p.list.Len() {
		name := p.name(i)
		if name == nil || p.matched.At(i).Known || p.unsettled[string(name)] {
			continue
		}
		file, ok := files[maildir.UIDHash(h.owner(), name)]
		switch {
		case !ok || wanted[string(name)] || !h.isThis(file, p.list.Size(i)):
			told.New++
		case !rebuilding:
			told.Again++
		}
	}
	return nil
}
