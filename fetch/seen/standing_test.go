package seen

import (
	"testing"
	"time"
)

// stands tells whether a listing is the standing one.
func (b *bed) stands(st *Standing, names ...string) bool {
	b.Helper()
	listed := uids(names...)
	return st.Is(len(listed), func(i int) []byte { return listed[i] })
}

func (b *bed) standing() *Standing {
	b.Helper()
	st, err := b.Standing()
	b.must(err)
	return st
}

func TestStanding(t *testing.T) {
	b := newBed(t)
	b.must(b.AddSeen([]Entry{
		{UID: []byte("a"), ListSize: 1, Fetched: start.Add(-time.Hour)},
		{UID: []byte("b"), ListSize: 2, Fetched: start.Add(-48 * time.Hour)},
		{UID: []byte("c"), ListSize: NoSize},
	}))
	st := b.standing()
	b.want("messages", st.Messages, 3)
	b.want("gone", st.Gone, 0)
	b.want("oldest", st.Oldest.UTC(), start.Add(-48*time.Hour))
	for _, names := range [][]string{
		{},
		{"a", "b"},
		{"a", "b", "c", "d"},
		{"a", "b", "d"},
		{"a", "b", "cc"},
		{"ab", "c", "d"},
		{"b", "c", "a"},
		{"a", "a", "b"},
		{"", "a", "b"},
	} {
		if b.stands(st, names...) {
			t.Errorf("%q is taken for the standing listing", names)
		}
	}
	b.want("what the state has stands", b.stands(st, "a", "b", "c"), true)
}

// The same octets are other UIDs elsewhere.
func TestStandingIsOfWholeUIDs(t *testing.T) {
	b := newBed(t)
	b.seen("ab", "c")
	b.want("stands", b.stands(b.standing(), "a", "bc"), false)
}

// Where records are in another order than the UIDs, nobody can tell by the row alone that no UID is listed twice.
func TestStandingOutOfOrder(t *testing.T) {
	b := newBed(t)
	b.seen("b", "a")
	b.want("stands", b.stands(b.standing(), "b", "a"), false)
}

// Two records may have one UID, of which a message was fetched again; a listing that has the UID twice holds another message.
func TestStandingWithAUIDTwice(t *testing.T) {
	b := newBed(t)
	b.seen("a")
	b.seen("a")
	b.seen("b")
	st := b.standing()
	if st.Messages == 3 && b.stands(st, "a", "a", "b") || b.stands(st, "a", "b", "c") {
		t.Error("a listing with an unknown message stands")
	}
}

func TestStandingWithoutWhatIsGone(t *testing.T) {
	b := newBed(t)
	b.seen("a", "b", "c")
	b.must(b.MarkGone(uids("b")))
	st := b.standing()
	b.want("messages, gone", []int{st.Messages, st.Gone}, []int{2, 1})
	b.want("the rest stands", b.stands(st, "a", "c"), true)
	b.want("with what was gone", b.stands(st, "a", "b", "c"), false)
}

func TestStandingOfNothing(t *testing.T) {
	b := newBed(t)
	b.want("an empty mailbox stands", b.stands(b.standing()), true)
}
