package last

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is so many minutes past noon.
func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

func TestRunsAddUp(t *testing.T) {
	refused := Outcome{At: at(20), Class: "login", Step: "log in", Error: "no"}
	for _, c := range []struct {
		what string
		runs []Outcome
		want Run
	}{
		{
			"the first one",
			[]Outcome{{At: at(0), Class: OK, Messages: 3, Bytes: 99, Listed: true, Seen: 3}},
			Run{At: at(0), Class: OK, Success: at(0), Mail: Mail{at(0), 3, 99, 0}, Seen: 3},
		},
		{
			"nothing new after it",
			[]Outcome{{At: at(0), Class: OK, Messages: 3, Bytes: 99, Listed: true, Seen: 3}, {At: at(10), Class: OK, Listed: true, Seen: 3}},
			Run{At: at(10), Class: OK, Success: at(10), Mail: Mail{at(0), 3, 99, 0}, Seen: 3},
		},
		{
			"a refused login keeps what was known",
			[]Outcome{{At: at(0), Class: OK, Messages: 3, Bytes: 99, Listed: true, Seen: 3, Failed: 1}, refused},
			Run{At: at(20), Class: "login", Step: "log in", Error: "no", Success: at(0), FailingRuns: 1, FailingSince: at(20), Mail: Mail{at(0), 3, 99, 0}, Seen: 3, Failed: 1},
		},
		{
			"failing goes on, if for another reason",
			[]Outcome{refused, {At: at(30), Class: "temporary", Step: "connect", Error: "late"}},
			Run{At: at(30), Class: "temporary", Step: "connect", Error: "late", FailingRuns: 2, FailingSince: at(20)},
		},
		{
			"healed",
			[]Outcome{refused, {At: at(30), Class: OK, Listed: true, Deleted: 2, NextLogin: at(40)}, {At: at(31), Class: "io", NextLogin: time.Time{}}},
			Run{At: at(31), Class: "io", Success: at(30), FailingRuns: 1, FailingSince: at(31), Mail: Mail{at(30), 0, 0, 2}, NextLogin: at(40)},
		},
		{
			"an endless error",
			[]Outcome{{At: at(0), Class: "io", Error: strings.Repeat("x", mostText+1)}},
			Run{At: at(0), Class: "io", FailingRuns: 1, FailingSince: at(0), Error: strings.Repeat("x", mostText) + "…"},
		},
	} {
		path := filepath.Join(t.TempDir(), "work.status")
		for _, o := range c.runs {
			if err := Note(path, o); err != nil {
				t.Fatal(err)
			}
		}
		c.want.V = version
		if got, known, _ := Read(path); !known || got != c.want {
			t.Errorf("%s: known %v\n%+v, want\n%+v", c.what, known, got, c.want)
		}
		if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
			t.Errorf("%s: left behind: %q", c.what, left)
		}
	}
}

// An outcome like the one before sets the file's time and does not write it.
func TestNothingNewIsNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "work.status")
	note := func(o Outcome) os.FileInfo {
		t.Helper()
		err := Note(path, o)
		info, err2 := os.Stat(path)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		return info
	}
	first := note(Outcome{At: at(0), Class: OK, Messages: 1, Listed: true, Seen: 1})
	again := note(Outcome{At: at(5), Class: OK, Listed: true, Seen: 1})
	if !os.SameFile(first, again) || !again.ModTime().Equal(at(5)) {
		t.Errorf("replaced, or at %s", again.ModTime())
	}
	if other := note(Outcome{At: at(6), Class: OK, Listed: true, Seen: 2}); os.SameFile(first, other) {
		t.Error("written in place: whoever reads it meanwhile sees half of it")
	} else if other.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", other.Mode())
	}
}

// What is cut off of an error within a character reads back as it was written.
func TestLongErrorStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "work.status")
	long := Outcome{At: at(7), Class: "protocol", Error: "x" + strings.Repeat("é", mostText)}
	if err := Note(path, long); err != nil {
		t.Fatal(err)
	}
	want := Run{}.Then(long)
	if got, known, _ := Read(path); !known || got != want {
		t.Errorf("known %v\n%+v, want\n%+v", known, got, want)
	}
}

func TestUnknown(t *testing.T) {
	dir := t.TempDir()
	for what, content := range map[string]string{
		"empty": "", "cut short": `{"v":1,"cla`, "of a later version": `{"v":2,"class":"none"}`, "another thing": `[]`, "without a class": `{"v":1}`,
		"endless": `{"v":1,"class":"none"}` + strings.Repeat(" ", most),
	} {
		path := filepath.Join(dir, "work.status")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, known, _ := Read(path); known {
			t.Errorf("%s: %+v", what, r)
		}
		if err := Note(path, Outcome{At: noon, Class: OK}); err != nil {
			t.Errorf("%s: not replaced: %v", what, err)
		}
	}
	if _, known, _ := Read(dir); known {
		t.Error("a folder is read")
	}
	if err := Note(filepath.Join(dir, "missing", "work.status"), Outcome{At: noon, Class: OK}); err == nil {
		t.Error("written into a folder that is not there")
	}
}
