package fetch

import "slices"

// deleteAndQuit deletes on the server what may go, and says QUIT. Everything that was fetched is safe and settled by now. A run that
// was asked to stop deletes nothing: the next one does.
func (h *haul) deleteAndQuit(s *session, p *plan) error {
	if s.ctx.Err() != nil {
		return also(s.ctx.Err(), s.quit())
	}
	places := p.together(slices.Concat(p.due, p.safe))
	if len(places) == 0 {
		return s.quit()
	}
	numbers := make([]int, len(places))
	for k, i := range places {
		numbers[k] = p.list.Number(int(i))
	}
	marked, refused, err := s.client.Delete(numbers, s.pipelining)
	if err != nil {
		// The server deletes at QUIT and not before: nothing is gone, and the next run marks them again.
		return doing(doingDelete, s.brokenAhead(err))
	}
	h.Step(StepDeleSent)
	if refused != nil {
		h.warn("%d of %d messages stay on the server: %v", len(numbers)-len(marked), len(numbers), refused)
	}
	if err := s.client.Quit(); err != nil {
		h.warn("whether the server deleted %d messages is not known: %v", len(marked), err)
		return nil
	}
	h.Step(StepQuitSent)
	h.tellRemoved(p, places, marked)
	if refused != nil {
		return nil // which of them are gone, the next listing tells
	}
	return onDisk("record what was deleted", h.store.MarkGone(p.namesOf(places)))
}

// together leaves out of what may be deleted whatever has a name in common with a message that stays. A listing tells such messages apart by
// their order alone: what is left of them would be taken for those that have gone.
func (p *plan) together(places []place) []place {
	if len(p.twins) == 0 {
		return places
	}
	going := make(map[place]bool, len(places))
	for _, i := range places {
		going[i] = true
	}
	first := make(map[place]place)
	stays := make(map[place]bool)
	for _, t := range p.twins {
		one, later := place(t.First), place(t.Later)
		first[one], first[later] = one, one
		stays[one] = stays[one] || !going[one] || !going[later]
	}
	return slices.DeleteFunc(places, func(i place) bool {
		one, ok := first[i]
		return ok && stays[one]
	})
}

// tellRemoved tells what is gone: of places those with the numbers that were marked, in the same order.
func (h *haul) tellRemoved(p *plan, places []place, marked []int) {
	h.result.Deleted += len(marked)
	h.tell(Deleted{Account: h.a.Name, Messages: len(marked)})
	for _, i := range places {
		if len(marked) > 0 && marked[0] == p.list.Number(int(i)) {
			marked = marked[1:]
			h.tell(Removed{Account: h.a.Name, UID: p.list.UID(int(i)), Size: p.list.Size(int(i))})
		}
	}
}

// namesOf gives what the state knows messages by.
func (p *plan) namesOf(places []place) [][]byte {
	var names [][]byte
	for _, i := range places {
		if name := p.name(int(i)); name != nil {
			names = append(names, name)
		}
	}
	return names
}
