package fetch

import (
	"haulmail/config"
	"haulmail/fetch/pop3"
	"haulmail/fetch/seen"
)

// plan is a listing beside the state, and what follows from it. Messages go by their index in the listing.
type plan struct {
	list      *pop3.Listing
	idle      bool // nothing is to be done about any message, and no sizes were asked for
	matched   *seen.Matched
	names     nameTable   // of messages that do not go by their UID alone
	twins     []seen.Twin // messages that had one name
	contents  contents    // what is known of messages that go by their content
	unsettled map[string]bool
	found     map[int]seen.Entry // known from the Maildir alone, the state being lost
	left      map[string]Reason
	failures  map[string]seen.Failure // of earlier runs
	policy    policy
	told      seen.Marks // of messages that are too large
	reached   seen.Marks // when messages reached the mailbox, as far as it was asked

	get      []place
	returned []seen.Entry // to be left on the server from now on
	retry    []place      // failed in earlier runs: to be asked for after all others, one at a time
	due      []place      // fetched by earlier runs, to be deleted now
	large    []place      // too large, which was not told yet
	safe     []place      // of get and retry: delivered, and to be deleted now; the batcher fills it in
}

// place is an index in a listing, for lists that may be as long.
type place int32

// plan asks for the listing and decides about each message of it.
func (h *haul) plan(s *session) (*plan, error) {
	patient, err := h.mayWaitForSizes()
	if err != nil {
		return nil, err
	}
	p, err := h.beside(s, patient)
	if err != nil {
		return nil, err
	}
	if p.idle {
		h.sum(p, Listed{})
		return p, nil
	}
	if err := h.rebuild(p); err != nil {
		return nil, err
	}
	if err := h.readMarks(p); err != nil {
		return nil, err
	}
	if err := h.findAges(s, p); err != nil {
		return nil, err
	}
	h.choose(p)
	return p, h.tellLarge(p)
}

// match looks up in the state what is known of a listing.
func (h *haul) match(s *session, list *pop3.Listing) (p *plan, err error) {
	p = &plan{list: list, names: nameTable{messages: list.Len()}, policy: h.policy(), left: h.left}
	if p.failures, err = h.failuresByName(); err != nil {
		return nil, err
	}
	if err := h.nameMessages(s, p); err != nil {
		return nil, err
	}
	h.forgetPlaces(p)
	if p.matched, err = h.store.Match(p.nameTwins()); err != nil {
		return nil, onDisk("read the state", err)
	}
	h.listed, h.known = true, p.matched.Records-h.result.Messages
	if p.unsettled, err = h.unsettled(); err != nil {
		return nil, err
	}
	return p, nil
}

// policy is that of the account, and what the sessions before this one have fetched of the run's share.
func (h *haul) policy() policy {
	return policy{delete: h.a.Delete, Selection: h.a.Selection, now: h.Now(), messages: h.result.Messages, octets: h.result.Received}
}

// readMarks reads what earlier runs have noted of messages that stay on the server, as far as the policy asks for it.
func (h *haul) readMarks(p *plan) (err error) {
	if p.policy.MaxSize > 0 {
		p.told, err = h.store.Marks(seen.Told, p.matched, p.list.Size)
	}
	if err == nil && p.policy.Since > 0 {
		p.reached, err = h.store.Marks(seen.Dated, p.matched, p.list.Size)
	}
	return onDisk("read the state", err)
}

// name is what the state knows a message by: its UID; for one whose UID occurs before it in the listing, the UID and the count; for
// one without a UID, a digest of its header. Nil for one that goes by its content, or that UIDL does not list.
func (p *plan) name(i int) []byte {
	if name, ok := p.names.name(i); ok {
		return name
	}
	return p.list.UID(i)
}

// message gathers what is known about the i-th message.
func (p *plan) message(i int) message {
	name, naming := p.name(i), p.names.of(i)
	m := message{
		size: p.list.Size(i), nameless: name == nil, unlisted: name == nil && naming == byUID,
		unsettled: p.unsettled[string(name)], reached: p.reached.At(i),
	}
	left, before := p.trouble(i)
	if m.left = left; before.Count > 0 {
		m.failures, m.retryAt = before.Count, RetryAt(before)
	}
	switch {
	case naming == crowded:
		m.left = ReasonCrowded
	case naming == waiting && m.left == 0 && m.failures > 0 && p.policy.now.Before(m.retryAt):
		m.left = ReasonWaiting
	case naming == waiting:
		m.left = ReasonFailed
	}
	if record := p.matched.At(i); record.Known {
		m.known, m.oldSize, m.fetched, m.returned = true, record.ListSize, record.Fetched, record.Returned
	} else if entry, ok := p.found[i]; ok {
		m.known, m.oldSize, m.fetched = true, entry.ListSize, entry.Fetched
	}
	return m
}

// size is what the reply to a request for the i-th message should have in octets, or -1 if nobody knows.
func (p *plan) size(i int) int64 {
	if p.policy.HeadersOnly {
		return -1
	}
	return p.list.Size(i)
}

// choose decides about every message, and tells the sum. The count of failures begins anew with what earlier sessions of the run
// have met.
func (h *haul) choose(p *plan) {
	var told Listed
	unlisted, crowded, failed, later := 0, 0, 0, 0
	p.get = make([]place, 0, p.list.Len()-p.matched.Known)
	choose(p.list.Len(), p.message, p.policy, func(i int, m message, d Decision) {
		p.sortReturned(i, m, d)
		told.Bytes += min(max(m.size, 0), believable)
		switch d.Action {
		case Get:
			told.Get++
			told.GetBytes += min(max(p.size(i), 0), believable)
			if d.Reason == ReasonRetry {
				p.retry = append(p.retry, place(i))
			} else {
				p.get = append(p.get, place(i))
			}
		case Delete:
			p.due = append(p.due, place(i))
		case Skip:
			h.tellSkipped(p, i, m, d)
			switch d.Reason {
			case ReasonUnlisted:
				unlisted++
			case ReasonCrowded:
				crowded++
			case ReasonFailed:
				failed++
			case ReasonNextRun:
				later++
			case ReasonTooLarge:
				if p.told.At(i).IsZero() {
					p.large = append(p.large, place(i))
				}
			}
		}
	})
	if unlisted > 0 {
		h.warn("%d messages are in LIST and not in UIDL, and are left on the server", unlisted)
	}
	h.result.Failed, h.result.Later = unlisted+crowded+failed, later
	h.sum(p, told)
}

// sum tells what was decided, of which told has what is to be fetched.
func (h *haul) sum(p *plan, told Listed) {
	told.Account, told.Total = h.a.Name, p.list.Len()
	if told.Bytes == 0 { // LIST was refused, or not asked
		told.Bytes = min(max(p.list.Octets, 0), int64(told.Total)*believable)
	}
	told.Delete = len(p.due)
	told.Skip = told.Total - told.Get - told.Delete
	h.result.Total, h.result.Bytes = told.Total, told.Bytes
	h.result.Get, h.result.Delete = told.Get, told.Delete
	h.progress.begin(told)
	h.tell(told)
	h.planned = true
}

// sortReturned sees to what must not be forgotten of a message that was gone from the server and is listed again. Under its UID there may
// be another one: until that is fetched, or for certain the old one, the old one counts as gone. Of one that looks like the old one nobody
// can tell later, so that what would be deleted now or one day must never be.
func (p *plan) sortReturned(i int, m message, d Decision) {
	switch {
	case !m.returned:
	case m.reused() || m.size < 0 && m.oldSize >= 0:
		p.matched.Other(i)
	case d.Action == Skip && p.policy.delete.Mode != config.DeleteNever && !m.fetched.IsZero():
		p.returned = append(p.returned, seen.Entry{UID: p.name(i), ListSize: seen.NoSize, Fetched: m.fetched})
	}
}

// tellSkipped tells of a message that a real run leaves alone. A dry run tells of all of them, and a further session of a run lists the
// same ones again.
func (h *haul) tellSkipped(p *plan, i int, m message, d Decision) {
	if h.DryRun || h.planned || d.Reason.wanted() && !h.EachSkip {
		return
	}
	h.tell(Skipped{Account: h.a.Name, UID: p.list.UID(i), Size: m.size, Reason: d.Reason, Text: reasonText(d, m, p.policy)})
}

// tellLarge warns of the messages that are left on the server for their size: of each in one run only, which the state remembers. One
// without a name it cannot remember.
func (h *haul) tellLarge(p *plan) error {
	if h.DryRun || len(p.large) == 0 {
		return nil
	}
	var marked []seen.Marked
	for k, i := range p.large {
		name, size := p.name(int(i)), p.list.Size(int(i))
		if k < mostTold {
			h.warn("message %d (UID %q, %d octets) is larger than max_size (%s), and stays on the server",
				p.list.Number(int(i)), p.list.UID(int(i)), size, p.policy.MaxSize)
		}
		if !h.EachSkip { // else it is told of already
			d := Decision{Skip, ReasonTooLarge}
			h.tell(Skipped{Account: h.a.Name, UID: p.list.UID(int(i)), Size: size, Reason: d.Reason, Text: reasonText(d, message{}, p.policy)})
		}
		if name != nil {
			marked = append(marked, seen.Marked{UID: name, ListSize: size, Time: h.Now()})
		}
	}
	if more := len(p.large) - mostTold; more > 0 {
		h.warn("%d more messages are larger than max_size (%s), and stay on the server", more, p.policy.MaxSize)
	}
	return onDisk("record what is too large", h.store.AddMarks(seen.Told, marked, p.matched))
}

// unsettled gives the names that open intents hold: none after recovery, which a dry run and whoever only looks leave out.
func (h *haul) unsettled() (map[string]bool, error) {
	batches, err := h.store.Pending()
	if err != nil {
		return nil, onDisk("read the state", err)
	}
	names := make(map[string]bool)
	for _, b := range batches {
		for _, in := range b.Intents {
			names[string(in.UID)] = true
		}
	}
	return names, nil
}

// failuresByName gives the messages that failed in earlier runs.
func (h *haul) failuresByName() (map[string]seen.Failure, error) {
	failures, err := h.store.Failures()
	if err != nil {
		return nil, onDisk("read the state", err)
	}
	byName := make(map[string]seen.Failure, len(failures))
	for _, f := range failures {
		byName[string(f.UID)] = f
	}
	return byName, nil
}

// owner is whose mail a file name's hash tells of.
func (h *haul) owner() string { return h.identity.Server + "\x00" + h.identity.User }
