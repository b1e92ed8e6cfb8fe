package fetch

import (
	"cmp"
	"time"

	"haulmail/fetch/header"
	"haulmail/fetch/pop3"
	"haulmail/fetch/seen"
)

// What a message's header says is asked for by TOP, ahead of fetching it or in place of that: where only mail that reached the mailbox
// since some day is wanted, where a list is to tell whom mail is from, and where headers are all that is wanted.

// noTopError is a server that cannot give headers, where nothing else is wanted.
type noTopError struct{ refused *pop3.ServerError }

func (e *noTopError) Error() string {
	return "the server has no TOP, by which alone a header can be fetched: " + e.refused.Error()
}

// ask begins to ask for messages, or for their headers alone.
func (s *session) ask(wants []pop3.Want, pipelining bool) *pop3.Retrieval {
	if s.h.a.HeadersOnly {
		return s.client.RetrieveHeaders(wants, pipelining)
	}
	return s.client.Retrieve(wants, pipelining)
}

// lacksTop tells whether the refusal of a message means that headers cannot be had from this server. One that announces TOP, or has
// answered one in this session, means the message.
func (s *session) lacksTop(refused *pop3.ServerError) bool {
	return s.h.a.HeadersOnly && !s.announcesTop() && !s.gaveHeader && !temporary(refused)
}

// announcesTop tells whether the server says that it has TOP (RFC 2449 §6.1).
func (s *session) announcesTop() bool {
	_, announced := s.offered["TOP"]
	return announced
}

// topless is a message whose header was refused, perhaps by a server that has no TOP at all.
type topless struct {
	index   int
	refused *pop3.ServerError
}

// hasTop is called when a TOP was answered: the refusals before meant their messages.
func (w *walk) hasTop(s *session) {
	s.gaveHeader = s.gaveHeader || w.a.HeadersOnly
	for _, t := range w.topless {
		w.failed(w.p, t.index, t.refused)
	}
	w.topless = nil
}

// headers asks for the headers of messages of the listing, ahead or one at a time, and calls take with each, or with the server's refusal.
// Where they are asked for one at a time, what breaks the session is the message's fault: it is noted, and left out of the next session.
func (h *haul) headers(s *session, p *plan, places []place, ahead bool, take func(i int, raw []byte, refused *pop3.ServerError)) error {
	numbers := make([]int, len(places))
	for k, i := range places {
		numbers[k] = p.list.Number(int(i))
	}
	next := 0
	err := s.client.Headers(numbers, ahead, header.MaxBytes, func(raw []byte, refused *pop3.ServerError) {
		next++
		s.gaveHeader = s.gaveHeader || refused == nil
		take(int(places[next-1]), raw, refused)
	})
	switch {
	case err == nil:
		return nil
	case ahead && !isType[*pop3.TooLongError](err):
		return doing(doingList, s.brokenAhead(err))
	case h.DryRun || s.ctx.Err() != nil:
		return doing(doingList, err)
	}
	if !h.ageless {
		h.failed(p, int(places[next]), err)
	}
	return doing(doingList, &brokenSession{err: err, culprit: true})
}

// reached is when a message reached the mailbox: when the last server on its way took it, or else when its author wrote it.
func reached(f header.Facts) time.Time {
	if f.Received.IsZero() {
		return f.Date
	}
	return f.Received
}

// ages finds out how old messages are, as far as a run's share goes.
type ages struct {
	*haul
	s     *session
	p     *plan
	share share

	candidates []place       // to be fetched if they are not too old
	old        []seen.Marked // too old, and not noted yet
	deaf       bool          // the server gives no headers
}

// findAges asks how old the messages are that the run would fetch, if it matters. Those that are too old are noted with their time, so
// that they are not asked for again; and if since reaches further back one day, they are not either. What has failed before comes last.
func (h *haul) findAges(s *session, p *plan) (err error) {
	if p.policy.Since == 0 {
		return nil
	}
	a := &ages{haul: h, s: s, p: p, share: share{policy: p.policy}}
	for i := range p.policy.sequence(p.list.Len()) {
		d := decide(p.message(i), p.policy)
		if d.Action != Get || d.Reason == ReasonRetry || d.Reason == ReasonNoUID {
			continue
		}
		a.candidates = append(a.candidates, place(i))
		if len(a.candidates) == headersAtOnce {
			if err = a.ask(); err != nil || a.share.full || a.deaf {
				break
			}
		}
	}
	if err == nil && !a.deaf && !a.share.full {
		err = a.ask()
	}
	if err == nil && !a.deaf && !a.share.full && !a.ageless && !a.DryRun {
		err = a.askRetried()
	}
	return also(err, a.note())
}

// ask asks how old the candidates are, and sees how much of the run's share is left behind them.
func (a *ages) ask() error {
	candidates := a.candidates
	a.candidates = a.candidates[:0]
	var unknown []place
	for _, i := range candidates {
		if a.p.reached.At(int(i)).IsZero() {
			unknown = append(unknown, i)
		}
	}
	var refused []topless
	err := a.headers(a.s, a.p, unknown, a.s.pipelining, func(i int, raw []byte, no *pop3.ServerError) {
		if no != nil {
			refused = append(refused, topless{i, no})
		} else if at := reached(header.Parse(raw)); !at.IsZero() {
			a.found(i, at)
		}
	})
	if err == nil {
		err = a.refused(refused, len(unknown))
	}
	if err != nil {
		return err
	}
	for _, i := range candidates {
		m := a.p.message(int(i))
		a.share.decide(m, decide(m, a.p.policy))
	}
	if len(a.old) >= agesAtOnce {
		return a.note()
	}
	return nil
}

// refused decides about the messages whose headers the server refused, of so many that it was asked for. What will pass by its own words
// is waited for: by all of the mail if the server gave no header at all, or refuses that many, lest what nobody wants be fetched, and else
// by these messages. Without such words mail is fetched whatever its age.
func (a *ages) refused(refused []topless, asked int) error {
	several := len(refused) == asked && asked > 1 && !a.s.gaveHeader
	for _, t := range refused {
		switch {
		case !temporary(t.refused):
		case several || len(refused) >= mostTopless:
			return doing(doingList, t.refused)
		case !a.DryRun:
			a.failed(a.p, t.index, t.refused)
		}
	}
	if a.deaf = several; a.deaf {
		a.warn("the server gives no headers by TOP: how old its mail is cannot be told, and all of it is fetched")
	}
	return nil
}

// askRetried asks how old the messages are that failed before, one at a time: it may have been for want of their headers. One that ends the
// session is fetched by the next, whatever its age, and so are the others then.
func (a *ages) askRetried() error {
	var places []place
	for i := range a.p.policy.sequence(a.p.list.Len()) {
		m := a.p.message(i)
		if decide(m, a.p.policy).Reason == ReasonRetry && !m.nameless && m.reached.IsZero() {
			places = append(places, place(i))
		}
	}
	known := len(a.old)
	a.ageless = true // should this end the session
	err := a.headers(a.s, a.p, places, false, func(i int, raw []byte, no *pop3.ServerError) {
		if no != nil && temporary(no) {
			a.failed(a.p, i, no)
		} else if at := reached(header.Parse(raw)); !at.IsZero() {
			a.found(i, at)
		}
	})
	a.ageless = err != nil
	var old [][]byte
	for _, m := range a.old[known:] {
		old = append(old, m.UID)
	}
	return also(err, onDisk("record what is too old", a.store.NoteFailures(nil, old)))
}

// found takes note of how old a message is.
func (a *ages) found(i int, at time.Time) {
	a.p.reached.Set(i, at)
	if d := decide(a.p.message(i), a.p.policy); d.Reason == ReasonTooOld {
		a.old = append(a.old, seen.Marked{UID: a.p.name(i), ListSize: a.p.list.Size(i), Time: at})
	}
}

// note writes down which messages are too old. A dry run notes nothing.
func (a *ages) note() error {
	old := a.old
	a.old = nil
	if a.DryRun {
		return nil
	}
	return onDisk("record what is too old", a.store.AddMarks(seen.Dated, old, a.p.matched))
}

// tellPlan tells what is decided about each message, and what its header says if that was asked for.
func (h *haul) tellPlan(s *session, p *plan) error {
	t := &teller{haul: h, s: s, p: p}
	n := 0
	choose(p.list.Len(), p.message, p.policy, func(i int, m message, d Decision) {
		if n++; n <= h.shown || t.err != nil {
			return // an earlier session of the run has told it, or this one has broken
		}
		t.rows = append(t.rows, Chosen{
			Account: h.a.Name, Number: p.list.Number(i), UID: p.list.UID(i), Size: m.size,
			Action: d.Action, Reason: d.Reason, Text: reasonText(d, m, p.policy), Fetched: m.fetched, Reached: m.reached,
		})
		t.places = append(t.places, place(i))
		if len(t.rows) == headersAtOnce {
			t.tell()
		}
	})
	if t.err == nil {
		t.tell()
	}
	return t.err
}

// teller tells of messages some hundred at a time.
type teller struct {
	*haul
	s      *session
	p      *plan
	rows   []Chosen
	places []place // of the rows
	err    error   // what broke the session
}

// tell tells what is gathered.
func (t *teller) tell() {
	if t.Headers {
		t.err = t.ask()
	}
	if t.err == nil {
		t.err = t.turn.mayTell(t.s.ctx)
	}
	if t.err == nil {
		for _, row := range t.rows {
			t.haul.tell(row)
		}
		t.shown += len(t.rows)
	}
	t.rows, t.places = t.rows[:0], t.places[:0]
}

// ask asks for the headers of what is gathered, but for messages that are left for the next run: who bounds a run wants to see what is in
// it, and a maildrop may hold a hundred thousand others.
func (t *teller) ask() error {
	var places []place
	var rows []*Chosen
	for k := range t.rows {
		if t.rows[k].Reason != ReasonNextRun {
			places = append(places, t.places[k])
			rows = append(rows, &t.rows[k])
		}
	}
	return t.headers(t.s, t.p, places, t.s.pipelining, func(_ int, raw []byte, _ *pop3.ServerError) {
		rows[0].Header = header.Parse(raw)
		rows[0].Reached = cmp.Or(rows[0].Reached, reached(rows[0].Header))
		rows = rows[1:]
	})
}
