package fetch

import (
	"bytes"
	"errors"
	"hash"
	"strconv"

	"haulmail/fetch/seen"
)

// What stands in front of a name that is no UID. (A UID that begins so would be a server's attempt to confuse, and confuse its own mail.)
const (
	byUID     = ""
	byHeader  = "\x00header\x00"
	byContent = "\x00content\x00"
)

// nameMessages finds a name for each message that has none of its own: because the
// server has no UIDL or gives it an empty UID. Then the digest of its header stands in, and where TOP is refused too, only the
// content, once it is fetched. An account keeps to the way by which its mail was fetched: by another one it would all come again.
func (h *haul) nameMessages(s *session, p *plan) error {
	p.names = make(map[int][]byte)
	withoutUIDL := p.list.NoUIDL != nil
	had, before, err := h.namesBefore()
	if err != nil {
		return err
	}
	if withoutUIDL && (had && before == byUID || temporary(p.list.NoUIDL)) {
		return doing(doingList, p.list.NoUIDL)
	}
	withoutUIDL = withoutUIDL || had && before != byUID
	var unnamed, numbers []int
	for i := range p.list.Len() {
		if uid := p.list.UID(i); withoutUIDL || uid != nil && len(uid) == 0 {
			unnamed = append(unnamed, i)
			numbers = append(numbers, p.list.Number(i))
		}
	}
	if len(unnamed) > 0 {
		digests, err := s.client.HeaderDigests(numbers, s.pipelining)
		if err != nil {
			return doing(doingList, s.brokenAhead(err))
		}
		for k, i := range unnamed {
			if digests[k].Known {
				p.names[i] = append([]byte(byHeader), digests[k].Sum[:]...)
			} else if err := h.loadContents(p); err != nil {
				return err
			} else {
				p.names[i] = nil
			}
		}
	}
	return nil
}

// namesBefore tells by what the account's mail was fetched before: by UIDs if any was.
func (h *haul) namesBefore() (had bool, by string, err error) {
	by = byHeader
	stop := errors.New("enough")
	err = h.store.Each(func(e seen.Entry) error {
		had = true
		if bytes.HasPrefix(e.UID, []byte(byHeader)) || bytes.HasPrefix(e.UID, []byte(byContent)) {
			return nil
		}
		by = byUID
		return stop
	})
	if errors.Is(err, stop) {
		err = nil
	}
	return had, by, onDisk("read the state", err)
}

// loadContents reads what is known of messages that go by their content, once.
func (h *haul) loadContents(p *plan) error {
	if p.contents != nil {
		return nil
	}
	p.contents = make(map[string]seen.Entry)
	return onDisk("read the state", h.store.Each(func(e seen.Entry) error {
		if bytes.HasPrefix(e.UID, []byte(byContent)) {
			e.UID = bytes.Clone(e.UID)
			p.contents[string(e.UID)] = e
		}
		return nil
	}))
}

// contentName is the name of a message that goes by its content.
func contentName(content hash.Hash) []byte { return content.Sum([]byte(byContent)) }

// nameTwins names the messages whose name stands in the listing before them, and gives the index of all names. RFC 1939 §7 forbids that
// for UIDs; servers do it all the same, and both messages have to be fetched.
func (p *plan) nameTwins() *seen.Index {
	index := seen.NewIndex(p.list.Len(), p.name)
	count := make(map[int32]int64)
	for _, twin := range index.Twins() {
		name := p.name(int(twin.First))
		if name == nil {
			continue
		}
		count[twin.First]++
		p.names[int(twin.Later)] = strconv.AppendInt(append(bytes.Clone(name), "\x00#"...), count[twin.First]+1, 10)
	}
	index.Rename()
	return index
}
