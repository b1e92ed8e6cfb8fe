package fetch

import (
	"sort"
	"strconv"
	"strings"

	"haulmail/fetch/seen"
)

// byPlace stands in front of what a message without a name fails by: its number and its size. They stay what they are while nothing in front
// of it is deleted. Another message may have them one day, and is only asked for later then.
const byPlace = "\x00place\x00#"

func (p *plan) place(i int) string {
	return byPlace + strconv.Itoa(p.list.Number(i)) + " " + strconv.FormatInt(p.list.Size(i), 10)
}

// key is what the state knows the failures of the i-th message by.
func (p *plan) key(i int) []byte {
	if name := p.name(i); name != nil {
		return name
	}
	return []byte(p.place(i))
}

// trouble tells why this run leaves the i-th message alone, and how it failed in earlier ones.
func (p *plan) trouble(i int) (left Reason, before seen.Failure) {
	if len(p.left)+len(p.failures) == 0 {
		return 0, seen.Failure{}
	}
	key := p.key(i)
	return p.left[string(key)], p.failures[string(key)]
}

// had takes note that a message, or its header, could be had for which a failure is noted by its place.
func (h *haul) had(p *plan, i int) {
	if len(p.failures) == 0 || h.DryRun {
		return
	}
	if place := p.place(i); p.failures[place].Count > 0 {
		h.cleared = append(h.cleared, []byte(place))
	}
}

// forgetPlaces forgets the failures that are noted by places where there is no such message any more.
func (h *haul) forgetPlaces(p *plan) {
	if h.DryRun {
		return
	}
	for key := range p.failures {
		if strings.HasPrefix(key, byPlace) && !p.isPlace(key) {
			h.cleared = append(h.cleared, []byte(key))
		}
	}
}

// isPlace tells whether a message that does not go by its UID has that place.
func (p *plan) isPlace(key string) bool {
	word, _, _ := strings.Cut(strings.TrimPrefix(key, byPlace), " ")
	number, err := strconv.Atoi(word)
	i := sort.Search(p.list.Len(), func(i int) bool { return p.list.Number(i) >= number })
	return err == nil && i < p.list.Len() && p.place(i) == key && p.names.of(i) != byUID
}
