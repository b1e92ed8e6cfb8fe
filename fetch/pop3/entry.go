package pop3

// entry is one message of a listing, in as few octets as it can be: there may be two million.
type entry struct {
	number24 uint32 // the message's number; above its 24 bits the upper 8 of the size
	size32   uint32 // the lower bits of the size
	uid      uint32 // the place of its UID in Listing.uids, block and octet, noUID or emptyUID
}

const (
	entrySize  = 12 // octets
	numberMask = 1<<24 - 1
	unlisted   = 1<<40 - 1 // stands for the size that LIST did not tell
	mostListed = unlisted - 1
	noUID      = 1<<32 - 1
	emptyUID   = noUID - 1
	_          = uint(numberMask - maxMessages) // a number fits
)

// newEntry gives an entry; size is -1 where LIST did not tell.
func newEntry(number uint32, size int64, uid uint32) entry {
	e := entry{number24: number, uid: uid}
	e.setSize(size)
	return e
}

func (e *entry) number() uint32 { return e.number24 & numberMask }

func (e *entry) size() int64 {
	size := int64(e.number24>>24)<<32 | int64(e.size32)
	if size == unlisted {
		return -1
	}
	return size
}

func (e *entry) setSize(size int64) {
	if size = min(size, mostListed); size < 0 {
		size = unlisted
	}
	e.number24 = e.number() | uint32(size>>32)<<24
	e.size32 = uint32(size)
}
