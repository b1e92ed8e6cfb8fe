package seen

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

var me = Identity{Server: "pop.example.org", User: "me@example.org"}

func TestScratch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "me.state")
	s, err := Open(path, me, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(s.Fresh(), s.Spool())
	b := &Batch{Intents: []Intent{{UID: []byte("x"), Key: "k", ListSize: 3}}}
	if err := s.Begin(b); err != nil {
		t.Fatal(err)
	}
	p, err := s.Pending()
	t.Log(p[0], err)
	if err := s.Finish([]uint64{b.ID}, nil); err != nil {
		t.Fatal(err)
	}
	m, err := s.Match([][]byte{[]byte("x"), []byte("y"), []byte("x")})
	t.Log(m.At(0), m.At(1), m.At(2), m.Vanished, err)
	t.Log(s.Close(), time.Now())
	_ = fmt.Sprint()
}
