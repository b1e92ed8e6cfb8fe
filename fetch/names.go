package fetch

import (
	"bytes"
	"cmp"
	"errors"
	"hash"
	"strconv"

	"haulmail/fetch/pop3"
	"haulmail/fetch/seen"
)

// What stands in front of a name that is no UID. (A UID that begins so would be a server's attempt to confuse, and confuse its own mail.)
const (
	byHeader  = "\x00header\x00"
	byContent = "\x00content\x00"
)

// nameMessages finds a name for each message that has none of its own, because the server has no UIDL or gives it an empty UID: the
// digest of its header stands in, and where TOP is refused too, only the content, once it is fetched. An account keeps to the way by
// which its mail was fetched: by another one it would all come again.
func (h *haul) nameMessages(s *session, p *plan) error {
	p.names = make(map[int][]byte)
	withoutUIDL := p.list.NoUIDL != nil
	before, err := h.namesBefore()
	if err != nil {
		return err
	}
	if withoutUIDL && (before.uid || temporary(p.list.NoUIDL)) {
		return doing(doingList, p.list.NoUIDL)
	}
	withoutUIDL = withoutUIDL || before.header || before.content
	var unnamed, numbers []int
	for i := range p.list.Len() {
		if uid := p.list.UID(i); withoutUIDL || uid != nil && len(uid) == 0 {
			unnamed = append(unnamed, i)
			numbers = append(numbers, p.list.Number(i))
		}
	}
	if len(unnamed) == 0 {
		return nil
	}
	if before.content && !before.header {
		return h.nameByContent(p, unnamed)
	}
	digests, err := s.client.HeaderDigests(numbers, s.pipelining)
	if err != nil {
		return doing(doingList, s.brokenAhead(err))
	}
	return h.nameByHeaders(p, before, unnamed, digests)
}

// nameByHeaders names messages by the digests of their headers. One whose header is refused for the moment is not fetched, since it may
// have been before; and if no header can be had for now, or not by the way that the account's mail was named by, nothing is.
func (h *haul) nameByHeaders(p *plan, before ways, unnamed []int, digests []pop3.Digest) error {
	p.waiting = make(map[int]bool)
	var refused []int
	var why *pop3.ServerError
	for k, i := range unnamed {
		no := digests[k].Refused
		switch {
		case no == nil:
			p.names[i] = append([]byte(byHeader), digests[k].Sum[:]...)
			continue
		case temporary(no):
			p.waiting[i] = true
			why = no
		}
		refused, why = append(refused, k), cmp.Or(why, no)
	}
	if len(refused) == len(unnamed) && (before.header || len(p.waiting) > 0) {
		return doing(doingList, why)
	}
	for _, k := range refused {
		if i := unnamed[k]; p.waiting[i] && !h.DryRun {
			p.names[i] = nil
			h.failed(p, i, digests[k].Refused)
		}
		if err := h.nameByContent(p, unnamed[k:k+1]); err != nil {
			return err
		}
	}
	return nil
}

// nameByContent leaves the names of messages to their contents.
func (h *haul) nameByContent(p *plan, unnamed []int) error {
	for _, i := range unnamed {
		p.names[i] = nil
	}
	return h.loadContents(p)
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
		p.twins = append(p.twins, twin)
		count[twin.First]++
		p.names[int(twin.Later)] = strconv.AppendInt(append(bytes.Clone(name), "\x00#"...), count[twin.First]+1, 10)
	}
	index.Rename()
	return index
}
