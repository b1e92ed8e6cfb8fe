package maildir

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strconv"
	"strings"
	"time"
)

// A key is the name of a delivered file, up to the flags:
//
//	TIME.M<usec>Q<seq>R<random>H<hash>.HOST,S=<size>,W=<virtual size>
//
// The part before the first comma, the base, is unique by itself and is the
// file's name in the spool, where the sizes are not known yet.

// Hash names a message of an account in a file name: the first 128 bits of
// a SHA-256, see UIDHash.
type Hash [16]byte

const hashLen = 26 // characters of a Hash in base32

var hashCode = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// UIDHash returns the hash of an account's identity and a message's UID, each
// with its length before it, so that no two pairs read the same.
func UIDHash(identity string, uid []byte) Hash {
	var stack [256]byte
	p := binary.BigEndian.AppendUint64(stack[:0], uint64(len(identity)))
	p = append(p, identity...)
	p = binary.BigEndian.AppendUint64(p, uint64(len(uid)))
	p = append(p, uid...)
	sum := sha256.Sum256(p)
	return Hash(sum[:len(Hash{})])
}

// String returns the hash as it stands in a file name: 26 lower-case characters.
func (h Hash) String() string { return hashCode.EncodeToString(h[:]) }

// newBase returns a base that nobody else uses: the random part is this box's,
// the sequence number this message's.
func (b *Box) newBase(h Hash) string {
	now := time.Now()
	var stack [160]byte
	p := strconv.AppendInt(stack[:0], now.Unix(), 10)
	p = append(p, ".M"...)
	p = strconv.AppendInt(p, int64(now.Nanosecond()/1000), 10)
	p = append(p, 'Q')
	p = strconv.AppendUint(p, b.seq.Add(1), 10)
	p = append(p, 'R')
	p = append(p, b.random...)
	p = append(p, 'H')
	p = hashCode.AppendEncode(p, h[:])
	p = append(p, '.')
	p = append(p, b.host...)
	return string(p)
}

func keyOf(base string, size, virtual int64) string {
	var stack [256]byte
	p := append(stack[:0], base...)
	p = append(p, ",S="...)
	p = strconv.AppendInt(p, size, 10)
	p = append(p, ",W="...)
	p = strconv.AppendInt(p, virtual, 10)
	return string(p)
}

// baseOf returns the base of a key or file name. Flags and sizes may have been
// changed by a reader, the base never is.
func baseOf(name string) string {
	if i := strings.IndexAny(name, ",:"); i >= 0 {
		return name[:i]
	}
	return name
}

// parseName takes the name of a delivered file apart.
func parseName(name string) (Entry, bool) {
	var e Entry
	base := baseOf(name)
	stamp, rest, ok := strings.Cut(base, ".M")
	if !ok {
		return e, false
	}
	usec, rest, ok1 := strings.Cut(rest, "Q")
	seq, rest, ok2 := strings.Cut(rest, "R")
	random, rest, ok3 := strings.Cut(rest, "H")
	hash, host, ok4 := strings.Cut(rest, ".")
	if !ok1 || !ok2 || !ok3 || !ok4 || host == "" || random == "" || len(hash) != hashLen {
		return e, false
	}
	sec, ok1 := number(stamp)
	micro, ok2 := number(usec)
	if _, ok3 = number(seq); !ok1 || !ok2 || !ok3 || micro > 999_999 || strings.Trim(random, "0123456789abcdef") != "" {
		return e, false
	}
	if e.Hash, ok = parseHash(hash); !ok {
		return e, false
	}
	e.Name, e.Time = name, time.Unix(sec, micro*1000)
	e.Size, e.Virtual = sizesOf(name[len(base):])
	return e, true
}

// parseHash reads the 26 characters; the bits that 128 leave over must be 0.
func parseHash(s string) (Hash, bool) {
	var h Hash
	n, err := hashCode.Decode(h[:], []byte(s))
	return h, err == nil && n == len(h) && h.String() == s
}

// sizesOf reads ",S=1,W=2" up to the flags; -1 stands for a size that is not there.
func sizesOf(s string) (size, virtual int64) {
	size, virtual = -1, -1
	s, _, _ = strings.Cut(s, ":")
	for field := range strings.SplitSeq(s, ",") {
		name, digits, _ := strings.Cut(field, "=")
		n, ok := number(digits)
		switch {
		case ok && name == "S":
			size = n
		case ok && name == "W":
			virtual = n
		}
	}
	return size, virtual
}

// number reads plain decimal digits.
func number(s string) (int64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// escapeHost makes a host name fit for a key. maildir(5) has '/' written as \057
// and ':' as \072; the same is done with everything that is not plain, because
// commas and control characters have no place in a name either.
func escapeHost(host string) string {
	const digits = "01234567"
	var p []byte
	for i := range len(host) {
		c := host[i]
		one := []byte{c}
		if !plain(c) {
			one = []byte{'\\', digits[c>>6], digits[c>>3&7], digits[c&7]}
		}
		if len(p)+len(one) > maxHostLen {
			break
		}
		p = append(p, one...)
	}
	if len(p) == 0 {
		return "localhost"
	}
	return string(p)
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_'
}
