package fetch

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"haulmail/fetch/pop3"
)

// namer names messages by the digests of their headers. One whose header is refused for the moment is not fetched, since it may have been
// before; one whose header is refused for good goes by its content.
type namer struct {
	*haul
	s      *session
	p      *plan
	before ways
	all    bool // there is no other message in the listing

	given   int               // headers
	refused int               // for good or for the moment
	why     *pop3.ServerError // the first refusal for the moment, or else the first
	waiting []topless         // refused for the moment; all but the first few have why for their refusal
}

// name asks for the headers of messages, and names each by its own. What failed before comes last, one at a time.
func (n *namer) name(unnamed []place) error {
	fresh, failed := n.sort(unnamed)
	if err := n.ask(fresh, n.s.pipelining); err != nil {
		return err
	}
	if err := n.askAgain(failed); err != nil {
		return err
	}
	return n.decide(unnamed)
}

// sort parts the messages that are asked for from those that failed before. One that failed in this run, or whose time has not come, waits.
func (n *namer) sort(unnamed []place) (fresh, failed []place) {
	if len(n.left)+len(n.p.failures) == 0 {
		return unnamed, nil
	}
	for _, i := range unnamed {
		key := n.p.place(int(i))
		switch f := n.p.failures[key]; {
		case n.left[key] != 0 || f.Count > 0 && n.p.policy.now.Before(RetryAt(f)):
			n.wait(i)
		case f.Count > 0:
			failed = append(failed, i)
		default:
			fresh = append(fresh, i)
		}
	}
	return fresh, failed
}

func (n *namer) wait(i place) { n.p.names.set(int(i), waiting) }

// askAgain asks for the headers of messages that failed before. Once that has ended a session of the run, they all wait for another run:
// there are others to be fetched.
func (n *namer) askAgain(places []place) error {
	if n.headerless {
		for _, i := range places {
			n.wait(i)
		}
		return nil
	}
	n.headerless = true // should this end the session
	err := n.ask(places, false)
	n.headerless = err != nil
	return err
}

// ask asks for headers, as long as the server seems to have any.
func (n *namer) ask(places []place, ahead bool) error {
	numbers := make([]int, 0, headersAtOnce)
	for some := range slices.Chunk(places, headersAtOnce) {
		if n.deaf() {
			for _, i := range some {
				n.p.names.set(int(i), nameless)
			}
			continue
		}
		numbers = numbers[:0]
		for _, i := range some {
			numbers = append(numbers, n.p.list.Number(int(i)))
		}
		next := 0
		err := n.s.client.HeaderDigests(numbers, ahead, func(sum [sha256.Size]byte, refused *pop3.ServerError) {
			n.take(int(some[next]), sum, refused)
			next++
		})
		if err != nil {
			return doing(doingList, n.broken(err, some[next], ahead))
		}
	}
	return nil
}

// broken is the end of the session at the question for a header. Asked for alone, or endless, it is the message's fault: the message may
// have been fetched before, under a name that cannot be told now, so it waits.
func (n *namer) broken(err error, i place, ahead bool) error {
	switch {
	case ahead && !isType[*pop3.TooLongError](err):
		return n.s.brokenAhead(err)
	case n.s.ctx.Err() != nil:
		return err
	}
	n.wait(i)
	n.failed(n.p, int(i), err)
	if n.topCuts++; n.topCuts == mostTopCuts && !n.gaveTop && n.all && !n.before.header {
		n.noTop = true
	}
	return &brokenSession{err: err, culprit: true}
}

// deaf tells whether the server has no TOP: it has refused many headers and given none, in this session or in all of an earlier one. One
// that gave headers to other runs is asked for each.
func (n *namer) deaf() bool {
	return n.noTop || n.given == 0 && n.refused >= mostTopless && !n.before.header && !n.s.announcesTop()
}

// take names a message, or takes note of a refusal.
func (n *namer) take(i int, sum [sha256.Size]byte, refused *pop3.ServerError) {
	switch {
	case refused == nil:
		n.given++
		n.gaveTop = true
		n.had(n.p, i)
		n.p.names.put(i, byHeader, sum[:])
		return
	case !temporary(refused):
		n.p.names.set(i, nameless)
		n.why = cmp.Or(n.why, refused)
	default:
		n.p.names.set(i, waiting)
		if len(n.waiting) == 0 {
			n.why = refused
		}
		if len(n.waiting) >= mostTold {
			refused = n.why
		}
		n.waiting = append(n.waiting, topless{i, refused})
	}
	n.refused++
}

// decide is about what has no header. Where none can be had for now, or not by the way that the account's mail was named by, no such
// message is fetched; and if all are such, the run ends.
func (n *namer) decide(unnamed []place) error {
	none := n.given == 0 && n.refused > 0
	switch wait := n.before.header || len(n.waiting) > 0; {
	case none && wait && n.all:
		return doing(doingList, n.why)
	case none && wait:
		n.waitAll(unnamed)
	case none:
		n.noTop = n.refused >= mostTopless
	}
	for _, t := range n.waiting {
		if !n.DryRun {
			n.tellFailure(n.missed(n.p, t.index, t.refused)) // and is asked for again
		}
	}
	return n.loadContents(n.p)
}

// waitAll has the messages whose headers are refused for good wait like those whose are for the moment.
func (n *namer) waitAll(unnamed []place) {
	for _, i := range unnamed {
		if n.p.names.of(int(i)) == nameless {
			n.wait(i)
			n.waiting = append(n.waiting, topless{int(i), n.why})
		}
	}
}
