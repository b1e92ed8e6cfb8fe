package seen

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"strings"
	"time"
)

// The format of everything under the buckets: a byte of it changed is a new number.
const format = 1

const (
	spoolLen = 16
	sealLen  = 4
	// fullBlock is the size, in bytes, from which no record is added to a block. Large enough that pages are used well,
	// small enough that adding a record doesn't rewrite much.
	fullBlock = 8 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal appends a CRC-32C over the key and the value. bbolt has none over its data pages, and a changed UID or spool name
// must be found, not believed. Every value of every format ends like this.
func seal(key, value []byte) []byte {
	return binary.LittleEndian.AppendUint32(value, checksum(key, value))
}

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

// unseal returns what was sealed, or the damage.
func unseal(key, sealed []byte) ([]byte, error) {
	n := len(sealed) - sealLen
	if n < 0 || binary.LittleEndian.Uint32(sealed[n:]) != checksum(key, sealed[:n]) {
		return nil, damagef("checksum of entry %q", key)
	}
	return sealed[:n], nil
}

// reader takes values off the front of b. After the first one that doesn't fit, bad is set and all else is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() {
	r.b, r.bad = nil, true
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	v := int64(u >> 1)
	if u&1 != 0 {
		v = ^v
	}
	return v
}

// size is a count of bytes, 0 to maxSize.
func (r *reader) size() int64 {
	v := r.uvarint()
	if v > maxSize {
		r.fail()
		return 0
	}
	return int64(v)
}

// take returns the next n bytes, which alias the input.
func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// bytes takes a length, up to most, and that many bytes.
func (r *reader) bytes(most int) []byte {
	n := r.uvarint()
	if n > uint64(most) {
		r.fail()
		return nil
	}
	return r.take(int(n))
}

func appendBytes[T []byte | string](b []byte, v T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// appendVarint is the opposite of reader.varint.
func appendVarint(b []byte, v int64) []byte {
	u := uint64(v) << 1
	if v < 0 {
		u = ^u
	}
	return binary.AppendUvarint(b, u)
}

// head is what a state says about itself.
type head struct {
	id      Identity
	spool   string
	batches uint64 // how many batches were ever begun or added; also the last batch's ID
}

func (h head) encode() []byte {
	b := binary.AppendUvarint(nil, format)
	b = appendBytes(b, h.id.Server)
	b = appendBytes(b, h.id.User)
	b = appendBytes(b, h.spool)
	return binary.AppendUvarint(b, h.batches)
}

func decodeHead(b []byte) (head, error) {
	r := reader{b: b}
	if f := r.uvarint(); !r.bad && f > format {
		return head{}, ErrNewer
	}
	var h head
	h.id.Server = string(r.bytes(maxName))
	h.id.User = string(r.bytes(maxName))
	h.spool = string(r.bytes(spoolLen))
	h.batches = r.uvarint()
	if r.bad || len(r.b) > 0 || !validSpool(h.spool) {
		return head{}, damage("the head record can't be read")
	}
	return h, nil
}

// validSpool guards a name that becomes part of a path.
func validSpool(s string) bool {
	return len(s) == spoolLen && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// entry is one seen record in a block. uid aliases the block.
type entry struct {
	uid     []byte
	size    int64 // LIST's size, or NoSize
	fetched int64 // Unix seconds
	gone    int64 // since when the server doesn't list it, Unix seconds; stays, for a listed one
}

const stays = math.MinInt64

// A block is a row of records: length of the UID, the UID, (size+1)<<1 with the low bit set for a vanished one, the time as
// the difference from the record before, and for a vanished one the time of that as the difference from its own time.
type blockWriter struct {
	b       []byte
	fetched int64 // of the record written last
}

func (w *blockWriter) add(e entry) {
	head := uint64(e.size+1) << 1
	if e.gone != stays {
		head |= 1
	}
	w.b = appendBytes(w.b, e.uid)
	w.b = binary.AppendUvarint(w.b, head)
	w.b = appendVarint(w.b, e.fetched-w.fetched)
	if e.gone != stays {
		w.b = appendVarint(w.b, e.gone-e.fetched)
	}
	w.fetched = e.fetched
}

// blockReader reads a block that add wrote.
type blockReader struct {
	r       reader
	fetched int64
}

// next returns the next record; ok is false at the end and for damage. Then err tells which.
func (br *blockReader) next() (e entry, ok bool) {
	if len(br.r.b) == 0 {
		return entry{}, false
	}
	e.uid = br.r.bytes(MaxUID)
	head := br.r.uvarint()
	e.size = int64(head>>1) - 1
	br.fetched += br.r.varint()
	e.fetched = br.fetched
	e.gone = stays
	if head&1 != 0 {
		e.gone = e.fetched + br.r.varint()
	}
	if e.size > maxSize || e.gone == stays && head&1 != 0 {
		br.r.fail()
	}
	return e, !br.r.bad
}

func (br *blockReader) err() error {
	if br.r.bad {
		return damage("a block of seen records can't be read")
	}
	return nil
}

// boundSize makes a LIST size storable. One that nobody can mean is stored as unknown, which forbids DELE.
func boundSize(size int64) int64 {
	if size < 0 || size > maxSize {
		return NoSize
	}
	return size
}

// seconds makes a time storable: whole seconds, the zero time as 0.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// moment is the opposite of seconds.
func moment(second int64) time.Time {
	if second == 0 {
		return time.Time{}
	}
	return time.Unix(second, 0)
}
