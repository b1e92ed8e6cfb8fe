package pop3

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"
)

// statusLines counts the lines of a wire that could be the beginning of a reply: no client can have got more of them.
func statusLines(wire []byte) int {
	n := 0
	for line := range bytes.Lines(wire) {
		begins := func(word string) bool {
			return len(line) >= len(word) && bytes.EqualFold(line[:len(word)], []byte(word))
		}
		if begins("+OK") || begins("-ERR") {
			n++
		}
	}
	return n
}

// endsRight fails on an error that a walk through messages does not promise.
func endsRight(t *testing.T, err error) {
	t.Helper()
	if _, tooLong := errors.AsType[*TooLongError](err); !tooLong {
		expected(t, err)
	}
}

// FuzzRetrieve reads anything as the answers to some RETRs, sent ahead or one by one, with a limit for each message and perhaps a stop on
// the way.
func FuzzRetrieve(f *testing.F) {
	const two = "+OK 3 octets\r\na\r\n.\r\n-ERR no\r\n+OK\r\n"
	f.Add([]byte(two), uint8(2), int64(3), uint16(100), uint8(0), true, uint64(1))
	f.Add([]byte(two), uint8(2), int64(-1), uint16(100), uint8(0), false, uint64(2))
	f.Add([]byte("+OK\r\na.\r\n+OK\r\nb\r\n.\r\n+OK\r\n"), uint8(2), int64(2), uint16(100), uint8(0), true, uint64(3))
	f.Add([]byte("+OK\r\n+OK\r\n.\r\n+OK\r\n.\r\n"), uint8(1), int64(0), uint16(100), uint8(0), true, uint64(4))
	f.Add([]byte("+OK\r\na\r\n.\r\n+OK 3 octets\r\nb\r\n.\r\n+OK\r\n"), uint8(1), int64(20), uint16(100), uint8(0), false, uint64(5))
	f.Add(bytes.Repeat([]byte("+OK\r\na\r\n.\r\n"), 70), uint8(70), int64(3), uint16(3), uint8(65), true, uint64(6))
	f.Add([]byte("+OK\r\nendless"), uint8(1), int64(3), uint16(3), uint8(0), true, uint64(7))
	f.Fuzz(func(t *testing.T, wire []byte, n uint8, size int64, limit uint16, stop uint8, ahead bool, seed uint64) {
		c := New(&canned{data: bytes.Clone(wire), piece: pieces(seed)}, Options{Timeout: patience})
		r := c.Retrieve(wants(int(n), size), ahead)
		replies := 0
		for r.Next() {
			replies++
			if r.Index() != replies-1 || r.Proved() >= replies {
				t.Fatalf("in reply %d: message %d, %d proved", replies, r.Index(), r.Proved())
			}
			if replies == int(stop) {
				r.Stop()
			}
			if r.Refused() != nil {
				continue
			}
			var body bytes.Buffer
			octets, err := r.Body(&body, int64(limit))
			if err == nil && octets > int64(limit) || body.Len() > int(limit)+bufferSize || int64(body.Len()) > octets {
				t.Errorf("took %d octets, gave %d, with a limit of %d: %v", octets, body.Len(), limit, err)
			}
			if err != nil && r.Next() {
				t.Fatalf("it goes on after %v", err)
			}
		}
		endsRight(t, r.Err())
		if r.Proved() > replies || replies > int(n) || replies > statusLines(wire) {
			t.Errorf("%d of %d messages are proved by %d replies, in %d status lines", r.Proved(), n, replies, statusLines(wire))
		}
		if r.Err() == nil && (r.Proved() != replies || replies > 0 && statusLines(wire) == replies || stop == 0 && replies != int(n)) {
			t.Errorf("no error, and of %d messages %d came and %d are proved", n, replies, r.Proved())
		}
	})
}

// FuzzTop reads anything as the answers to some TOPs, sent ahead or one by one.
func FuzzTop(f *testing.F) {
	f.Add([]byte("+OK\r\nSubject: a\r\n\r\n.\r\n-ERR no\r\n"), uint8(2), uint8(100), true, uint64(1))
	f.Add([]byte("+OK\r\nSubject: a\r\n\r\n.\r\n-ERR no\r\n"), uint8(2), uint8(3), false, uint64(2))
	f.Add([]byte("+OK\r\n..\r\n.\n.\r\n"), uint8(1), uint8(100), false, uint64(3))
	f.Add([]byte("+OK\r\nSubject"), uint8(1), uint8(0), true, uint64(4))
	f.Fuzz(func(t *testing.T, wire []byte, n, most uint8, ahead bool, seed uint64) {
		client := func() *Client {
			return New(&canned{data: bytes.Clone(wire), piece: pieces(seed)}, Options{Timeout: patience})
		}
		numbers := make([]int, n)
		for i := range numbers {
			numbers[i] = i + 1
		}
		headers, refusals := 0, 0
		err := client().Headers(numbers, ahead, int(most), func(header []byte, refused *ServerError) {
			headers++
			if refused != nil {
				refusals++
			}
			if len(header) > int(most) || refused != nil && len(header) > 0 {
				t.Errorf("a header of %d octets, with a limit of %d: %v", len(header), most, refused)
			}
		})
		endsRight(t, err)
		if headers > int(n) || headers > statusLines(wire) || err == nil && headers != int(n) {
			t.Errorf("%d headers of %d messages, from %d status lines: %v", headers, n, statusLines(wire), err)
		}
		digests, declined := 0, 0
		err = client().HeaderDigests(numbers, ahead, func(_ [sha256.Size]byte, refused *ServerError) {
			digests++
			if refused != nil {
				declined++
			}
		})
		endsRight(t, err)
		if err == nil && (digests != headers || declined != refusals) {
			t.Errorf("%d digests with %d refusals, and %d headers with %d", digests, declined, headers, refusals)
		}
	})
}
