package pop3

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Listing is what the maildrop holds: UIDL and LIST merged by message number, ascending. Its UIDs lie in one arena, so that a
// maildrop of a million messages costs one allocation and not a million.
type Listing struct {
	// Count and Octets are STAT's words, or -1. They are advisory: nothing may depend on them.
	Count, Octets int64
	// NoUIDL is the server's refusal of UIDL, or nil.
	NoUIDL *ServerError

	entries []entry
	arena   []byte
}

type entry struct {
	size   int64 // LIST's, or -1
	at     uint32
	number uint32
	length uint16
	hasUID bool
}

// Len is the number of messages.
func (l *Listing) Len() int { return len(l.entries) }

// Number is the message number of the i-th message in this session.
func (l *Listing) Number(i int) int { return int(l.entries[i].number) }

// Size is LIST's size of the i-th message in octets, or -1 where LIST did not tell. It is advisory.
func (l *Listing) Size(i int) int64 { return l.entries[i].size }

// UID is the unique id of the i-th message (RFC 1939 §7): octets of any value but CR and LF. Nil where UIDL did not tell one. It
// must not be written to.
func (l *Listing) UID(i int) []byte {
	e := l.entries[i]
	if !e.hasUID {
		return nil
	}
	return l.arena[e.at : e.at+uint32(e.length) : e.at+uint32(e.length)]
}

// List asks STAT, UIDL and LIST; in one write if the server takes commands ahead. A refused UIDL is told in the Listing, a refused
// STAT is nothing, a refused LIST leaves the sizes unknown.
func (c *Client) List(pipelining bool) (*Listing, error) {
	l := &Listing{Count: -1, Octets: -1}
	asks := []struct {
		command string
		read    func(text string) error
	}{
		{"STAT", l.takeStat},
		{"UIDL", func(string) error { return c.lines(l.takeUID) }},
		{"LIST", func(string) error { return c.lines(l.sizes()) }},
	}
	if pipelining {
		c.expect("STAT")
		if err := c.write([]byte("STAT\r\nUIDL\r\nLIST\r\n")); err != nil {
			return nil, err
		}
	}
	for _, ask := range asks {
		if !pipelining {
			c.expect(ask.command)
			if err := c.write([]byte(ask.command + "\r\n")); err != nil {
				return nil, err
			}
		}
		c.trace(true, ask.command)
		c.expect(ask.command)
		// Some servers put a bare "+" ahead of a listing.
		text, err := c.statusLike("+OK", "+")
		if refused, ok := errors.AsType[*ServerError](err); ok {
			if ask.command == "UIDL" {
				l.NoUIDL = refused
			}
			continue
		}
		if err == nil {
			err = ask.read(text)
		}
		if err != nil {
			return nil, err
		}
	}
	return l, l.order()
}

// takeStat reads "+OK 2 320"; anything else is ignored.
func (l *Listing) takeStat(text string) error {
	words := strings.Fields(text)
	if len(words) < 2 {
		return nil
	}
	count, err1 := strconv.ParseInt(words[0], 10, 64)
	octets, err2 := strconv.ParseInt(words[1], 10, 64)
	if err1 == nil && err2 == nil && count >= 0 && octets >= 0 {
		l.Count, l.Octets = count, octets
		l.entries = make([]entry, 0, min(count, mostForeseen))
	}
	return nil
}

// takeUID reads "1 whqtswO00WBw418f9t5JxYwZ". The UID is all that follows the blanks after the number: servers have put blanks
// into UIDs, and "x 1" and "x 2" must not be taken for one.
func (l *Listing) takeUID(line []byte) error {
	number, rest, err := messageNumber(line)
	if err != nil {
		return err
	}
	if len(l.arena)+len(rest) > maxListing {
		return &ProtocolError{Doing: "UIDL", Why: fmt.Sprintf("more than %d octets of UIDs", maxListing)}
	}
	e := entry{size: -1, number: number, at: uint32(len(l.arena)), length: uint16(len(rest)), hasUID: len(rest) > 0}
	l.arena = append(l.arena, rest...)
	return l.add("UIDL", e)
}

// sizes gives the reader of LIST's lines, "1 120". Both listings come in the same order from nearly every server, so the entry looked
// for is nearly always the one after the last.
func (l *Listing) sizes() func(line []byte) error {
	uids := len(l.entries)
	index := map[uint32]int(nil)
	next := 0
	return func(line []byte) error {
		number, rest, err := messageNumber(line)
		if err != nil {
			return err
		}
		size := listSize(rest)
		if next < uids && l.entries[next].number == number {
			l.entries[next].size = size
			next++
			return nil
		}
		if index == nil {
			index = make(map[uint32]int, uids)
			for i, e := range l.entries[:uids] {
				index[e.number] = i
			}
		}
		if i, ok := index[number]; ok {
			l.entries[i].size = size
			next = i + 1
			return nil
		}
		return l.add("LIST", entry{size: size, number: number})
	}
}

// add takes one more message. That its number is new is seen to by order; here only an endless line of one number ends early.
func (l *Listing) add(doing string, e entry) error {
	if len(l.entries) >= maxMessages {
		return &ProtocolError{Doing: doing, Why: fmt.Sprintf("more than %d messages", maxMessages)}
	}
	if n := len(l.entries); n > 0 && l.entries[n-1].number == e.number {
		return listedTwice(doing, e.number)
	}
	l.entries = append(l.entries, e)
	return nil
}

func listedTwice(doing string, number uint32) error {
	return &ProtocolError{Doing: doing, Why: fmt.Sprintf("message number %d is listed twice", number)}
}

// order sorts by number, and refuses a number that stands for two messages: whatever were asked for by it could be either.
func (l *Listing) order() error {
	byNumber := func(a, b entry) int { return cmp.Compare(a.number, b.number) }
	if !slices.IsSortedFunc(l.entries, byNumber) {
		slices.SortStableFunc(l.entries, byNumber)
	}
	for i := 1; i < len(l.entries); i++ {
		if l.entries[i].number == l.entries[i-1].number {
			return listedTwice("UIDL", l.entries[i].number)
		}
	}
	return nil
}

// messageNumber reads the number in front of a listing's line, and gives what follows the blanks behind it.
func messageNumber(line []byte) (number uint32, rest []byte, err error) {
	text := bytes.TrimLeft(line, " \t")
	digits := 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		digits++
	}
	n, err := strconv.ParseUint(string(text[:digits]), 10, 32)
	follows := digits == len(text) || text[digits] == ' ' || text[digits] == '\t'
	if err != nil || !follows || n == 0 || n > maxMessages {
		return 0, nil, oddLine("no message number")
	}
	return uint32(n), bytes.TrimLeft(text[digits:], " \t"), nil
}

// listSize reads the octets of a LIST line, -1 for anything that is no size; servers may add words behind them.
func listSize(rest []byte) int64 {
	if end := bytes.IndexAny(rest, " \t"); end >= 0 {
		rest = rest[:end]
	}
	size, err := strconv.ParseInt(string(rest), 10, 64)
	if err != nil || size < 0 {
		return -1
	}
	return size
}
