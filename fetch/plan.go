package fetch

import (
	"haulmail/config"
	"haulmail/fetch/pop3"
	"haulmail/fetch/seen"
)

// plan is a listing beside the state, and what follows from it. Messages go by their index in the listing.
type plan struct {
	list      *pop3.Listing
	matched   *seen.Matched
	names     map[int][]byte        // of messages that do not go by their UID alone
	contents  map[string]seen.Entry // what is known of messages that go by their content
	unsettled map[string]bool
	found     map[int]seen.Entry // known from the Maildir alone, the state being lost
	left      map[string]Reason
	failures  map[string]seen.Failure // of earlier runs
	rule      config.Delete

	get      []place
	returned []seen.Entry // due, and to be left on the server from now on
	retry    []place      // failed in earlier runs: to be asked for after all others, one at a time
	due      []place      // fetched by earlier runs, to be deleted now
	safe     []place      // of get and retry: delivered, and to be deleted now; the batcher fills it in
}

// place is an index in a listing, for lists that may be as long.
type place int32

// plan asks for the listing and decides about each message of it.
func (h *haul) plan(s *session) (*plan, error) {
	list, err := s.client.List(s.pipelining)
	if err != nil {
		return nil, doing(doingList, s.brokenAhead(err))
	}
	h.Step(StepListed)
	p := &plan{list: list, rule: h.a.Delete, left: h.left}
	if err := h.nameMessages(s, p); err != nil {
		return nil, err
	}
	if p.matched, err = h.store.Match(p.nameTwins()); err != nil {
		return nil, onDisk("read the state", err)
	}
	if p.unsettled, err = h.unsettled(); err != nil {
		return nil, err
	}
	if p.failures, err = h.failuresByName(); err != nil {
		return nil, err
	}
	if err := h.rebuild(p); err != nil {
		return nil, err
	}
	h.choose(p)
	return p, nil
}

// name is what the state knows a message by: its UID; for one whose UID occurs before it in the listing, the UID and the count; for
// one without a UID, a digest of its header. Nil for one that goes by its content, or that UIDL does not list.
func (p *plan) name(i int) []byte {
	if name, ok := p.names[i]; ok {
		return name
	}
	return p.list.UID(i)
}

// message gathers what is known about the i-th message.
func (p *plan) message(i int) message {
	name := p.name(i)
	_, named := p.names[i]
	m := message{size: p.list.Size(i), nameless: name == nil, unlisted: name == nil && !named, unsettled: p.unsettled[string(name)], left: p.left[string(name)]}
	if f, ok := p.failures[string(name)]; ok {
		m.failures, m.retryAt = f.Count, RetryAt(f)
	}
	if record := p.matched.At(i); record.Known {
		m.known, m.oldSize, m.fetched, m.returned = true, record.ListSize, record.Fetched, record.Returned
	} else if entry, ok := p.found[i]; ok {
		m.known, m.oldSize, m.fetched = true, entry.ListSize, entry.Fetched
	}
	return m
}

// choose decides about every message, and tells the sums. The count of failures begins anew with what earlier sessions of the run
// have met.
func (h *haul) choose(p *plan) {
	told := Listed{Account: h.a.Name, Total: p.list.Len()}
	unlisted, failed := 0, 0
	now := h.Now()
	p.get = make([]place, 0, p.list.Len()-p.matched.Known)
	for i := range p.list.Len() {
		size := min(max(p.list.Size(i), 0), believable)
		told.Bytes += size
		m := p.message(i)
		d := decide(m, p.rule, now)
		switch d.Action {
		case Get:
			told.Get++
			told.GetBytes += size
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
			case ReasonReturned:
				p.returned = append(p.returned, seen.Entry{UID: p.name(i), ListSize: seen.NoSize, Fetched: m.fetched})
			case ReasonUnlisted:
				unlisted++
			case ReasonFailed:
				failed++
			}
		}
	}
	if unlisted > 0 {
		h.warn("%d messages are in LIST and not in UIDL, and are left on the server", unlisted)
	}
	h.result.Failed = unlisted + failed
	told.Delete = len(p.due)
	told.Skip = told.Total - told.Get - told.Delete
	h.result.Total, h.result.Bytes = told.Total, told.Bytes
	h.result.Get, h.result.Delete = told.Get, told.Delete
	h.progress.begin(told)
	h.tell(told)
	h.planned = true
}

// tellSkipped tells of a message that a real run leaves alone. A dry run tells of all of them, and a further session of a run lists the
// same ones again.
func (h *haul) tellSkipped(p *plan, i int, m message, d Decision) {
	if h.DryRun || h.planned || d.Reason.wanted() && !h.EachSkip {
		return
	}
	h.tell(Skipped{Account: h.a.Name, UID: p.list.UID(i), Size: m.size, Reason: d.Reason, Text: reasonText(d, m, p.rule)})
}

// tellPlan tells what is decided about each message.
func (h *haul) tellPlan(p *plan) {
	now := h.Now()
	for i := range p.list.Len() {
		m := p.message(i)
		d := decide(m, p.rule, now)
		h.tell(Chosen{
			Account: h.a.Name, Number: p.list.Number(i), UID: p.list.UID(i), Size: m.size,
			Action: d.Action, Reason: d.Reason, Text: reasonText(d, m, p.rule),
		})
	}
}

// unsettled gives the names that open intents hold. Only a dry run, which must not recover, finds any.
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
