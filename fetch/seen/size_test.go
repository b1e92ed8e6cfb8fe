package seen

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// dovecot is the i-th UID of a maildrop as Dovecot counts them; opaque looks like a hash, in no order.
func dovecot(i int) []byte { return fmt.Appendf(nil, "%08x%08x", i+1, 0x5f3c2a11) }

func opaque(i int) []byte {
	sum := sha256.Sum256(fmt.Append(nil, i))
	return hex.AppendEncode(nil, sum[:8])
}

// fill records n messages in batches, the way a first run does.
func fill(t testing.TB, path string, n, size int, uid func(int) []byte) {
	t.Helper()
	s, err := Open(path, me, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.db.NoSync = true // only the size matters here
	var settle []uint64
	for i := 0; i < n; {
		b := &Batch{Box: Box{Path: "/home/me/Mail/inbox", Dev: 2049, Ino: 1 << 20}, At: start}
		for ; i < n && len(b.Intents) < size; i++ {
			u := uid(i)
			b.Intents = append(b.Intents, Intent{
				UID: u, Key: fmt.Sprintf("1772366400.H%x.host,S=%d,W=%d", u, 3000+i%977, 3100+i%977),
				ListSize: int64(3000 + i%977), Size: int64(2900 + i%977),
			})
		}
		if err := s.Begin(b, settle...); err != nil {
			t.Fatal(err)
		}
		settle = []uint64{b.ID}
	}
	if err := s.Finish(settle, nil); err != nil {
		t.Fatal(err)
	}
}

func onDisk(t testing.TB, path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Blocks * 512
}

// A UID of 16 bytes costs 60 bytes on disk at the very most, in whatever order the UIDs come and however few at a time.
func TestSizeOnDisk(t *testing.T) {
	for _, c := range []struct {
		name       string
		n, batch   int
		uid        func(int) []byte
		most, each int64
	}{
		{"ten", 10, 10, dovecot, 32 << 10, 0},
		{"growing", 100_000, 512, dovecot, 0, 40},
		{"hashes", 100_000, 512, opaque, 0, 40},
		{"one by one", 3_000, 1, dovecot, 0, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			fill(t, path, c.n, c.batch, c.uid)
			size := onDisk(t, path)
			t.Logf("%d UIDs: %d bytes on disk, %.1f each", c.n, size, float64(size)/float64(c.n))
			if most := max(c.most, c.each*int64(c.n)); size > most {
				t.Errorf("%d bytes on disk, want at most %d", size, most)
			}
		})
	}
}

func benchmarkState(b *testing.B, n int, uid func(int) []byte) (path string, list [][]byte) {
	path = filepath.Join(b.TempDir(), "state")
	fill(b, path, n, 512, uid)
	for i := range n {
		list = append(list, uid(i))
	}
	return path, list
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{10, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path, _ := benchmarkState(b, n, dovecot)
			b.ReportAllocs()
			for b.Loop() {
				s, err := Open(path, me, Options{})
				if err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, of := range []struct {
		name string
		uid  func(int) []byte
	}{{"dovecot", dovecot}, {"hashes", opaque}} {
		for _, n := range []int{100_000, 1_000_000} {
			b.Run(fmt.Sprint(of.name, "/", n), func(b *testing.B) {
				path, list := benchmarkState(b, n, of.uid)
				s, err := Open(path, me, Options{})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				b.ReportAllocs()
				for b.Loop() {
					m, err := s.Match(indexOf(list))
					if err != nil {
						b.Fatal(err)
					}
					if m.Records != n || m.Known != n {
						b.Fatal("not all known")
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/UID")
			})
		}
	}
}
