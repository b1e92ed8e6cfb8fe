package last

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzRead reads anything as the file of a last run. What is made of it is written as it was read, and can be added to.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"v":1,"class":"none","mail":{"time":"2026-03-01T12:00:00Z","messages":3,"bytes":99,"deleted":0},"seen":3,"failed":0}`))
	f.Add([]byte(`{"v":1,"class":"login","step":"log in","error":"no","failing_since":"2026-03-01T12:00:00+01:00","success":"0001-01-01T00:00:00Z","seen":-1}`))
	f.Add([]byte(`{"v":1,"class":"\ud800<&>","error":"` + "\xff" + `","next_login":"9999-12-31T23:59:59-23:59"}`))
	f.Add([]byte(`{"v":2,"class":"none"}`))
	f.Add([]byte(`{"v":1}`))
	f.Add([]byte(`{"v":1,"class":"none"} `))
	f.Add([]byte("null"))
	path := filepath.Join(f.TempDir(), "work.last")
	f.Fuzz(func(t *testing.T, text []byte) {
		read := func(text []byte) (Run, bool) {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			r, known, err := Read(path)
			if err != nil {
				t.Fatal(err)
			}
			return r, known
		}
		r, known := read(text)
		if !known {
			if r != (Run{}) {
				t.Errorf("not known, and %+v", r)
			}
			return
		}
		if r.Class == OK && r.Success.IsZero() {
			t.Error("a run that went well is no success")
		}
		again := r.encode()
		second, known := read(again)
		if len(again) <= most && (!known || !bytes.Equal(second.encode(), again)) {
			t.Errorf("%s is read, known %v, as %+v, not as %+v", again, known, second, r)
		}
		next := r.Then(Outcome{At: noon, Class: "login", Error: string(text)})
		if third, known := read(next.encode()); !known || !bytes.Equal(third.encode(), next.encode()) {
			t.Errorf("another run after %+v is read, known %v, as %+v", r, known, third)
		}
	})
}
