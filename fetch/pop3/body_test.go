package pop3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// reference is the dot reader, slow and obvious: the message ends at the first CRLF . CRLF (or . CRLF at its beginning); of what is
// between the CRLFs, each line loses one leading dot. whole is false when there is no end.
func reference(wire string) (text string, octets int, rest string, whole bool) {
	content, rest, whole := strings.Cut("\r\n"+wire, "\r\n.\r\n")
	if !whole {
		return "", 0, "", false
	}
	if content == "" {
		return "", 0, rest, true
	}
	for line := range strings.SplitSeq(content[2:], "\r\n") {
		line = strings.TrimPrefix(line, ".")
		text += line + "\n"
		octets += len(line) + 2
	}
	return text, octets, rest, true
}

// decoding reads wire through a buffer of that size, in the given pieces.
func decoding(wire string, buffer int, piece func() int) (text string, octets int64, rest string, err error) {
	conn := &canned{data: []byte(wire), piece: piece}
	c := &Client{conn: conn, opt: Options{Timeout: patience}, buf: make([]byte, buffer)}
	c.expect("RETR 1")
	var out bytes.Buffer
	octets, _, err = c.body(&out, noLimit)
	return out.String(), octets, string(c.buf[c.r:c.w]) + string(conn.data), err
}

// matches compares decoding with the reference.
func matches(t *testing.T, wire string, buffer int, piece func() int) {
	t.Helper()
	text, octets, rest, whole := reference(wire)
	gotText, gotOctets, gotRest, err := decoding(wire, buffer, piece)
	if !whole {
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("buffer %d: %s has no end, got error %v", buffer, excerpt(wire), err)
		}
		return
	}
	if err != nil || gotText != text || gotOctets != int64(octets) || gotRest != rest {
		t.Errorf("buffer %d: %s gives %s, %d octets, rest %s, %v\nwant %s, %d octets, rest %s", buffer, excerpt(wire),
			excerpt(gotText), gotOctets, excerpt(gotRest), err, excerpt(text), octets, excerpt(rest))
	}
}

// The table is what the reference is judged by, and the decoder as well.
var decodings = []struct {
	name, wire, text string
	octets           int
}{
	{"empty message", ".\r\n", "", 0},
	{"empty line", "\r\n.\r\n", "\n", 2},
	{"plain", "Subject: x\r\n\r\nbody\r\n.\r\n", "Subject: x\n\nbody\n", 20},
	{"leading dot", "..x\r\n.\r\n", ".x\n", 4},
	{"lone dot", "a\r\n..\r\nb\r\n.\r\n", "a\n.\nb\n", 9},
	{"leading dots", "...\r\n....\r\n.\r\n", "..\n...\n", 9},
	{"dot not stuffed", ".x\r\n.\r\n", "x\n", 3},
	{"dots within", "a.\r\n.b.\r\n.\r\n", "a.\nb.\n", 8},
	{"bare LF", "a\nb\r\n.\r\n", "a\nb\n", 5},
	{"dot behind a bare LF", "a\n.\r\nb\r\n.\r\n", "a\n.\nb\n", 8},
	{"stuffed dot behind a bare LF", "a\n..b\r\n.\r\n", "a\n..b\n", 7},
	{"dot and bare LF", "a\r\n.\nb\r\n.\r\n", "a\n\nb\n", 7},
	{"end by bare LF is none", "a\n.\nb\r\n.\r\n", "a\n.\nb\n", 7},
	{"bare CR", "a\rb\r\n.\r\n", "a\rb\n", 5},
	{"dot behind a bare CR", "a\r.\r\nb\r\n.\r\n", "a\r.\nb\n", 8},
	{"dot and bare CR", "a\r\n.\rb\r\n.\r\n", "a\n\rb\n", 7},
	{"CR CRLF", "a\r\r\n.\r\n", "a\r\n", 4},
	{"CR CRLF before the dot", "\r\r\n..\r\n\r\r\n.\r\n", "\r\n.\n\r\n", 9},
	{"dot CR CRLF", "a\r\n.\r\r\nb\r\n.\r\n", "a\n\r\nb\n", 9},
	{"LF CR", "a\n\rb\r\n.\r\n", "a\n\rb\n", 6},
	{"LF CRLF", "a\n\r\n.\r\n", "a\n\n", 4},
	{"NUL", "\x00\r\n\x00.\r\n.\r\n", "\x00\n\x00.\n", 7},
	{"8-bit", "\xff\xfe\x80\r\n\xa1\xa3\r\n.\r\n", "\xff\xfe\x80\n\xa1\xa3\n", 9},
	{"status lines within", "+OK\r\n-ERR\r\n.\r\n", "+OK\n-ERR\n", 11},
	{"end and more", "a\r\n.\r\n+OK\r\n", "a\n", 3},
	{"end twice", "a\r\n.\r\n.\r\n", "a\n", 3},
}

func TestDecode(t *testing.T) {
	for _, test := range decodings {
		t.Run(test.name, func(t *testing.T) {
			if text, octets, _, whole := reference(test.wire); !whole || text != test.text || octets != test.octets {
				t.Fatalf("the reference gives %q, %d octets, want %q, %d octets", text, octets, test.text, test.octets)
			}
			matches(t, test.wire, bufferSize, func() int { return len(test.wire) })
		})
	}
}

// Each message of the table, and all of them in one, through every small buffer and in every small piece: each CR, LF and dot comes
// to lie at each side of a border.
func TestDecodeStraddling(t *testing.T) {
	together := ""
	for _, test := range decodings {
		_, _, rest, _ := reference(test.wire)
		together += strings.TrimSuffix(strings.TrimSuffix(test.wire, rest), ".\r\n")
	}
	wires := []string{together + ".\r\n"}
	for _, test := range decodings {
		wires = append(wires, test.wire)
	}
	for _, wire := range wires {
		for buffer := 3; buffer <= 40; buffer++ {
			for piece := 1; piece <= buffer; piece++ {
				matches(t, wire, buffer, func() int { return piece })
			}
		}
		for cut := range wire {
			n := 0
			matches(t, wire, bufferSize, func() int { n++; return []int{cut, len(wire)}[min(n, 2)-1] })
		}
	}
}

// No beginning of a message is a message.
func TestDecodeCut(t *testing.T) {
	for _, test := range decodings {
		_, _, rest, _ := reference(test.wire)
		wire := strings.TrimSuffix(test.wire, rest)
		for cut := range len(wire) {
			_, _, _, err := decoding(wire[:cut], bufferSize, func() int { return 3 })
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q gives %v", wire[:cut], err)
			}
		}
	}
}

// Lines about as long as the buffer, and far longer, with each line end and a dot behind it.
func TestDecodeLongLines(t *testing.T) {
	lengths := []int{4095, 4096, 4097}
	for around := -6; around <= 6; around++ {
		lengths = append(lengths, bufferSize+around, 2*bufferSize+around)
	}
	for _, n := range lengths {
		for _, end := range []string{"\r\n", "\n", "\r\r\n", "\r", "\r\n..\r\n", "\r\n..x\r\n", "\n.\r\n", ".\r\n"} {
			for _, start := range []string{"x", "..", "."} {
				wire := start + strings.Repeat("x", n-len(start)) + end + "y\r\n.\r\n"
				matches(t, wire, bufferSize, func() int { return len(wire) })
				matches(t, wire, bufferSize, func() int { return 1400 })
			}
		}
	}
	for _, n := range []int{3 << 20, 5<<20 + 1} {
		wire := strings.Repeat("x", n) + "\r\n..x\r\n" + strings.Repeat("\r", n) + "\n..\r\n.\r\n"
		matches(t, wire, bufferSize, func() int { return 16 << 10 })
	}
}

// Random text of the octets that matter, against the reference.
func TestDecodeRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		wire := make([]byte, random.IntN(60))
		for i := range wire {
			wire[i] = "\r\r\n\n..x\x00"[random.IntN(8)]
		}
		matches(t, string(wire)+"\r\n.\r\n", 3+random.IntN(20), func() int { return 1 + random.IntN(8) })
	}
}

// Each filled buffer costs one write.
func TestBodyWritesAtOnce(t *testing.T) {
	wire := "+OK\r\n" + strings.Repeat("..line\r\n", 1<<17) + ".\r\n"
	c := answers(wire, len(wire))
	r := c.Retrieve(wants(1, 1), false)
	if !r.Next() {
		t.Fatal(r.Err())
	}
	n := 0
	_, err := r.Body(writerFunc(func(p []byte) (int, error) { n++; return len(p), nil }), noLimit)
	ok(t, err)
	if want := len(wire)/bufferSize + 1; n > want+1 {
		t.Errorf("%d writes for %d buffers", n, want)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Some servers glue the final dot to the last octet. Pipelined, the message then runs into the answer behind it. And one that begins
// like a status line may be the answer to another command.
func TestMessagesThatRunTogether(t *testing.T) {
	const glued = "one\r\nend.\r\n+OK\r\ntwo\r\n.\r\n"
	const another = "+OK\r\none\r\n.\r\n"
	for _, test := range []struct {
		body       string
		size       int64
		pipelining bool
		want       bool
	}{
		{glued, 8, true, false},
		{glued, 8, false, true},
		{glued, -1, true, true},
		{glued, 100, true, true},
		{another, 10, true, false},
		{another, 10, false, true},
		{"-ERR\r\n.\r\n", -1, true, false},
		{"+OKAY\r\n.\r\n", -1, true, false},
		{"one\r\n+OK\r\n.\r\n", -1, true, true},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			c := answers("+OK\r\n"+test.body+"+OK\r\n", 1)
			r := c.Retrieve([]Want{{1, test.size}}, test.pipelining)
			if !r.Next() {
				t.Fatal(r.Err())
			}
			_, err := r.Body(io.Discard, noLimit)
			if test.want {
				ok(t, err)
			} else {
				as[*ProtocolError](t, err)
			}
		})
	}
}
