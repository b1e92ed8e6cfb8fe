package seen

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestBatchIsPendingUntilSettled(t *testing.T) {
	b := newBed(t)
	first, second := batch("a", "b"), batch("c")
	b.must(b.Begin(first))
	b.want("known while under way", b.known("a", "b"), []string(nil))
	b.reopen()
	pending, err := b.Pending()
	b.must(err)
	b.want("pending", describe(pending...), describe(first))

	b.must(b.Begin(second, first.ID))
	pending, err = b.Pending()
	b.must(err)
	b.want("pending after the second begins", describe(pending...), describe(second))
	b.want("known", b.known("a", "b", "c"), []string{"a", "b"})

	b.must(b.Finish([]uint64{second.ID}, nil))
	b.reopen()
	pending, err = b.Pending()
	b.must(err)
	b.want("pending at the end", len(pending), 0)
	b.want("known at the end", b.known("c", "b", "x", "a"), []string{"c", "b", "a"})
}

func describe(batches ...*Batch) string {
	var w strings.Builder
	for _, b := range batches {
		fmt.Fprintln(&w, b.ID, b.Box, b.At.Unix(), b.Intents)
	}
	return w.String()
}

func TestRecordsTellSizeAndTime(t *testing.T) {
	b := newBed(t)
	ba := batch("a", "doubt", "absurd", "")
	ba.Intents[1].ListSize = NoSize
	ba.Intents[2].ListSize = 1<<62 + 1
	b.must(b.Begin(ba))
	b.must(b.Finish([]uint64{ba.ID}, nil))
	b.now = b.now.Add(48 * time.Hour)
	b.seen("later")
	b.reopen()
	m := b.match("later", "", "a", "unknown", "doubt", "absurd")
	for i, want := range []Record{
		{true, 105, start.Add(48 * time.Hour), false},
		{true, 100, start, false},
		{true, 101, start, false},
		{false, NoSize, time.Time{}, false},
		{true, NoSize, start, false},
		{true, NoSize, start, false},
	} {
		have := m.At(i)
		have.Fetched = have.Fetched.UTC()
		b.want(fmt.Sprint("record ", i), have, want)
	}
}

func TestResolve(t *testing.T) {
	b := newBed(t)
	ba := batch("a", "b", "c", "d")
	b.must(b.Begin(ba))
	b.reopen()
	pending, err := b.Pending()
	b.must(err)
	if err := b.Resolve(pending[0], []bool{true}); err == nil {
		t.Error("one verdict for four messages was accepted")
	}
	b.must(b.Resolve(pending[0], []bool{true, false, true, false}))
	b.reopen()
	b.want("known", b.known("a", "b", "c", "d"), []string{"a", "c"})
	if err := b.Resolve(pending[0], make([]bool, 4)); err == nil {
		t.Error("a batch was resolved twice")
	}
	ba = batch("e")
	b.must(b.Begin(ba))
	b.must(b.Resolve(ba, []bool{false}))
	pending, err = b.Pending()
	b.must(err)
	b.want("pending, known", []any{len(pending), b.known("e")}, []any{0, []string(nil)})
}

func TestRefusedBatches(t *testing.T) {
	b := newBed(t)
	open := batch("open")
	b.must(b.Begin(open))
	for name, spoil := range map[string]func(*Batch){
		"empty":         func(b *Batch) { b.Intents = nil },
		"too many":      func(b *Batch) { b.Intents = make([]Intent, MaxIntents+1) },
		"long uid":      func(b *Batch) { b.Intents[0].UID = make([]byte, MaxUID+1) },
		"no key":        func(b *Batch) { b.Intents[0].Key = "" },
		"key of a path": func(b *Batch) { b.Intents[0].Key = "../../x" },
		"dotted key":    func(b *Batch) { b.Intents[0].Key = ".." },
		"long key":      func(b *Batch) { b.Intents[0].Key = strings.Repeat("k", 256) },
		"negative size": func(b *Batch) { b.Intents[0].Size = -1 },
	} {
		ba := batch("x")
		spoil(ba)
		if err := b.Begin(ba, open.ID); err == nil || damaged(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.Begin(batch("x"), open.ID, open.ID); err == nil {
		t.Error("a batch was settled twice")
	}
	if err := b.Finish([]uint64{99}, nil); err == nil {
		t.Error("a batch that never was is settled")
	}
	b.want("known after all the refusals", b.known("open", "x"), []string(nil))
	b.must(b.Finish([]uint64{open.ID}, nil))
	b.want("known", b.known("open", "x"), []string{"open"})
}

// A day's listing in each row, and what is remembered after its run.
func TestVanishedUIDsAreKeptFor90Days(t *testing.T) {
	b := newBed(t)
	b.seen("a", "b", "c")
	for _, c := range []struct {
		day    int
		listed string
		finds  string // vanished, returned, expired, missing
		state  string
	}{
		{0, "a b c", "0 0 0 0", "a|b|c"},
		{1, "c a", "1 0 0 1", "a|b gone|c"},
		{2, "a c d", "0 0 0 1", "a|b gone|c"},
		{3, "a b c", "0 1 0 0", "a|b|c"},
		{4, "a", "2 0 0 2", "a|b gone|c gone"},
		{5, "c", "1 1 0 2", "a gone|b gone|c"},
		{94, "c", "0 0 0 2", "a gone|b gone|c"},
		{95, "c", "0 0 1 2", "a gone|c"}, // b since day 4, a since day 5
		{96, "a c", "0 1 0 0", "a|c"},
		{97, "", "2 0 0 2", "a gone|c gone"},
		{188, "", "0 0 2 2", ""},
		{189, "a", "0 0 0 0", ""},
	} {
		b.now = start.Add(time.Duration(c.day) * 24 * time.Hour)
		m := b.match(strings.Fields(c.listed)...)
		day := fmt.Sprint("day ", c.day)
		b.want(day+" finds", fmt.Sprint(m.Vanished, m.Returned, m.Expired, m.Records-m.Known), c.finds)
		b.must(b.Finish(nil, m))
		b.want(day+" state", strings.Join(b.records(), "|"), c.state)
		b.reopen()
	}
}

func TestSweepLeavesThisRunsMessagesAlone(t *testing.T) {
	b := newBed(t)
	b.seen("old")
	m := b.match("new")
	ba := batch("new")
	b.must(b.Begin(ba))
	b.must(b.Finish([]uint64{ba.ID}, m))
	b.want("records", b.records(), []string{"old gone", "new"})
}

func TestEqualUIDs(t *testing.T) {
	b := newBed(t)
	b.seen("a", "a", "b")
	b.want("known", b.known("a", "b", "a", "c", "c", "a"), []string{"a", "b", "a", "a"})
	b.want("records", b.match("a", "b", "a").Records, 3)
}

func TestNewestRecordCounts(t *testing.T) {
	b := newBed(t)
	b.seen("a")
	b.now = b.now.Add(time.Hour)
	b.seen("a")
	b.want("fetched", b.match("a").At(0).Fetched.Unix(), b.now.Unix())
}

func TestAddSeenAndForget(t *testing.T) {
	b := newBed(t)
	b.must(b.AddSeen(nil))
	b.want("fresh", b.Fresh(), true)
	var many []Entry
	for i := range 5000 {
		many = append(many, Entry{UID: fmt.Appendf(nil, "%d", i), ListSize: int64(i), Fetched: start})
	}
	b.must(b.AddSeen(many))
	b.must(b.AddSeen([]Entry{{UID: []byte("17"), ListSize: NoSize, Fetched: start.Add(time.Hour)}}))
	b.reopen()
	b.want("fresh", b.Fresh(), false)
	b.want("records", len(b.records()), 5000)
	b.want("17", b.match("17").At(0).ListSize, NoSize)
	n, err := b.Forget(uids("3", "4000", "nobody"))
	b.must(err)
	b.want("forgotten", n, 2)
	b.want("known", b.known("2", "3", "4", "4000", "17"), []string{"2", "4", "17"})
	if err := b.AddSeen([]Entry{{UID: make([]byte, MaxUID+1)}}); err == nil {
		t.Error("a long UID was accepted")
	}
}

func TestUIDsAreAnyBytes(t *testing.T) {
	b := newBed(t)
	names := []string{"", " ", "a b", "\x00", "\xff\xfe", "../../x", strings.Repeat("u", MaxUID), strings.Repeat("u", MaxUID-1)}
	b.seen(names...)
	b.reopen()
	b.want("known", b.known(names...), names)
	b.want("records", b.records(), names)
}

// A run with nothing to record leaves the file as it was, and doesn't touch it.
func TestNothingNewWritesNothing(t *testing.T) {
	b := newBed(t)
	b.seen("a", "b")
	b.must(b.Finish(nil, b.match("a"))) // b is marked
	b.must(b.Close())
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	b.must(os.Chtimes(b.path, long, long))
	b.open()
	b.must(b.Finish(nil, b.match("a", "new")))
	b.must(b.SetNote("none", nil))
	b.must(b.Close())
	info, err := os.Stat(b.path)
	b.must(err)
	b.want("time of the last write", info.ModTime(), long)
}

func TestMarkGone(t *testing.T) {
	b := newBed(t)
	b.seen("a", "b", "c")
	b.must(b.MarkGone([][]byte{[]byte("a"), []byte("c"), []byte("unknown")}))
	b.reopen()
	m := b.match("a", "b")
	for i, want := range []bool{true, false} {
		if got := m.At(i); !got.Known || got.Returned != want || got.Fetched.IsZero() || !got.Fetched.Equal(start) {
			t.Errorf("record %d is %+v, want Returned %v", i, got, want)
		}
	}
	if m.Returned != 1 || m.Vanished != 0 || m.Records != 3 {
		t.Errorf("returned %d, vanished %d, records %d; want 1, 0, 3", m.Returned, m.Vanished, m.Records)
	}
	b.must(b.MarkGone(nil))
}

// A name that may be another message's stays gone until something is recorded of it, and is no reason to write.
func TestOther(t *testing.T) {
	b := newBed(t)
	b.seen("a", "b", "c")
	b.must(b.MarkGone([][]byte{[]byte("a"), []byte("b")}))
	m := b.match("a", "b", "c")
	m.Other(0)
	m.Other(0)
	b.want("returned", m.Returned, 1)
	b.must(b.Finish(nil, m))
	m = b.match("a", "b", "c")
	b.want("still gone, and no longer", []bool{m.At(0).Returned, m.At(1).Returned}, []bool{true, false})
	m.Other(0)
	b.want("a reason to write", m.Changes(), false)
	b.seen("a")
	m = b.match("a", "b", "c")
	b.want("gone, and a reason to write, behind its own record", []bool{m.At(0).Returned, m.Changes()}, []bool{false, false})
}
