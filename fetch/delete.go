package fetch

// deleteAndQuit deletes on the server what may go, and says QUIT. Everything that was fetched is safe and settled by now. A run that
// was asked to stop deletes nothing: the next one does.
func (h *haul) deleteAndQuit(s *session, p *plan) error {
	if s.ctx.Err() != nil {
		return also(s.ctx.Err(), s.quit())
	}
	numbers, names := p.deletions()
	if len(numbers) == 0 {
		return s.quit()
	}
	marked, refused, err := s.client.Delete(numbers, s.pipelining)
	if err != nil {
		// The server deletes at QUIT and not before: nothing is gone, and the next run marks them again.
		return doing(doingDelete, s.brokenAhead(err))
	}
	h.Step(StepDeleSent)
	if refused != nil {
		h.warn("%d of %d messages stay on the server: %v", len(numbers)-marked, len(numbers), refused)
	}
	if err := s.client.Quit(); err != nil {
		h.warn("whether the server deleted %d messages is not known: %v", marked, err)
		return nil
	}
	h.Step(StepQuitSent)
	h.result.Deleted += marked
	h.tell(Deleted{Account: h.a.Name, Messages: marked})
	if refused != nil {
		return nil // which of them are gone, the next listing tells
	}
	return onDisk("record what was deleted", h.store.MarkGone(names))
}

// deletions gives the numbers of the messages that may go, and what the state knows them by.
func (p *plan) deletions() (numbers []int, names [][]byte) {
	for _, places := range [][]place{p.due, p.safe} {
		for _, i := range places {
			numbers = append(numbers, p.list.Number(int(i)))
			if name := p.name(int(i)); name != nil {
				names = append(names, name)
			}
		}
	}
	return numbers, names
}
