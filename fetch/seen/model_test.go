package seen

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fact is what the model remembers of a UID.
type fact struct{ fetched, gone time.Time }

// model is a state made of plain maps, beside the real one.
type model struct {
	path  string
	now   time.Time
	store *Store
	known map[string]fact
	open  []*Batch
}

func (m *model) check(t *rapid.T) {
	var have, want []string
	err := m.store.Each(func(e Entry) error {
		have = append(have, describeFact(string(e.UID), fact{e.Fetched, e.Vanished}))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for uid, f := range m.known {
		want = append(want, describeFact(uid, f))
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Fatalf("records:\n%q\nwant\n%q", have, want)
	}
	pending, err := m.store.Pending()
	if err != nil || describe(pending...) != describe(m.open...) {
		t.Fatalf("pending:\n%s%v, want\n%s", describe(pending...), err, describe(m.open...))
	}
}

func describeFact(uid string, f fact) string {
	if f.gone.IsZero() {
		return fmt.Sprint(uid, f.fetched.Unix())
	}
	return fmt.Sprint(uid, f.fetched.Unix(), " gone ", f.gone.Unix())
}

// long makes a UID of some length, so that the records fill several blocks.
func long(n int) string { return fmt.Sprintf("%0100d", n) }

// fresh draws UIDs that are neither known nor under way: a run fetches no others.
func (m *model) fresh(t *rapid.T) (names []string) {
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 300), 1, 40, rapid.ID).Draw(t, "uids") {
		name := long(n)
		if _, known := m.known[name]; !known && !m.underWay(name) {
			names = append(names, name)
		}
	}
	return names
}

func (m *model) underWay(name string) bool {
	for _, b := range m.open {
		for _, in := range b.Intents {
			if string(in.UID) == name {
				return true
			}
		}
	}
	return false
}

// settle takes some of the open batches, the oldest first, and counts their messages as known.
func (m *model) settle(t *rapid.T) (ids []uint64) {
	for range rapid.IntRange(0, len(m.open)).Draw(t, "settle") {
		b := m.open[0]
		m.open = m.open[1:]
		ids = append(ids, b.ID)
		for _, in := range b.Intents {
			m.known[string(in.UID)] = fact{fetched: b.At}
		}
	}
	return ids
}

func (m *model) begin(t *rapid.T) {
	names := m.fresh(t)
	if len(names) == 0 {
		t.Skip("nothing new")
	}
	b := batch(names...)
	b.At = m.now
	settled := m.settle(t)
	if err := m.store.Begin(b, settled...); err != nil {
		t.Fatal(err)
	}
	m.open = append(m.open, b)
}

func (m *model) finish(t *rapid.T) {
	var listing [][]byte
	listed := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(m.known)) {
		if rapid.IntRange(0, 3).Draw(t, "listed") > 0 {
			listing = append(listing, []byte(name))
			listed[name] = true
		}
	}
	for _, b := range m.open { // what is under way is in the listing
		for _, in := range b.Intents {
			listing = append(listing, in.UID)
			listed[string(in.UID)] = true
		}
	}
	listing = append(listing, []byte("new"))
	found, err := m.store.Match(indexOf(listing))
	if err != nil {
		t.Fatal(err)
	}
	for i, uid := range listing {
		f, known := m.known[string(uid)]
		if r := found.At(i); r.Known != known || known && !r.Fetched.Equal(f.fetched) {
			t.Fatalf("%s: %v, want known %v, %v", uid, r, known, f)
		}
	}
	if err := m.store.Finish(m.settle(t), found); err != nil {
		t.Fatal(err)
	}
	for name, f := range m.known {
		switch {
		case listed[name]:
			f.gone = time.Time{}
		case f.gone.IsZero():
			f.gone = m.now
		case m.now.Sub(f.gone) > KeepVanished:
			delete(m.known, name)
			continue
		}
		m.known[name] = f
	}
}

func (m *model) resolve(t *rapid.T) {
	if len(m.open) == 0 {
		t.Skip("nothing is open")
	}
	b := m.open[0]
	m.open = m.open[1:]
	verdict := rapid.SliceOfN(rapid.Bool(), len(b.Intents), len(b.Intents)).Draw(t, "delivered")
	if err := m.store.Resolve(b, verdict); err != nil {
		t.Fatal(err)
	}
	for i, in := range b.Intents {
		if verdict[i] {
			m.known[string(in.UID)] = fact{fetched: b.At}
		}
	}
}

func (m *model) forget(t *rapid.T) {
	var gone [][]byte
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, 300), 1, 5).Draw(t, "forget") {
		gone = append(gone, []byte(long(n)))
		delete(m.known, long(n))
	}
	if _, err := m.store.Forget(gone); err != nil {
		t.Fatal(err)
	}
}

func (m *model) add(t *rapid.T) {
	var added []Entry
	for _, name := range m.fresh(t) {
		added = append(added, Entry{UID: []byte(name), ListSize: 1, Fetched: m.now})
		m.known[name] = fact{fetched: m.now}
	}
	if err := m.store.AddSeen(added); err != nil {
		t.Fatal(err)
	}
}

func (m *model) reopen(t *rapid.T) {
	if m.store != nil {
		if err := m.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(m.path, me, Options{Now: func() time.Time { return m.now }})
	if err != nil {
		t.Fatal(err)
	}
	m.store = s
	s.db.NoSync = true
}

// Whatever is done in whatever order, the state tells what plain maps tell.
func TestModel(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		m := &model{path: filepath.Join(dir, fmt.Sprint(n)), now: start, known: map[string]fact{}}
		defer os.Remove(m.path)
		m.reopen(t)
		defer func() { m.store.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"":        m.check,
			"begin":   m.begin,
			"finish":  m.finish,
			"resolve": m.resolve,
			"forget":  m.forget,
			"add":     m.add,
			"reopen":  m.reopen,
			"wait":    func(*rapid.T) { m.now = m.now.Add(31 * 24 * time.Hour) },
		})
	})
}
