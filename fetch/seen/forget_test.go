package seen

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

// wanted lists the wanted UIDs, sorted.
func (b *bed) wanted() (names []string) {
	b.Helper()
	uids, err := b.Wanted()
	b.must(err)
	for uid := range uids {
		names = append(names, uid)
	}
	slices.Sort(names)
	return names
}

// What is forgotten is wanted until it is fetched again, or marked as fetched, also after a restart.
func TestForgottenIsWanted(t *testing.T) {
	b := newBed(t)
	b.seen("a", "b", "", "c")
	if w := b.wanted(); w != nil {
		t.Fatalf("wanted at first: %q", w)
	}
	if n, err := b.Forget(uids("a", "", "c", "never")); n != 3 || err != nil {
		t.Fatalf("forgot %d, %v", n, err)
	}
	b.reopen()
	if w := b.wanted(); !slices.Equal(w, []string{"", "a", "c", "never"}) {
		t.Errorf("wanted %q", w)
	}
	b.seen("a")
	b.must(b.AddSeen([]Entry{{ListSize: 7}}))
	if w := b.wanted(); !slices.Equal(w, []string{"c", "never"}) {
		t.Errorf("after two of them came: wanted %q", w)
	}
}

func TestForgetAll(t *testing.T) {
	b := newBed(t)
	if n, err := b.ForgetAll(); n != 0 || err != nil {
		t.Fatalf("of nothing: %d, %v", n, err)
	}
	if b.Fresh() {
		t.Error("a state whose mail is to be fetched again looks like one that was lost")
	}
	var names []string
	for i := range 500 { // several blocks
		names = append(names, long(i))
	}
	b.seen(names...)
	b.must(b.NoteFailures([]Failure{{UID: []byte("x"), Count: 1, Last: start}}, nil))
	b.must(b.SetNotes(Note{"one", []byte("1")}, Note{"two", []byte("2")}))
	if n, err := b.ForgetAll(Note{"one", nil}, Note{"three", []byte("3")}); n != len(names) || err != nil {
		t.Fatalf("forgot %d, %v", n, err)
	}
	b.reopen()
	if known := b.known(names...); known != nil {
		t.Errorf("still known: %.100q", known)
	}
	for name, want := range map[string]string{"one": "", "two": "2", "three": "3"} {
		if got, err := b.Note(name); string(got) != want || err != nil {
			t.Errorf("note %s is %q, %v", name, got, err)
		}
	}
	if failed, err := b.Failures(); len(failed) != 1 || err != nil {
		t.Errorf("failures %v, %v", failed, err)
	}
	b.seen("again")
}

// What is merged is there with its times; what was only marked has none.
func TestMerge(t *testing.T) {
	b := newBed(t)
	b.must(b.Merge(nil, nil))
	if !b.Fresh() {
		t.Error("merging nothing is something")
	}
	b.must(b.NoteFailures([]Failure{{UID: []byte("a"), Count: 9, Last: start}}, nil))
	gone := start.Add(time.Hour)
	b.must(b.Merge(
		[]Entry{{UID: []byte("a"), ListSize: 5}, {UID: []byte("b"), ListSize: NoSize, Fetched: start, Vanished: gone}},
		[]Failure{{UID: []byte("c"), Count: 2, Last: start, Reason: "cut off"}},
	))
	m := b.match("a", "b", "c")
	if r := m.At(0); !r.Known || r.ListSize != 5 || !r.Fetched.IsZero() {
		t.Errorf("marked: %+v", r)
	}
	if r := m.At(1); !r.Known || !r.Fetched.Equal(start) || !r.Returned {
		t.Errorf("vanished: %+v", r)
	}
	if failed, err := b.Failures(); len(failed) != 1 || string(failed[0].UID) != "c" || err != nil {
		t.Errorf("failures %v, %v", failed, err)
	}
	if err := b.Merge([]Entry{{UID: []byte("d")}}, []Failure{{UID: []byte("e")}}); err == nil || b.known("d") != nil {
		t.Errorf("a failure that never failed: %v, known %q", err, b.known("d"))
	}
}

// Whether the lock is held is told at once, and nobody who wants to hold it is kept from that by the question.
func TestHeld(t *testing.T) {
	b := newBed(t)
	if held, err := Held(b.path + ".none"); held || err != nil {
		t.Errorf("without a state: %v, %v", held, err)
	}
	if held, err := Held(b.path); !held || err != nil {
		t.Errorf("open: %v, %v", held, err)
	}
	b.must(b.Store.Close())
	if held, err := Held(b.path); held || err != nil {
		t.Errorf("closed: %v, %v", held, err)
	}
	reader, err := Open(b.path, me, Options{ReadOnly: true})
	b.must(err)
	if held, err := Held(b.path); held || err != nil {
		t.Errorf("while it is only read: %v, %v", held, err)
	}
	b.must(reader.Close())

	for try := 1; ; try++ { // on a busy machine the look may end late
		look, err := os.Open(b.path) // as Held does, if for longer
		b.must(err)
		b.must(syscall.Flock(int(look.Fd()), syscall.LOCK_SH|syscall.LOCK_NB))
		closed := make(chan struct{})
		time.AfterFunc(lockRetry/4, func() { _ = look.Close(); close(closed) })
		s, err := Open(b.path, me, b.options())
		<-closed
		if errors.Is(err, ErrLocked) && try < 5 {
			continue
		}
		b.must(err)
		b.Store = s
		return
	}
}
