package fetch

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"strconv"
	"time"

	"haulmail/fetch/seen"
)

// What stands in front of a name that is no UID. (A UID that begins so would be a server's attempt to confuse, and confuse its own mail.)
const (
	byHeader  = "\x00header\x00"
	byContent = "\x00content\x00"
)

// isUID tells whether a name of the state is a UID.
func isUID(name []byte) bool {
	return !bytes.HasPrefix(name, []byte(byHeader)) && !bytes.HasPrefix(name, []byte(byContent))
}

// nameMessages finds a name for each message that has none of its own, because the server has no UIDL or gives it an empty UID: the
// digest of its header stands in, and where TOP is refused too, only the content, once it is fetched. An account keeps to the way by
// which its mail was fetched: by another one it would all come again.
func (h *haul) nameMessages(s *session, p *plan) error {
	withoutUIDL := p.list.NoUIDL != nil
	before, err := h.namesBefore()
	if err != nil {
		return err
	}
	if withoutUIDL && (before.uid || temporary(p.list.NoUIDL)) {
		return doing(doingList, p.list.NoUIDL)
	}
	all := withoutUIDL || before.header || before.content
	unnamed := h.unnamed(p, all)
	if len(unnamed) == 0 {
		return nil
	}
	if before.uid {
		if before, err = h.namesBeside(); err != nil {
			return err
		}
	}
	if before.content && !before.header {
		for _, i := range unnamed {
			p.names.set(int(i), nameless)
		}
		return h.loadContents(p)
	}
	n := &namer{haul: h, s: s, p: p, before: before, all: all}
	return n.name(unnamed)
}

// unnamed gives the messages that need a name: those with an empty UID, or all of them.
func (h *haul) unnamed(p *plan, all bool) (unnamed []place) {
	if !all && p.list.Named() == p.list.Len() {
		return nil
	}
	more := 0
	if all {
		unnamed = make([]place, 0, min(p.list.Len(), mostNameless))
	}
	for i := range p.list.Len() {
		uid := p.list.UID(i)
		switch {
		case !all && (uid == nil || len(uid) > 0):
		case len(unnamed) < mostNameless:
			unnamed = append(unnamed, place(i))
		default:
			more++
			p.names.set(i, crowded)
		}
	}
	if more > 0 {
		h.warn("%d messages stay on the server: a run can tell %d messages apart that have no UIDs, and no more", more, mostNameless)
	}
	return unnamed
}

// ways are those by which the mail of an account was named: by UIDs, or without any by headers and contents.
type ways struct{ uid, header, content bool }

// namesBefore tells by what the account's mail was fetched before: by UIDs if any was.
func (h *haul) namesBefore() (before ways, err error) {
	stop := errors.New("enough")
	err = h.store.Each(func(e seen.Entry) error {
		switch {
		case bytes.HasPrefix(e.UID, []byte(byHeader)):
			before.header = true
		case bytes.HasPrefix(e.UID, []byte(byContent)):
			before.content = true
		default:
			before = ways{uid: true}
			return stop
		}
		return nil
	})
	if errors.Is(err, stop) {
		err = nil
	}
	return before, onDisk("read the state", err)
}

// namesBeside tells by what the account's mail was fetched that had no UIDs beside mail that had.
func (h *haul) namesBeside() (before ways, err error) {
	before.uid = true
	err = h.store.Each(func(e seen.Entry) error {
		before.header = before.header || bytes.HasPrefix(e.UID, []byte(byHeader))
		before.content = before.content || bytes.HasPrefix(e.UID, []byte(byContent))
		return nil
	})
	return before, onDisk("read the state", err)
}

// contents are the messages that are known by their contents, each with the second in which it was fetched; 0 for one that was only marked
// as fetched.
type contents map[[sha256.Size]byte]int64

// contentName is the name of a message that goes by its content.
func contentName(content hash.Hash) []byte { return content.Sum([]byte(byContent)) }

// add takes note of a message's name, unless it is no content's.
func (c contents) add(name []byte, fetched time.Time) {
	sum, ok := bytes.CutPrefix(name, []byte(byContent))
	if !ok || len(sum) != sha256.Size {
		return
	}
	second := int64(0)
	if !fetched.IsZero() {
		second = fetched.Unix()
	}
	c[[sha256.Size]byte(sum)] = second
}

// of tells when a message with that name was fetched.
func (c contents) of(name []byte) (fetched time.Time, known bool) {
	sum, ok := bytes.CutPrefix(name, []byte(byContent))
	if !ok || len(sum) != sha256.Size {
		return time.Time{}, false
	}
	second, known := c[[sha256.Size]byte(sum)]
	if second != 0 {
		fetched = time.Unix(second, 0)
	}
	return fetched, known
}

// loadContents reads what is known of messages that go by their content.
func (h *haul) loadContents(p *plan) error {
	p.contents = make(contents)
	return onDisk("read the state", h.store.Each(func(e seen.Entry) error {
		p.contents.add(e.UID, e.Fetched)
		return nil
	}))
}

// nameTwins names the messages whose name stands in the listing before them, and gives the index of all names. RFC 1939 §7 forbids that
// for UIDs; servers do it all the same, and both messages have to be fetched.
func (p *plan) nameTwins() *seen.Index {
	index := seen.NewIndex(p.list.Len(), p.name)
	p.twins = index.Twins()
	count := make(map[int32]int64)
	var name []byte
	for _, twin := range p.twins {
		count[twin.First]++
		name = append(append(name[:0], p.name(int(twin.First))...), "\x00#"...)
		name = strconv.AppendInt(name, count[twin.First]+1, 10)
		p.names.put(int(twin.Later), "", name)
	}
	index.Rename()
	return index
}
