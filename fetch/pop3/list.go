package pop3

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Listing is what the maildrop holds: UIDL and LIST merged by message number, ascending. It lies in blocks, and all but the
// first stay where they are: a maildrop of a million messages costs some hundred allocations, and no copies of itself while it grows.
type Listing struct {
	// Count and Octets are STAT's words, or -1. They are advisory: no message is fetched or deleted by them.
	Count, Octets int64
	// NoUIDL is the server's refusal of UIDL, or nil.
	NoUIDL *ServerError

	entries    [][]entry // all blocks but the last are full
	disordered bool      // they are not in the order of their numbers
	uids       [][]byte  // each UID behind its length, none over the end of a block
	named      int       // messages that have a UID
	octets     int64     // what entries and UIDs take together
}

const (
	entryBlock = 1 << 14 // entries
	uidBlock   = 1 << 18 // octets, many times a UID
	uidPrefix  = 2       // octets of a UID's length, at most
)

// Len is the number of messages.
func (l *Listing) Len() int {
	last := len(l.entries) - 1
	if last < 0 {
		return 0
	}
	return last*entryBlock + len(l.entries[last])
}

// Named is the number of messages that have a UID of at least one octet.
func (l *Listing) Named() int { return l.named }

// Number is the message number of the i-th message in this session.
func (l *Listing) Number(i int) int { return int(l.at(i).number()) }

// Size is LIST's size of the i-th message in octets, or -1 where LIST did not tell. It is advisory; one beyond a tebioctet
// is told as about that.
func (l *Listing) Size(i int) int64 { return l.at(i).size() }

// UID is the unique id of the i-th message (RFC 1939 §7): octets of any value but CR and LF. It has no octets where UIDL told the number
// alone, and is nil where UIDL did not list the message. It must not be written to.
func (l *Listing) UID(i int) []byte {
	place := l.at(i).uid
	switch place {
	case noUID:
		return nil
	case emptyUID:
		return []byte{}
	}
	text := l.uids[place/uidBlock][place%uidBlock:]
	length, from := binary.Uvarint(text)
	end := from + int(length)
	return text[from:end:end]
}

func (l *Listing) at(i int) *entry { return &l.entries[i/entryBlock][i%entryBlock] }

// List asks STAT, UIDL and LIST; in one write if the server takes commands ahead. A refused UIDL is told in the Listing, a refused
// STAT is nothing, a refused LIST leaves the sizes unknown.
func (c *Client) List(pipelining bool) (*Listing, error) {
	return c.list(pipelining, "STAT", "UIDL", "LIST")
}

// ListUIDs asks as List does, but not LIST: all sizes are unknown. ListSizes goes on from there.
func (c *Client) ListUIDs(pipelining bool) (*Listing, error) {
	return c.list(pipelining, "STAT", "UIDL")
}

// ListSizes asks LIST for what ListUIDs has listed. Messages that UIDL did not list are added, so that others may have another index then.
func (c *Client) ListSizes(l *Listing) error { return c.ask(l, false, "LIST") }

func (c *Client) list(pipelining bool, commands ...string) (*Listing, error) {
	l := &Listing{Count: -1, Octets: -1}
	if err := c.ask(l, pipelining, commands...); err != nil {
		return nil, err
	}
	return l, nil
}

// ask sends commands and has the listing take the answers.
func (c *Client) ask(l *Listing, ahead bool, commands ...string) error {
	if ahead {
		c.expect(commands[0])
		if err := c.write([]byte(strings.Join(commands, "\r\n") + "\r\n")); err != nil {
			return err
		}
	}
	for _, command := range commands {
		if !ahead {
			c.expect(command)
			if err := c.write([]byte(command + "\r\n")); err != nil {
				return err
			}
		}
		c.trace(true, command)
		c.expect(command)
		if err := c.take(l, command); err != nil {
			return err
		}
	}
	return nil
}

// take reads the answer to one command.
func (c *Client) take(l *Listing, command string) error {
	text, err := c.statusLike("+OK", "+") // some servers put a bare "+" ahead of a listing
	refused, isRefused := errors.AsType[*ServerError](err)
	switch {
	case isRefused && command == "UIDL":
		l.NoUIDL = refused
		return nil
	case isRefused:
		return nil
	case err != nil:
		return err
	}
	switch command {
	case "STAT":
		l.takeStat(text)
		return nil
	case "UIDL":
		err = c.lines(l.takeUID)
	case "LIST":
		err = c.lines(l.sizes())
	}
	if err != nil {
		return err
	}
	return l.order(command)
}

// takeStat reads "+OK 2 320"; anything else is ignored.
func (l *Listing) takeStat(text []byte) {
	words := strings.Fields(string(text))
	if len(words) < 2 {
		return
	}
	count, err1 := strconv.ParseInt(words[0], 10, 64)
	octets, err2 := strconv.ParseInt(words[1], 10, 64)
	if err1 == nil && err2 == nil && count >= 0 && octets >= 0 {
		l.Count, l.Octets = count, octets
	}
}

// takeUID reads "1 whqtswO00WBw418f9t5JxYwZ". The UID is all that follows the blanks after the number: servers have put blanks
// into UIDs, and "x 1" and "x 2" must not be taken for one.
func (l *Listing) takeUID(line []byte) error {
	number, uid, err := messageNumber(line)
	if err != nil {
		return err
	}
	if err := l.room("UIDL", number, len(uid)); err != nil {
		return err
	}
	place := uint32(emptyUID)
	if len(uid) > 0 {
		place = l.keep(uid)
		l.named++
	}
	l.add(newEntry(number, -1, place))
	return nil
}

// keep stores a UID and gives its place.
func (l *Listing) keep(uid []byte) uint32 {
	last := len(l.uids) - 1
	if last < 0 || len(l.uids[last])+uidPrefix+len(uid) > uidBlock {
		l.uids = append(l.uids, make([]byte, 0, min(uidBlock, l.octets)))
		last++
	}
	at := len(l.uids[last])
	block := binary.AppendUvarint(l.uids[last], uint64(len(uid)))
	l.uids[last] = append(block, uid...)
	l.octets += int64(len(l.uids[last]) - at)
	return uint32(last*uidBlock + at)
}

// sizes gives the reader of LIST's lines, "1 120". Both listings come in the same order from nearly every server, so the entry looked
// for is nearly always the one after the last.
func (l *Listing) sizes() func(line []byte) error {
	known := l.Len() // in order; what UIDL did not list comes behind
	next := 0
	return func(line []byte) error {
		number, rest, err := messageNumber(line)
		if err != nil {
			return err
		}
		size := listSize(rest)
		if next >= known || l.at(next).number() != number {
			next = sort.Search(known, func(i int) bool { return l.at(i).number() >= number })
		}
		if next < known && l.at(next).number() == number {
			l.at(next).setSize(size)
			next++
			return nil
		}
		if err := l.room("LIST", number, 0); err != nil {
			return err
		}
		l.add(newEntry(number, size, noUID))
		return nil
	}
}

// room is an error if the listing may not take one more message. That its number is new is seen to by order; here only an endless
// line of one number ends early.
func (l *Listing) room(doing string, number uint32, uid int) error {
	n := l.Len()
	if n >= maxMessages {
		return &ProtocolError{Doing: doing, Why: fmt.Sprintf("more than %d messages", maxMessages)}
	}
	if n > 0 && l.at(n-1).number() == number {
		return listedTwice(doing, number)
	}
	if octets := l.octets + entrySize + int64(uidPrefix+uid); octets+int64(n+1)*planPerMessage > l.most(n+1) {
		why := fmt.Sprintf("the listing does not end: %d messages so far, and STAT told of %d", n, max(l.Count, 0))
		if int64(n) < l.Count && l.Count <= maxMessages {
			why = fmt.Sprintf("the listing is too long: %d octets for %d messages so far", octets, n)
		}
		return &ProtocolError{Doing: doing, Why: why}
	}
	return nil
}

// most is what n messages of the listing may take, in octets. A STAT beyond belief counts for nothing.
func (l *Listing) most(n int) int64 {
	if l.Count > maxMessages {
		return unforeseenListing
	}
	return max(unforeseenListing, min(l.Count, int64(n))*listingPerMessage)
}

func (l *Listing) add(e entry) {
	if n := l.Len(); n > 0 && l.at(n-1).number() > e.number() {
		l.disordered = true
	}
	last := len(l.entries) - 1
	if last < 0 || len(l.entries[last]) == entryBlock {
		l.entries = append(l.entries, make([]entry, 0, min(entryBlock, l.Len())))
		last++
	}
	l.entries[last] = append(l.entries[last], e)
	l.octets += entrySize
}

func listedTwice(doing string, number uint32) error {
	return &ProtocolError{Doing: doing, Why: fmt.Sprintf("message number %d is listed twice", number)}
}

// order sorts by number, and refuses a number that stands for two messages: whatever were asked for by it could be either.
func (l *Listing) order(doing string) error {
	if !l.disordered {
		return nil
	}
	sort.Sort(byNumber{l})
	l.disordered = false
	for i := 1; i < l.Len(); i++ {
		if l.Number(i) == l.Number(i-1) {
			return listedTwice(doing, uint32(l.Number(i)))
		}
	}
	return nil
}

// byNumber is a sort.Interface.
type byNumber struct{ *Listing }

func (l byNumber) Less(i, j int) bool { return l.at(i).number() < l.at(j).number() }
func (l byNumber) Swap(i, j int)      { a, b := l.at(i), l.at(j); *a, *b = *b, *a }

// messageNumber reads the number in front of a listing's line, and gives what follows the blanks behind it.
func messageNumber(line []byte) (number uint32, rest []byte, err error) {
	word, rest := firstWord(line)
	for _, digit := range word {
		if digit < '0' || digit > '9' || number > maxMessages {
			return 0, nil, oddLine("no message number")
		}
		number = 10*number + uint32(digit-'0')
	}
	if number == 0 || number > maxMessages {
		return 0, nil, oddLine("no message number")
	}
	return number, rest, nil
}

// listSize reads the octets of a LIST line, -1 for anything that is no size; servers may add words behind them.
func listSize(rest []byte) int64 {
	word, _ := firstWord(rest)
	size, err := strconv.ParseInt(string(word), 10, 64)
	if err != nil || size < 0 {
		return -1
	}
	return size
}

// firstWord splits a line behind its first word, without the blanks around that. A listing has two million lines at most, so each
// octet is looked at once.
func firstWord(line []byte) (word, rest []byte) {
	from := countBlanks(line)
	to := from
	for to < len(line) && !isBlank(line[to]) {
		to++
	}
	return line[from:to], line[to+countBlanks(line[to:]):]
}

func countBlanks(text []byte) (n int) {
	for n < len(text) && isBlank(text[n]) {
		n++
	}
	return n
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }
