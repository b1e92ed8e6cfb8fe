package fetch

import (
	"context"

	"haulmail/config"
	"haulmail/fetch/seen"
)

// Add marks messages as fetched by their UIDs, in one transaction for each account. No server is asked. What is only marked is never
// deleted on the server: the mail may be nowhere else.
func Add(ctx context.Context, accounts []*config.Account, o Options, uids [][]byte) []Result {
	return byHand(o).each(ctx, accounts, func(h *haul, ctx context.Context) error {
		return h.change(ctx, func() error { return h.addNamed(uids) })
	})
}

// AddListed marks as fetched what the servers list now; of UIDs that were used again, too. Nothing is fetched or deleted.
func AddListed(ctx context.Context, accounts []*config.Account, o Options) []Result {
	return byHand(o).each(ctx, accounts, func(h *haul, ctx context.Context) error {
		return h.visit(ctx, h.addListed)
	})
}

// Forget has the next runs fetch messages again, by their names as EachName tells them. The rest of a lost state is still recognised in
// the Maildir, these messages are not.
func Forget(ctx context.Context, accounts []*config.Account, o Options, names [][]byte) []Result {
	return byHand(o).each(ctx, accounts, func(h *haul, ctx context.Context) error {
		return h.change(ctx, func() error { return h.forget(names) })
	})
}

// ForgetAll has the next runs fetch everything again.
func ForgetAll(ctx context.Context, accounts []*config.Account, o Options) []Result {
	return byHand(o).each(ctx, accounts, func(h *haul, ctx context.Context) error {
		return h.change(ctx, h.forgetAll)
	})
}

func (h *haul) addNamed(uids [][]byte) error {
	unknown, err := h.unknownOf(uids)
	if err != nil {
		return err
	}
	entries := make([]seen.Entry, len(unknown))
	for i, uid := range unknown {
		entries[i] = seen.Entry{UID: uid, ListSize: seen.NoSize}
	}
	told := Marked{Account: h.a.Name, Messages: len(entries), Known: len(uids) - len(entries)}
	return h.mark(entries, told)
}

// unknownOf gives those of the names that are not known, each once.
func (h *haul) unknownOf(names [][]byte) (unknown [][]byte, err error) {
	index := seen.NewIndex(len(names), func(i int) []byte { return names[i] })
	matched, err := h.store.Match(index)
	if err != nil {
		return nil, onDisk("read the state", err)
	}
	unsettled, err := h.unsettled()
	twins := make(map[int]bool)
	for _, twin := range index.Twins() {
		twins[int(twin.Later)] = true
	}
	for i, name := range names {
		if !twins[i] && !matched.At(i).Known && !unsettled[string(name)] {
			unknown = append(unknown, name)
		}
	}
	return unknown, err
}

func (h *haul) addListed(p *plan) error {
	told := Marked{Account: h.a.Name, Asked: true}
	var entries []seen.Entry
	for i := range p.list.Len() {
		m := p.message(i)
		switch {
		case m.nameless:
			told.Nameless++
		case m.unsettled || m.known && !m.reused():
			told.Known++
		default:
			entries = append(entries, seen.Entry{UID: p.name(i), ListSize: m.size})
		}
	}
	told.Messages = len(entries)
	return h.mark(entries, told)
}

// mark records messages that nobody has fetched, so without a time.
func (h *haul) mark(entries []seen.Entry, told Marked) error {
	if err := h.record("mark as fetched", entries, nil); err != nil {
		return err
	}
	h.tell(told)
	return nil
}

func (h *haul) forget(names [][]byte) error {
	unknown, err := h.unknownOf(names)
	if err != nil {
		return err
	}
	n := len(names) - len(unknown)
	if !h.DryRun {
		if n, err = h.store.Forget(names); err != nil {
			return onDisk("forget", err)
		}
	}
	h.tell(Forgotten{Account: h.a.Name, Messages: n})
	return nil
}

func (h *haul) forgetAll() error {
	n := 0
	err := h.store.Each(func(seen.Entry) error {
		n++
		return nil
	})
	if err == nil && !h.DryRun {
		n, err = h.store.ForgetAll(seen.Note{Name: noteRebuilding})
	}
	if err != nil {
		return onDisk("forget", err)
	}
	h.tell(Forgotten{Account: h.a.Name, Messages: n})
	return nil
}
