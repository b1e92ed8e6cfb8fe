package pop3

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// pieces gives random sizes of reads, from seed.
func pieces(seed uint64) func() int {
	random := rand.New(rand.NewPCG(seed, 0))
	return func() int { return 1 + random.IntN(9) }
}

// expected fails on an error that the package does not promise.
func expected(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	if _, is := errors.AsType[*ServerError](err); is {
		return
	}
	as[*ProtocolError](t, err)
}

// FuzzDecode compares the dot reader with the reference, through small buffers and in random pieces.
func FuzzDecode(f *testing.F) {
	for i, test := range decodings {
		f.Add([]byte(test.wire), uint8(i), uint64(i))
		f.Add([]byte(test.wire[:len(test.wire)-1]), uint8(i), uint64(i))
	}
	f.Fuzz(func(t *testing.T, wire []byte, buffer uint8, seed uint64) {
		matches(t, string(wire), 3+int(buffer), pieces(seed))
	})
}

// FuzzListing reads anything as the answers to STAT, UIDL and LIST, which may be asked for at once or LIST later.
func FuzzListing(f *testing.F) {
	for _, test := range listings {
		f.Add([]byte(test.stat+"\r\n"+test.uidl+"\r\n"+test.list+"\r\n"), uint64(1))
	}
	f.Fuzz(func(t *testing.T, wire []byte, seed uint64) {
		c := New(&canned{data: wire, piece: pieces(seed)}, Options{Timeout: patience})
		l, err := c.List(true)
		expected(t, err)
		if err != nil {
			return
		}
		if l.Len() > bytes.Count(wire, []byte("\n")) {
			t.Errorf("%d messages from %d lines", l.Len(), bytes.Count(wire, []byte("\n")))
		}
		named := 0
		for i := range l.Len() {
			if len(l.UID(i)) > 0 {
				named++
			}
			if l.Number(i) < 1 || l.Number(i) > maxMessages || l.Size(i) < -1 || i > 0 && l.Number(i) <= l.Number(i-1) {
				t.Errorf("message %d has number %d and size %d", i, l.Number(i), l.Size(i))
			}
			if uid := l.UID(i); uid != nil && !bytes.Contains(wire, uid) {
				t.Errorf("message %d has the UID %q, which was never sent", i, uid)
			}
		}
		if named != l.Named() {
			t.Errorf("%d messages have UIDs, and %d are said to", named, l.Named())
		}
		c = New(&canned{data: wire, piece: pieces(seed)}, Options{Timeout: patience})
		later, err := c.ListUIDs(true)
		if err != nil {
			t.Fatalf("without LIST: %v", err)
		}
		if err := c.ListSizes(later); err != nil {
			return // what is there before LIST was asked may have ended the session
		}
		if later.Len() != l.Len() {
			t.Fatalf("%d messages with LIST at once, %d with it later", l.Len(), later.Len())
		}
		for i := range l.Len() {
			if l.Number(i) != later.Number(i) || l.Size(i) != later.Size(i) || !bytes.Equal(l.UID(i), later.UID(i)) {
				t.Errorf("message %d differs by when LIST was asked", i)
			}
		}
	})
}

// FuzzCapa reads anything as the answer to CAPA.
func FuzzCapa(f *testing.F) {
	f.Add([]byte("+OK\r\nTOP\r\nSASL PLAIN LOGIN\r\n.\r\n"), uint64(1))
	f.Add([]byte("-ERR unknown command\r\n"), uint64(2))
	f.Add([]byte("+OK\n\n..\n. \n.\n"), uint64(3))
	f.Fuzz(func(t *testing.T, wire []byte, seed uint64) {
		c := New(&canned{data: wire, piece: pieces(seed)}, Options{Timeout: patience})
		caps, err := c.Capa()
		expected(t, err)
		if (caps == nil) != (err != nil) || len(caps) > maxCapabilities {
			t.Errorf("got %d capabilities and %v", len(caps), err)
		}
		for name := range caps {
			if name == "" || name != strings.ToUpper(name) {
				t.Errorf("there is a capability %q", name)
			}
		}
	})
}

// FuzzStatus reads anything as an answer of one line, with a secret that must not come back.
func FuzzStatus(f *testing.F) {
	f.Add([]byte("+OK\r\n"), "secret", uint64(1))
	f.Add([]byte("-ERR [IN-USE] secret\r\n"), "secret", uint64(2))
	f.Add([]byte("-ERR [secret] \r\n"), "secret", uint64(3))
	f.Add([]byte("-ERR [\xff] \x1b[2J\n"), "\x1b[2", uint64(4))
	f.Add([]byte("-ERR [secret] \r\n"), "SECRET", uint64(5))
	f.Add([]byte("-ERR ared [redacted]red\r\n"), "red", uint64(6))
	f.Fuzz(func(t *testing.T, wire []byte, secret string, seed uint64) {
		c := New(&canned{data: wire, piece: pieces(seed)}, Options{Timeout: patience})
		var seen []string
		c.opt.Wire = func(sent bool, line string) {
			if !sent {
				seen = append(seen, line)
			}
		}
		c.hide(secret)
		err := c.Noop()
		expected(t, err)
		if err == nil {
			return
		}
		if i := strings.IndexFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
			t.Errorf("a control character in %q", err)
		}
		if e, is := errors.AsType[*ServerError](err); is && !slices.Contains(knownCodes, e.Code) {
			seen = append(seen, e.Code, e.Text)
		}
		// What stands for a secret may be a part of it, or complete it.
		if secret == "" || strings.Contains(secret, redacted) {
			return
		}
		for _, text := range seen {
			for part := range strings.SplitSeq(text, redacted) {
				if strings.Contains(part, secret) {
					t.Errorf("the secret %q is told in %q", secret, text)
				}
			}
		}
	})
}

// FuzzChallenge reads anything as the server's side of an AUTH, by a mechanism that answers every challenge with its own octets.
func FuzzChallenge(f *testing.F) {
	f.Add([]byte("+ \r\n+OK\r\n"), uint64(1))
	f.Add([]byte("+ cm90MTM=\r\n-ERR [AUTH] no\r\n"), uint64(2))
	f.Add([]byte("+\n+ ====\n"), uint64(3))
	f.Add(bytes.Repeat([]byte("+ YQ==\r\n"), maxChallenges+2), uint64(4))
	f.Fuzz(func(t *testing.T, wire []byte, seed uint64) {
		c := New(&canned{data: wire, piece: pieces(seed)}, Options{Timeout: patience})
		m := &echo{}
		expected(t, c.Auth(m))
		if m.challenges > maxChallenges {
			t.Errorf("%d challenges were answered", m.challenges)
		}
	})
}

// echo is a mechanism that has an initial response of no octets and repeats what it is asked.
type echo struct{ challenges int }

func (m *echo) Start() (string, []byte, error) { return "ECHO", []byte{}, nil }

func (m *echo) Next(challenge []byte) ([]byte, error) {
	m.challenges++
	return challenge, nil
}

func (m *echo) Finish(bool) error { return nil }
