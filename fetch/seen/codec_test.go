package seen

import (
	"bytes"
	"reflect"
	"testing"
)

func FuzzBatch(f *testing.F) {
	f.Add(batch("a").encode())
	f.Add(batch("", "b", "a longer one").encode())
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, value []byte) {
		b, err := decodeBatch(3, value)
		if err != nil {
			return
		}
		if err := b.check(); err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		again, err := decodeBatch(3, b.encode())
		if err != nil || !reflect.DeepEqual(b, again) {
			t.Fatalf("read %v, wrote and read %v, %v", b, again, err)
		}
	})
}

// readAll decodes a block and encodes it again.
func readAll(t *testing.T, value []byte) (all []entry, again []byte, ok bool) {
	br := blockReader{r: reader{b: value}}
	var w blockWriter
	for {
		e, more := br.next()
		if !more {
			return all, w.b, br.err() == nil
		}
		if len(e.uid) > MaxUID || e.size < NoSize || e.size > maxSize {
			t.Fatalf("out of bounds: %v", e)
		}
		all = append(all, e)
		w.add(e)
	}
}

func FuzzRecord(f *testing.F) {
	var w blockWriter
	for _, e := range []entry{
		{uid: []byte("a"), size: 5, fetched: 1_772_366_400, gone: stays},
		{uid: nil, size: NoSize, fetched: 0, gone: 1},
		{uid: bytes.Repeat([]byte{'x'}, 500), size: maxSize, fetched: -1 << 62, gone: 1 << 62},
		{uid: []byte("b"), size: 0, fetched: 1 << 62, gone: -1},
	} {
		w.add(e)
		f.Add(bytes.Clone(w.b))
	}
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, value []byte) {
		all, value, ok := readAll(t, value)
		if !ok {
			return
		}
		again, twice, ok := readAll(t, value)
		if !ok || !bytes.Equal(value, twice) || len(all) != len(again) {
			t.Fatalf("read %v, wrote and read %v", all, again)
		}
		for i := range all {
			if !reflect.DeepEqual(normal(all[i]), normal(again[i])) {
				t.Fatalf("record %d: read %v, wrote and read %v", i, all[i], again[i])
			}
		}
	})
}

// normal makes empty UIDs comparable.
func normal(e entry) entry {
	e.uid = append([]byte{}, e.uid...)
	return e
}

func FuzzHead(f *testing.F) {
	f.Add(head{id: me, spool: "abcdefghijklmnop", batches: 7}.encode())
	f.Add([]byte{format, 0, 0, 0})
	f.Add([]byte{format + 1})
	f.Fuzz(func(t *testing.T, value []byte) {
		h, err := decodeHead(value)
		if err != nil {
			return
		}
		if again, err := decodeHead(h.encode()); err != nil || again != h {
			t.Fatalf("read %v, wrote and read %v, %v", h, again, err)
		}
	})
}
