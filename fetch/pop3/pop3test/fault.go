package pop3test

import (
	"bytes"
	"io"
	"math"
	"sync"
	"time"
)

// The places that are no command. All others are commands in upper case: "CAPA", "RETR".
const (
	Greeting  = "greeting"
	Handshake = "handshake" // the octets the server sends in the TLS handshake
	Challenge = "challenge" // each "+ …" of an AUTH
)

// End is an offset behind the last octet of any reply.
const End = math.MaxInt

// Fault is one thing that goes wrong. Its first half says where, its second what. The zero value of a field in the
// first half means: anywhere. Of several faults that fit one reply all act, in the order of their offsets.
type Fault struct {
	On      string // a command, or Greeting, Handshake, Challenge; "" is each reply but these three
	Session int    // only in the n-th connection of the server, from 1
	Msg     int    // only when the command names this message number (RETR 3)
	UID     string // only when the command names the message with this UID
	Batched bool   // only when the command came behind another one in the same segment
	Nth     int    // only the n-th time in a session that all of the above fits, from 1
	Limit   int    // at most so often in all sessions

	// Ignore says that the command is not carried out and that nothing is answered but Text: a PASS that does not
	// log in, a QUIT that does not delete.
	Ignore bool
	// Line changes a listing: it is given each line of the reply to CAPA, LIST or UIDL, with the message number, and
	// returns what is sent instead: "" leaves the line out, several lines are parted by CRLF.
	Line func(n int, line string) string
	// Mangle, Stump and Swap change the message that RETR or TOP sends; its end stays proper.
	Mangle Mangle
	Stump  int    // only so many octets of the message
	Swap   string // the message with this UID instead

	// At is an octet of the reply: so many from its start, or from its end when negative (-3 is before the final
	// dot, -1 between CR and LF); End is behind it. Negative offsets do not work On Handshake.
	// There first Text is sent, in the same segment, then Call is called, and then Do happens.
	At   int
	Text string
	Call func()
	Do   Action
	For  time.Duration // of Stall and Drip
}

// Refuse is the fault that answers on by -ERR and text: "[AUTH] no such user".
func Refuse(on, text string) Fault {
	return Fault{On: on, Ignore: true, Text: "-ERR " + text + "\r\n"}
}

// Action is what happens at an octet of a reply.
type Action int

const (
	Nothing  Action = iota
	FIN             // the connection is closed in order, with TLS's close_notify
	CutTLS          // the same without close_notify
	RST             // the connection is reset; over a net.Pipe it is closed
	HalfOpen        // as FIN, but the server goes on reading, and answers nothing, until the client closes
	Stall           // silence, for the time For or, when that is 0, until the client closes
	Drip            // the rest of the reply comes one octet a time, each after For
	Skip            // the rest of the reply is left out
	Flood           // Text again and again, For between two, without an end
)

var actionNames = [...]string{"nothing", "fin", "cut TLS", "rst", "half-open", "stall", "drip", "skip", "flood"}

func (a Action) String() string { return actionNames[a] }

// Mangle is a set of ways to send a message wrongly.
type Mangle uint

const (
	Unstuffed Mangle = 1 << iota // leading dots are not doubled
	BareLF                       // each CRLF of the message and of its final dot is a LF
	GluedDot                     // no line end before the final dot
	Empty                        // nothing before the final dot
)

// faultSet is a list of faults with their counts over all sessions.
type faultSet struct {
	faults []Fault
	mu     sync.Mutex
	fired  []int
}

func newFaultSet(faults []Fault) *faultSet {
	return &faultSet{faults: faults, fired: make([]int, len(faults))}
}

// moment is a place in the dialogue that a fault may name.
type moment struct {
	on      string
	session int
	msg     int
	uid     string
	batched bool
}

// at gives the faults that act at m. seen counts for one session how often each fault fitted; it belongs to the set.
func (set *faultSet) at(m moment, seen map[int]int) []*Fault {
	var hits []*Fault
	for i := range set.faults {
		f := &set.faults[i]
		if !f.fits(m) {
			continue
		}
		seen[i]++
		if (f.Nth == 0 || f.Nth == seen[i]) && set.fire(i) {
			hits = append(hits, f)
		}
	}
	return hits
}

func (f *Fault) fits(m moment) bool {
	on := f.On == m.on
	if f.On == "" {
		on = m.on != Greeting && m.on != Handshake && m.on != Challenge
	}
	return on &&
		(f.Session == 0 || f.Session == m.session) &&
		(f.Msg == 0 || f.Msg == m.msg) &&
		(f.UID == "" || f.UID == m.uid) &&
		(!f.Batched || m.batched)
}

// fire counts a use of the i-th fault; false means that its limit is reached.
func (set *faultSet) fire(i int) bool {
	set.mu.Lock()
	defer set.mu.Unlock()
	if limit := set.faults[i].Limit; limit != 0 && set.fired[i] >= limit {
		return false
	}
	set.fired[i]++
	return true
}

// changes is what faults do to the content of a reply.
type changes struct {
	line   func(n int, line string) string
	mangle Mangle
	stump  int
	swap   *Message
}

func (s *session) changes(faults []*Fault) changes {
	var c changes
	for _, f := range faults {
		if f.Line != nil {
			c.line = f.Line
		}
		c.mangle |= f.Mangle
		if f.Stump != 0 {
			c.stump = f.Stump
		}
		if f.Swap != "" {
			c.swap = s.byUID(f.Swap)
		}
	}
	return c
}

// pick gives what is sent for m when body would be right.
func (c *changes) pick(m *Message, body io.Reader) io.Reader {
	if c.mangle&Empty != 0 {
		return bytes.NewReader(nil)
	}
	if c.swap != nil {
		m, body = c.swap, c.swap.source()
	}
	if c.mangle&GluedDot != 0 && bytes.HasSuffix(m.Data, crlf) {
		body = io.LimitReader(body, m.Size()-2)
	}
	if c.stump > 0 {
		body = io.LimitReader(body, int64(c.stump))
	}
	return body
}
