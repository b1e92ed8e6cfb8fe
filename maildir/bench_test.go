package maildir

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
)

// BenchmarkBatch delivers batches of 5 KB messages, as a run does. The folder
// stays on one file system with the tests' temporary folder: see TMPDIR.
func BenchmarkBatch(b *testing.B) {
	body := bytes.Repeat([]byte("A line of a message, as long as lines are, or a bit more.\n"), 5000/58)
	for _, n := range []int{1, 4, 5, 64, 512} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			box, err := Open(filepath.Join(b.TempDir(), "box"), "bench", Options{Create: true, Hostname: "host.example.org"})
			if err != nil {
				b.Fatal(err)
			}
			defer box.Close()
			files := make([]*File, n)
			b.ReportAllocs()
			for b.Loop() {
				for i := range files {
					f, err := box.Create(Hash{byte(i), byte(i >> 8)})
					if err != nil {
						b.Fatal(err)
					}
					files[i] = f
					if _, err := f.Write(body); err != nil {
						b.Fatal(err)
					}
					if err := f.Close(); err != nil {
						b.Fatal(err)
					}
				}
				if err := box.Sync(files); err != nil {
					b.Fatal(err)
				}
				if err := box.Deliver(files); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}
