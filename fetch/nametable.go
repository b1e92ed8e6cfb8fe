package fetch

import "encoding/binary"

// nameTable holds the names of messages that do not go by their UIDs alone, in as few octets as it can: there may be a hundred thousand.
// Names lie in blocks, so that they cost no copies while they grow. Messages go by their index in the listing.
type nameTable struct {
	messages int // in the listing

	places []naming // of each message's name in the blocks; nil while all go by their UIDs
	blocks [][]byte // each name behind its length, none over the end of a block
	hides  bool     // some have no name that may have been known by one
}

// naming is where a message's name is, or why it has none.
type naming uint32

const (
	byUID     naming = iota // it goes by its UID, or UIDL does not list it
	nameless                // its content alone will tell
	waiting                 // its name cannot be told for the moment
	crowded                 // there are too many without UIDs
	firstName               // this and all others are places
)

// of tells what the i-th message goes by.
func (t *nameTable) of(i int) naming {
	if t.places == nil {
		return byUID
	}
	return t.places[i]
}

// name gives the i-th message's name, nil for none; ok is false for one that goes by its UID. It must not be written to.
func (t *nameTable) name(i int) (name []byte, ok bool) {
	n := t.of(i)
	if n < firstName {
		return nil, n != byUID
	}
	place := n - firstName
	text := t.blocks[place/nameBlock][place%nameBlock:]
	length, from := binary.Uvarint(text)
	end := from + int(length)
	return text[from:end:end], true
}

// set notes of the i-th message why it has no name.
func (t *nameTable) set(i int, why naming) {
	if t.places == nil {
		t.places = make([]naming, t.messages)
	}
	t.places[i] = why
	t.hides = t.hides || why == waiting || why == crowded
}

// put gives the i-th message a name, in two parts.
func (t *nameTable) put(i int, front string, rest []byte) {
	last := len(t.blocks) - 1
	length := len(front) + len(rest)
	if last < 0 || len(t.blocks[last])+binary.MaxVarintLen16+length > nameBlock {
		t.blocks = append(t.blocks, make([]byte, 0, min(nameBlock, len(t.blocks)*nameBlock)))
		last++
	}
	at := len(t.blocks[last])
	block := binary.AppendUvarint(t.blocks[last], uint64(length))
	t.blocks[last] = append(append(block, front...), rest...)
	t.set(i, naming(last*nameBlock+at)+firstName)
}
