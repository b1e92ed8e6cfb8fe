package fetch

import (
	"errors"

	"haulmail/config"
	"haulmail/fetch/pop3"
	"haulmail/fetch/seen"
)

// LIST is half of what a listing costs, and nothing is decided by it while there is nothing new. So a run does not ask it at once of a
// maildrop of which the state knows a lot, as those have that are kept on the server for years, but only when something depends on it.
// Elsewhere it goes in one write with the other questions, lest it cost a round trip.

// mayWaitForSizes tells whether the sizes are likely to be of no use: a lot is known of the mailbox, and nobody is told of messages that
// stay where they are. What is deleted as soon as it is fetched is never known for long. What does not go by its UID does not count: to
// find its name takes a TOP, and what is noted of its failures goes by its size.
func (h *haul) mayWaitForSizes() (bool, error) {
	if h.DryRun || h.EachSkip || h.a.Delete.Mode == config.DeleteFetched {
		return false, nil
	}
	enough := errors.New("enough")
	known := 0
	err := h.store.Each(func(e seen.Entry) error {
		if isUID(e.UID) && e.Vanished.IsZero() {
			known++
		}
		if known == manyKnown {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) {
		return true, nil
	}
	return false, onDisk("read the state", err)
}

// beside asks for the listing and looks up in the state what is known of it. With patience it does not ask for sizes by which nothing is
// decided.
func (h *haul) beside(s *session, patient bool) (*plan, error) {
	if patient {
		return h.besidePatiently(s)
	}
	list, err := s.client.List(s.pipelining)
	if err != nil {
		return nil, doing(doingList, s.brokenAhead(err))
	}
	h.Step(StepListed)
	h.tell(Counted{Account: h.a.Name, Messages: list.Len()})
	return h.match(s, list)
}

// besidePatiently is beside where LIST may not be needed.
func (h *haul) besidePatiently(s *session) (*plan, error) {
	standing := h.standing()
	list, err := s.client.ListUIDs(s.pipelining)
	known, unread := standing()
	if err != nil {
		return nil, doing(doingList, s.brokenAhead(err))
	}
	if unread != nil {
		return nil, unread
	}
	h.Step(StepListed)
	if eachHasUID(list) {
		if p := h.unchanged(known, list); p != nil {
			return p, nil
		}
		p, err := h.match(s, list)
		if err != nil {
			return nil, err
		}
		if p.idle = p.isIdle(); p.idle {
			return p, nil
		}
	}
	h.tell(Counted{Account: h.a.Name, Messages: list.Len()})
	if err := s.client.ListSizes(list); err != nil {
		return nil, doing(doingList, s.brokenAhead(err)) // it may be what is left of the answers to the commands before it
	}
	return h.match(s, list)
}

// standing begins to read what the state holds, and gives what waits for that: a large mailbox takes its server longer to open.
func (h *haul) standing() func() (*seen.Standing, error) {
	var standing *seen.Standing
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		standing, err = h.store.Standing()
	}()
	return func() (*seen.Standing, error) {
		<-done
		return standing, onDisk("read the state", err)
	}
}

// unchanged gives the plan for a listing in which nothing has happened, nor will; nil for others.
func (h *haul) unchanged(known *seen.Standing, list *pop3.Listing) *plan {
	policy := h.policy()
	if !isSettled(message{known: true, fetched: known.Oldest}, policy) || !known.Is(list.Len(), list.UID) {
		return nil
	}
	h.listed, h.known = true, known.Messages+known.Gone-h.result.Messages
	return &plan{list: list, policy: policy, idle: true}
}

// isSettled tells whether a known message stays where it is, whatever its size.
func isSettled(m message, r policy) bool {
	switch decide(m, r).Reason {
	case ReasonSeen, ReasonYoung, ReasonMarked:
		return true
	}
	return false
}

// eachHasUID tells whether UIDL lists as many messages as STAT counts, and names each of them. (One that LIST alone has is not fetched
// either way: it goes untold only where STAT leaves it out, too.)
func eachHasUID(list *pop3.Listing) bool {
	return list.Named() == list.Len() && list.Count == int64(list.Len())
}

// isIdle tells whether nothing is to be done about any message, whatever its size: each was fetched before, was listed ever since, and
// may not be deleted now.
func (p *plan) isIdle() bool {
	if p.matched.Known < p.list.Len() || p.matched.Returned > 0 {
		return false
	}
	if p.policy.delete.Mode == config.DeleteNever {
		return true
	}
	for i := range p.list.Len() {
		if !isSettled(p.message(i), p.policy) {
			return false
		}
	}
	return true
}
