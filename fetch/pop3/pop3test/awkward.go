package pop3test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// AwkwardMail returns n messages that are hard to carry: first the hand-made ones, each with a UID that names its
// trouble, then random ones made of troublesome pieces. The same n and seed give the same messages. All of them are
// sent correctly by a server that stuffs dots behind CRLF; what a client has to end up with is Message.Reader.
func AwkwardMail(n int, seed uint64) []Message {
	msgs := handMade()
	random := rand.New(rand.NewPCG(seed, 0))
	for i := len(msgs); i < n; i++ {
		msgs = append(msgs, Message{UID: fmt.Sprintf("random-%d-%d", seed, i), Data: randomBody(random)})
	}
	return msgs[:n:n]
}

// HugeMessage returns a message of at least size octets that takes next to no memory; it has no header.
func HugeMessage(uid string, size int64) Message {
	const line = 76 + 2
	block := bytes.Repeat([]byte(strings.Repeat("h", line-2)+"\r\n"), 840) // just below 64 KiB
	block[0] = '.'
	return Message{UID: uid, Data: block, Times: int(size/int64(len(block))) + 1}
}

func handMade() []Message {
	const head = "From: a@example.org\r\nSubject: awkward\r\n\r\n"
	x := func(n int) string { return strings.Repeat("x", n) }
	var msgs []Message
	for _, m := range []struct{ uid, data string }{
		{"zero-octets", ""},
		{"one-octet", "x"},
		{"one-dot", "."},
		{"one-dot-line", ".\r\n"},
		{"one-empty-line", "\r\n"},
		{"one-cr", "\r"},
		{"one-lf", "\n"},
		{"empty-body", head},
		{"no-empty-line", "Subject: only a header\r\n"},
		{"no-header", "just text\r\n"},
		{"body-starts-empty", "\r\n\r\ntext\r\n"},
		{"no-final-crlf", head + "last line"},
		{"ends-in-lf", head + "last line\n"},
		{"ends-in-cr", head + "last line\r"},
		{"ends-in-dot", head + "last line\r\n."},
		{"ends-in-dots", head + ".\r\n..\r\n...\r\n"},
		{"leading-dots", head + ".a\r\n..b\r\n...c\r\n. d\r\n.\r\n"},
		{"dot-lines-only", ".\r\n.\r\n.\r\n"},
		{"dot-behind-lf", head + "a\n.b\n.\nc\r\n"},
		{"dot-crlf-behind-lf", head + "a\n.\r\n+OK 5 octets\r\nb\r\n"},
		{"dot-behind-cr", head + "a\r.b\r.\r\nc\r\n"},
		{"dot-lf", head + ".\n.\n\r\n"},
		{"dot-cr", head + ".\r.\r\r\n"},
		{"bare-lf", "Subject: lf\n\nno CR anywhere\n"},
		{"bare-cr", "Subject: cr\r\rno LF anywhere\r"},
		{"mixed-line-ends", head + "a\nb\rc\r\nd\n\re\r\r\nf\r\n\n"},
		{"cr-cr-lf", head + "a\r\r\n.\r\r\n\r\r\n"},
		{"nul", head + "a\x00b\r\n\x00\r\n.\x00\r\n"},
		{"8-bit", head + "gr\xfc\xdfe \xc3\xa9 \xff\xfe \x80\r\n"},
		{"controls", head + "\x1b[31mred\x07\x08\x7f\x0b\x0c\r\n"},
		{"status-lines", head + "+OK\r\n-ERR no\r\n+OK 12 octets\r\n+ \r\n"},
		{"status-behind-dot", head + ".\r\n+OK 12 octets\r\n.\r\n-ERR [SYS/TEMP] no\r\n"},
		{"from-line", "From someone Thu Jan  1 00:00:00 2026\r\n" + head + ">From a\r\nFrom b\r\n"},
		{"many-empty-lines", head + strings.Repeat("\r\n", 5000)},
		{"many-dots", head + strings.Repeat(".\r\n", 5000)},
		{"line-4096", x(4094) + "\r\n.\r\n" + x(4094) + "\r\n"},
		{"line-4097-cr-at-edge", x(4095) + "\r\n.\r\n" + x(4095) + "\r\n"},
		{"line-65536", x(65534) + "\r\n.\r\n" + x(65534) + "\r\n"},
		{"line-65537-cr-at-edge", x(65535) + "\r\n.\r\n" + x(65535) + "\r\n"},
		{"line-1-MiB", head + x(1<<20) + "\r\n"},
		{"line-1-MiB-of-dots", head + strings.Repeat(".", 1<<20)},
	} {
		msgs = append(msgs, Message{UID: m.uid, Data: []byte(m.data)})
	}
	return msgs
}

// randomBody joins pieces that make trouble where they meet, now and then around the border of a buffer.
func randomBody(random *rand.Rand) []byte {
	pieces := []string{"\r\n", "\r\n", "\r\n", "\n", "\r", ".", ".", "..", "\r\n.", "\r\n.\r\n", "\n.\n", "a", "text ", "\x00", "\xff", "+OK", "-ERR"}
	borders := []int{512, 1024, 4096, 8192, 16384, 65536}
	var body bytes.Buffer
	for range random.IntN(60) {
		if random.IntN(25) == 0 {
			border := borders[random.IntN(len(borders))]
			gap := border - body.Len()%border + random.IntN(5) - 4
			body.Write(bytes.Repeat([]byte("x"), max(gap, 0)))
		}
		body.WriteString(pieces[random.IntN(len(pieces))])
	}
	return body.Bytes()
}
