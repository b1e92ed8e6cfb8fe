package pop3

import (
	"fmt"
	"math"
	"net"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listings are the answers to STAT, UIDL and LIST, lines parted by \n here, and what they come to: "number UID size" for each
// message, or an error.
var listings = []struct {
	name, stat, uidl, list string
	want                   string
	count                  int64 // STAT's
}{
	{"RFC 1939 §7", "+OK 2 320", "+OK\n1 whqtswO00WBw418f9t5JxYwZ\n2 QhdPYR:00WBw1Ph7x7\n.", "+OK 2 messages (320 octets)\n1 120\n2 200\n.", "1 whqtswO00WBw418f9t5JxYwZ 120\n2 QhdPYR:00WBw1Ph7x7 200", 2},
	{"empty", "+OK 0 0", "+OK\n.", "+OK\n.", "", 0},
	{"STAT refused", "-ERR", "+OK\n1 a\n.", "+OK\n1 120\n.", "1 a 120", -1},
	{"STAT odd", "+OK you have mail", "+OK\n1 a\n.", "+OK\n1 120\n.", "1 a 120", -1},
	{"STAT bare", "+OK", "+OK\n1 a\n.", "+OK\n1 120\n.", "1 a 120", -1},
	{"STAT negative", "+OK -1 -5", "+OK\n1 a\n.", "+OK\n1 120\n.", "1 a 120", -1},
	{"STAT too small", "+OK 1 1", "+OK\n1 a\n2 b\n.", "+OK\n1 120\n2 200\n.", "1 a 120\n2 b 200", 1},
	{"STAT too large", "+OK 2147483647 1", "+OK\n1 a\n.", "+OK\n1 120\n.", "1 a 120", 2147483647},
	{"STAT of no machine", "+OK 99999999999999999999 1", "+OK\n1 a\n.", "+OK\n1 120\n.", "1 a 120", -1},
	{"UIDL refused", "+OK 1 1", "-ERR [SYS/PERM] what?", "+OK\n1 120\n2 200\n.", "1 - 120\n2 - 200", 1},
	{"LIST refused", "+OK 1 1", "+OK\n1 a\n2 b\n.", "-ERR no", "1 a -1\n2 b -1", 1},
	{"both refused", "+OK 1 1", "-ERR", "-ERR", "", 1},
	{"bare +", "+OK 1 1", "+\n1 a\n.", "+\n1 120\n.", "1 a 120", 1},
	{"+ for STAT", "+ 2 320", "+OK\n.", "+OK\n.", "", 2},
	{"+ and words", "+OK 1 1", "+ here\n1 a\n.", "+ here\n1 120\n.", "1 a 120", 1},
	{"words behind sizes", "+OK 1 1 octets", "+OK\n1 a\n2 b\n.", "+OK\n1 120 octets\n2 200\tbytes or so\n.", "1 a 120\n2 b 200", 1},
	{"blanks in UIDs", "+OK 2 1", "+OK\n1 x 1\n2 x 2\n3 x\t3 \n.", "+OK\n.", "1 x 1 -1\n2 x 2 -1\n3 x\t3  -1", 2},
	{"blanks before UIDs", "+OK 2 1", "+OK\n1  a\n2\tb\n 3 \t c\n.", "+OK\n 1 120\n2  200\n3\t300\n.", "1 a 120\n2 b 200\n3 c 300", 2},
	{"UIDs of any octets", "+OK", "+OK\n1 ../../x\n2 \xff\x80\x01\x1b[2J\n3 #@/.\n.", "+OK\n.", "1 ../../x -1\n2 \xff\x80\x01\x1b[2J -1\n3 #@/. -1", -1},
	{"UIDs like numbers", "+OK", "+OK\n1 1\n2 2 3\n3 .\n.", "+OK\n.", "1 1 -1\n2 2 3 -1\n3 . -1", -1},
	{"no UID", "+OK", "+OK\n1\n2 \n3 c\n.", "+OK\n1 10\n2 20\n3 30\n.", "1  10\n2  20\n3 c 30", -1},
	{"equal UIDs", "+OK", "+OK\n1 a\n2 a\n.", "+OK\n1 10\n2 20\n.", "1 a 10\n2 a 20", -1},
	{"long UID", "+OK", "+OK\n1 " + strings.Repeat("u", 500) + "\n.", "+OK\n1 10\n.", "1 " + strings.Repeat("u", 500) + " 10", -1},
	{"UIDL out of order", "+OK", "+OK\n3 c\n1 a\n2 b\n.", "+OK\n1 10\n2 20\n3 30\n.", "1 a 10\n2 b 20\n3 c 30", -1},
	{"LIST out of order", "+OK", "+OK\n1 a\n2 b\n3 c\n.", "+OK\n3 30\n2 20\n1 10\n.", "1 a 10\n2 b 20\n3 c 30", -1},
	{"LIST lacks lines", "+OK", "+OK\n1 a\n2 b\n3 c\n4 d\n.", "+OK\n2 20\n4 40\n.", "1 a -1\n2 b 20\n3 c -1\n4 d 40", -1},
	{"UIDL lacks lines", "+OK", "+OK\n2 b\n4 d\n.", "+OK\n1 10\n2 20\n3 30\n4 40\n.", "1 - 10\n2 b 20\n3 - 30\n4 d 40", -1},
	{"holes", "+OK", "+OK\n7 g\n900 i\n.", "+OK\n7 70\n900 90\n.", "7 g 70\n900 i 90", -1},
	{"zero size", "+OK", "+OK\n1 a\n.", "+OK\n1 0\n.", "1 a 0", -1},
	{"large size", "+OK", "+OK\n1 a\n.", "+OK\n1 9223372036854775807\n.", "1 a 1099511627774", -1},
	{"last number", "+OK", "+OK\n2097152 a\n.", "+OK\n.", "2097152 a -1", -1},
	{"both out of order and lacking", "+OK", "+OK\n9 i\n2 b\n5 e\n.", "+OK\n5 50\n1 10\n9 90\n3 30\n.", "1 - 10\n2 b -1\n3 - 30\n5 e 50\n9 i 90", -1},

	{"doubled in UIDL", "+OK", "+OK\n1 a\n2 b\n1 c\n.", "+OK\n.", "error", 0},
	{"doubled in LIST among others", "+OK", "+OK\n2 b\n.", "+OK\n1 10\n2 20\n3 30\n1 11\n.", "error", 0},
	{"doubled in LIST alone", "+OK", "-ERR", "+OK\n1 10\n1 20\n.", "error", 0},
	{"number 0", "+OK", "+OK\n0 a\n.", "+OK\n.", "error", 0},
	{"number -1", "+OK", "+OK\n-1 a\n.", "+OK\n.", "error", 0},
	{"number +1", "+OK", "+OK\n+1 a\n.", "+OK\n.", "error", 0},
	{"number 4000000000", "+OK", "+OK\n4000000000 a\n.", "+OK\n.", "error", 0},
	{"number of no machine", "+OK", "+OK\n99999999999999999999 a\n.", "+OK\n.", "error", 0},
	{"beyond the last number", "+OK", "+OK\n2097153 a\n.", "+OK\n.", "error", 0},
	{"no number", "+OK", "+OK\nabc\n.", "+OK\n.", "error", 0},
	{"number and letters", "+OK", "+OK\n1a b\n.", "+OK\n.", "error", 0},
	{"empty line", "+OK", "+OK\n\n.", "+OK\n.", "error", 0},
	{"LIST number 0", "+OK", "+OK\n1 a\n.", "+OK\n0 10\n.", "error", 0},
	{"size negative", "+OK", "+OK\n1 a\n.", "+OK\n1 -10\n.", "1 a -1", -1},
	{"no size", "+OK", "+OK\n1 a\n.", "+OK\n1\n.", "1 a -1", -1},
	{"size of no machine", "+OK", "+OK\n1 a\n.", "+OK\n1 99999999999999999999\n.", "1 a -1", -1},
	{"UID too long", "+OK", "+OK\n1 " + strings.Repeat("u", maxListLine) + "\n.", "+OK\n.", "error", 0},
	{"no status line", "+OK", "1 a\n.", "+OK\n.", "error", 0},
	{"STAT no status line", "2 320", "+OK\n.", "+OK\n.", "error", 0},
}

func TestList(t *testing.T) {
	for _, test := range listings {
		for _, pipelining := range []bool{true, false} {
			t.Run(fmt.Sprint(test.name, pipelining), func(t *testing.T) {
				// Octet by octet: the answers to commands not yet sent are waiting otherwise.
				c := answers(strings.ReplaceAll(test.stat+"\n"+test.uidl+"\n"+test.list+"\n", "\n", "\r\n"), 1)
				l, err := c.List(pipelining)
				if test.want == "error" {
					as[*ProtocolError](t, err)
					return
				}
				ok(t, err)
				var got []string
				for i := range l.Len() {
					uid := string(l.UID(i))
					if l.UID(i) == nil {
						uid = "-"
					}
					got = append(got, fmt.Sprint(l.Number(i), " ", uid, " ", l.Size(i)))
				}
				if strings.Join(got, "\n") != test.want || l.Count != test.count {
					t.Errorf("got %q, count %d\nwant %q, count %d", got, l.Count, test.want, test.count)
				}
				if refused := strings.HasPrefix(test.uidl, "-ERR"); refused != (l.NoUIDL != nil) {
					t.Errorf("NoUIDL is %v", l.NoUIDL)
				}
			})
		}
	}
}

func TestListInOneWrite(t *testing.T) {
	play(t, `
		C: STAT
		C: UIDL
		C: LIST
		S: +OK 1 120
		S: +OK unique-id listing follows
		S: 1 whqtswO00WBw418f9t5JxYwZ
		S: .
		S: +OK 1 messages (120 octets)
		S: 1 120
		S: .
		C: QUIT
		S: +OK
	`, func(t *testing.T, c *Client) {
		said := wire(c)
		_, err := c.List(true)
		ok(t, err)
		if strings.Contains(said.String(), "whqt") || !strings.HasPrefix(said.String(), "C: STAT\nS: +OK 1 120\nC: UIDL\n") {
			t.Errorf("the dialogue says\n%s", said)
		}
		ok(t, c.Quit())
	})
}

func TestListOneByOne(t *testing.T) {
	play(t, `
		C: STAT
		S: -ERR
		C: UIDL
		S: -ERR
		C: LIST
		S: +OK
		S: .
	`, func(t *testing.T, c *Client) {
		_, err := c.List(false)
		ok(t, err)
	})
}

func TestSizesLater(t *testing.T) {
	play(t, `
		C: STAT
		C: UIDL
		S: +OK 2 320
		S: +OK
		S: 1 a
		S: 3 c
		S: .
		C: LIST
		S: +OK
		S: 3 300
		S: 2 200
		S: 1 100
		S: .
	`, func(t *testing.T, c *Client) {
		l, err := c.ListUIDs(true)
		ok(t, err)
		if l.Len() != 2 || l.Size(0) != -1 || l.Size(1) != -1 || l.Octets != 320 {
			t.Errorf("without sizes: %+v", l)
		}
		ok(t, c.ListSizes(l))
		for i := range 3 {
			if l.Number(i) != i+1 || l.Size(i) != int64(i+1)*100 {
				t.Errorf("message %d has the number %d and the size %d", i, l.Number(i), l.Size(i))
			}
		}
	})
}

func TestSizesLaterRefused(t *testing.T) {
	c := answers("+OK\r\n+OK\r\n1 a\r\n.\r\n-ERR no\r\n", 1)
	l, err := c.ListUIDs(false)
	ok(t, err)
	ok(t, c.ListSizes(l))
	if l.Len() != 1 || l.Size(0) != -1 {
		t.Errorf("%+v", l)
	}
}

// What is listed comes out as it was, up to a size that nobody can mean.
func TestEntry(t *testing.T) {
	for _, number := range []uint32{1, 255, 1 << 16, maxMessages} {
		for _, size := range []int64{-1, 0, 1, 1<<32 - 1, 1 << 32, 64 << 30, 1<<40 - 2, 1<<40 - 1, 1 << 40, math.MaxInt64} {
			want := min(size, 1<<40-2)
			e := newEntry(number, 7, 42)
			e.setSize(size)
			if e.number() != number || e.size() != want || e.uid != 42 {
				t.Errorf("number %d, size %d became %d, %d, UID at %d", number, size, e.number(), e.size(), e.uid)
			}
		}
	}
}

// A UID is the caller's to keep, but not to run over into the next one's.
func TestUIDsDoNotOverlap(t *testing.T) {
	l, err := answers("+OK\r\n+OK\r\n1 aa\r\n2 bb\r\n.\r\n+OK\r\n.\r\n", 1).List(true)
	ok(t, err)
	_ = append(l.UID(0), "xx"...)
	if got := string(l.UID(1)); got != "bb" {
		t.Errorf("the second UID became %q", got)
	}
}

// endless gives the lines of a listing from a message number on, without an end.
type endless struct {
	first, step int
	uid         string
	line        []byte
	buf         [1000]byte
	net.Conn
}

// listed appends "7 7", which is a line of UIDL as well as of LIST.
func listed(line []byte, n int) []byte {
	return strconv.AppendInt(append(strconv.AppendInt(line, int64(n), 10), ' '), int64(n), 10)
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(e.line) == 0 {
			e.line = append(append(listed(e.buf[:0], e.first), e.uid...), "\r\n"...)
			e.first += e.step
		}
		took := copy(p[n:], e.line)
		e.line = e.line[took:]
		n += took
	}
	return n, nil
}

func (e *endless) SetReadDeadline(time.Time) error { return nil }

// A listing that does not end fails at its bound, and long before the memory does.
func TestEndlessListing(t *testing.T) {
	long := strings.Repeat("u", 500)
	for _, row := range []struct {
		name  string
		count int64 // STAT's
		lines *endless
		sizes bool // LIST, not UIDL
		says  string
		most  int64 // octets
	}{
		{"UIDs", 12, &endless{first: 1, step: 1, uid: long}, false, "does not end", unforeseenListing},
		{"UIDs, no STAT", -1, &endless{first: 1, step: 1, uid: long}, false, "STAT told of 0", unforeseenListing},
		{"UIDs, STAT too large", 1 << 31, &endless{first: 1, step: 1, uid: long}, false, "does not end", unforeseenListing},
		{"UIDs, STAT far too large", math.MaxInt64, &endless{first: 1, step: 1, uid: long}, false, "does not end", unforeseenListing},
		{"UIDs, STAT of many", 200_000, &endless{first: 1, step: 1, uid: long}, false, "too long", unforeseenListing},
		{"short UIDs", 12, &endless{first: 1, step: 1}, false, "does not end", unforeseenListing},
		{"UIDs backwards", 12, &endless{first: maxMessages, step: -1, uid: long}, false, "does not end", unforeseenListing},
		{"numbers", maxMessages, &endless{first: maxMessages - 100, step: 1}, false, "no message number", 6000},
		{"one message in UIDL", 12, &endless{first: 1, uid: long}, false, "listed twice", 2000},
		{"sizes", 12, &endless{first: 1, step: 1}, true, "does not end", unforeseenListing},
		{"sizes of one message", 12, &endless{first: 1}, true, "lines", 2000},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := New(row.lines, Options{Timeout: patience})
			l := &Listing{Count: row.count}
			take := l.takeUID
			if row.sizes {
				ok(t, l.takeUID([]byte("1 u")))
				take = l.sizes()
			}
			if e := as[*ProtocolError](t, c.lines(take)); !strings.Contains(e.Why, row.says) {
				t.Errorf("got %q, want %q in it", e.Why, row.says)
			}
			if took := l.octets + int64(l.Len())*planPerMessage; took > row.most {
				t.Errorf("it took %d octets, want %d at most", took, row.most)
			}
		})
	}
}

func TestMoreMessagesThanAnyMaildrop(t *testing.T) {
	l := &Listing{Count: maxMessages}
	for block := make([]entry, entryBlock); l.Len() < maxMessages; {
		l.entries = append(l.entries, block)
	}
	if e := as[*ProtocolError](t, l.takeUID([]byte("1 a"))); !strings.HasSuffix(e.Why, " messages") {
		t.Errorf("got %v", e)
	}
}

// What a listing takes for itself is what it counts; an honest maildrop of a million messages fits, for each one 12 octets and its UID.
func TestMillionMessages(t *testing.T) {
	if size := reflect.TypeFor[entry]().Size(); size != entrySize {
		t.Errorf("an entry takes %d octets", size)
	}
	const n = 1_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l := &Listing{Count: n}
	uid := strings.Repeat("u", 63) // with the number RFC 1939 §7's 70
	line := make([]byte, 0, 80)
	for i := 1; i <= n; i++ {
		if err := l.takeUID(append(listed(line, i), uid...)); err != nil {
			t.Fatal(err)
		}
	}
	sizes := l.sizes()
	for i := 1; i <= n; i++ {
		if err := sizes(listed(line, i)); err != nil {
			t.Fatal(err)
		}
	}
	ok(t, l.order("LIST"))
	runtime.GC()
	runtime.ReadMemStats(&after)
	for _, i := range []int{0, 1, entryBlock - 1, entryBlock, n / 2, n - 1} {
		if l.Number(i) != i+1 || l.Size(i) != int64(i+1) || string(l.UID(i)) != fmt.Sprint(i+1, uid) {
			t.Errorf("message %d is number %d, UID %q, size %d", i, l.Number(i), l.UID(i), l.Size(i))
		}
	}
	if took := int64(after.HeapAlloc - before.HeapAlloc); took > l.octets+l.octets/50 || l.octets > 84*n {
		t.Errorf("%d messages take %d octets, %d are counted", n, took, l.octets)
	}
}
