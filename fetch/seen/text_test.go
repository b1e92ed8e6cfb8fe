package seen

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"
)

func TestText(t *testing.T) {
	b := newBed(t)
	b.must(b.Merge([]Entry{
		{UID: []byte("plain"), ListSize: 17, Fetched: start},
		{UID: []byte("tab\tquote\"\xff\\"), ListSize: NoSize, Fetched: start, Vanished: start.Add(time.Hour)},
		{ListSize: 0},
	}, []Failure{{UID: []byte("größer"), Count: 3, Last: start, Reason: "-ERR\t\x1b[2J"}}))
	const want = "haulmail-seen 1\tpop.example.org\tme@example.org\n" +
		"seen\tplain\t17\t2026-03-01T12:00:00Z\t-\n" +
		`seen	tab\tquote\"\xff\\	-	2026-03-01T12:00:00Z	2026-03-01T13:00:00Z` + "\n" +
		"seen\t\t0\t-\t-\n" +
		`failed	größer	3	2026-03-01T12:00:00Z	-ERR\t\x1b[2J` + "\n" +
		"end\n"
	var text strings.Builder
	b.must(b.WriteText(&text))
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", text.String(), want)
	}
	if err := b.WriteText(brokenPipe{}); err == nil {
		t.Error("what could not be written was")
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestReadTextRefuses(t *testing.T) {
	const head = textMark + "\thost\tme\n"
	for _, c := range []struct {
		what, text string
		line       int
		says       string
	}{
		{"nothing", "", 1, "it ends without"},
		{"another file", "hello\n", 1, "it does not begin with"},
		{"a later version", "haulmail-seen 2\thost\tme\nend\n", 1, "it does not begin with"},
		{"a head without a user", textMark + "\thost\nend\n", 1, "a field is missing"},
		{"a second head", head + head, 2, "it begins with"},
		{"an unknown word", head + "sene\ta\t1\t-\t-\nend\n", 2, `it begins with "sene"`},
		{"a record cut short", head + "seen\ta\t1\n", 2, "a field is missing"},
		{"a field too many", head + "# comment\n\nseen\ta\t1\t-\t-\t-\nend\n", 4, "a field too many"},
		{"cut off between lines", head + "seen\ta\t1\t-\t-\n", 3, "something was cut off"},
		{"a line behind the end", head + "end\nseen\ta\t1\t-\t-\n", 3, "a line behind"},
		{"a size that is none", head + "seen\ta\tx\t-\t-\nend\n", 2, `"x" is no size`},
		{"a negative size", head + "seen\ta\t-2\t-\t-\nend\n", 2, "is no size"},
		{"a size of nobody", head + "seen\ta\t9999999999999999999\t-\t-\nend\n", 2, "is no size"},
		{"a time that is none", head + "seen\ta\t1\tyesterday\t-\nend\n", 2, "is no time"},
		{"a time before time", head + "seen\ta\t1\t1969-12-31T00:00:00Z\t-\nend\n", 2, "is no time"},
		{"a bad escape", head + `seen	a\q	1	-	-` + "\nend\n", 2, "is not escaped rightly"},
		{"a bare quote", head + `seen	a"b	1	-	-` + "\nend\n", 2, "is not escaped rightly"},
		{"bytes that are no text", head + "seen\t\xff\t1\t-\t-\nend\n", 2, "not UTF-8"},
		{"a UID without an end", head + "seen\t" + strings.Repeat("u", MaxUID+1) + "\t1\t-\t-\nend\n", 2, "is longer than"},
		{"a line without an end", head + strings.Repeat("u", longestLine+1), 2, "longer than"},
		{"a failure that never failed", head + "failed\ta\t0\t-\t\nend\n", 2, "no number of failures"},
		{"a reason without an end", head + "failed\ta\t1\t-\t" + strings.Repeat("r", MaxReason+1) + "\nend\n", 2, "is longer than"},
	} {
		_, err := ReadText(strings.NewReader(c.text))
		e, ok := errors.AsType[*TextError](err)
		if !ok || e.Line != c.line || !strings.Contains(e.Error(), c.says) {
			t.Errorf("%s: %v, want line %d: …%s…", c.what, err, c.line, c.says)
		}
	}
	broken := errors.New("broken")
	if _, err := ReadText(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("of a reader that breaks: %v", err)
	}
}

// A state with UIDs of any bytes is the same after its text was read into an empty one.
func TestTextGoesRoundAndRound(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		records, failures := drawRecords(t), drawFailures(t)
		first := mergedText(t, filepath.Join(dir, fmt.Sprint(n, ".a")), records, failures)
		read, err := ReadText(bytes.NewReader(first))
		if err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if read.Identity != me {
			t.Errorf("of %v", read.Identity)
		}
		second := mergedText(t, filepath.Join(dir, fmt.Sprint(n, ".b")), read.Records, read.Failures)
		if !bytes.Equal(first, second) {
			t.Errorf("first\n%s\nthen\n%s", first, second)
		}
	})
}

func drawUID(t *rapid.T) []byte { return rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "uid") }

// drawTime draws a time, also of far centuries, or none.
func drawTime(t *rapid.T) time.Time {
	return moment(rapid.Int64Range(0, 250_000_000_000).Draw(t, "time"))
}

func drawRecords(t *rapid.T) (all []Entry) {
	for range rapid.IntRange(0, 20).Draw(t, "records") {
		size := rapid.Int64Range(NoSize, maxSize).Draw(t, "size")
		all = append(all, Entry{UID: drawUID(t), ListSize: size, Fetched: drawTime(t), Vanished: drawTime(t)})
	}
	return slices.CompactFunc(slices.SortedFunc(slices.Values(all), byUID), func(a, b Entry) bool { return bytes.Equal(a.UID, b.UID) })
}

func byUID(a, b Entry) int { return bytes.Compare(a.UID, b.UID) }

func drawFailures(t *rapid.T) (all []Failure) {
	for range rapid.IntRange(0, 5).Draw(t, "failures") {
		reason := rapid.SliceOfN(rapid.Byte(), 0, MaxReason).Draw(t, "reason")
		all = append(all, Failure{UID: drawUID(t), Count: rapid.IntRange(1, 1000).Draw(t, "count"), Last: drawTime(t), Reason: string(reason)})
	}
	return all
}

// mergedText is the text of a new state with these records and failures.
func mergedText(t *rapid.T, path string, records []Entry, failures []Failure) []byte {
	s, err := Open(path, me, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	defer s.Close()
	var text bytes.Buffer
	if err := errors.Join(s.Merge(records, failures), s.WriteText(&text)); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// A text without end has one, though its lines mean nothing.
func TestReadTextEnds(t *testing.T) {
	_, err := ReadText(endless("\n"))
	if e, ok := errors.AsType[*TextError](err); !ok || e.Line != mostLines+1 || !strings.Contains(e.Error(), "more than 4194304 lines") {
		t.Errorf("got %v", err)
	}
}

// endless repeats itself.
type endless string

func (e endless) Read(p []byte) (n int, _ error) {
	for n+len(e) <= len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}

// What is read without an error can be written, and reads the same then; nothing else is made of what a text may hold.
func FuzzReadText(f *testing.F) {
	f.Add([]byte(textMark + "\thost\tme\nseen\ta\\xff\t1\t2026-03-01T12:00:00Z\t-\nfailed\tb\t1\t2026-03-01T12:00:00Z\tcut\nend\n"))
	f.Add([]byte("# comment\n\n" + textMark + "\t\t\nend"))
	f.Fuzz(func(t *testing.T, text []byte) {
		read, err := ReadText(bytes.NewReader(text))
		if err != nil {
			if _, ok := errors.AsType[*TextError](err); !ok {
				t.Fatal(err)
			}
			return
		}
		var again strings.Builder
		again.WriteString(textMark + "\t" + escape(read.Identity.Server) + "\t" + escape(read.Identity.User) + "\n")
		for _, e := range read.Records {
			if len(e.UID) > MaxUID || e.ListSize < NoSize || e.ListSize > maxSize {
				t.Fatalf("%+v", e)
			}
			fmt.Fprintf(&again, "seen\t%s\t%s\t%s\t%s\n", escape(string(e.UID)), sizeText(e.ListSize), timeText(e.Fetched), timeText(e.Vanished))
		}
		for _, x := range read.Failures {
			if err := x.check(); err != nil || len(x.Reason) > MaxReason {
				t.Fatalf("%+v: %v", x, err)
			}
			fmt.Fprintf(&again, "failed\t%s\t%d\t%s\t%s\n", escape(string(x.UID)), x.Count, timeText(x.Last), escape(x.Reason))
		}
		second, err := ReadText(strings.NewReader(again.String() + "end\n"))
		if err != nil {
			t.Fatalf("%v in\n%s", err, again.String())
		}
		if !reflect.DeepEqual(shape(read), shape(second)) {
			t.Errorf("%+v became\n%+v", read, second)
		}
	})
}

// shape is a text in a form that compares: times by the second.
func shape(x *Text) (lines []string) {
	lines = append(lines, fmt.Sprintf("%q", x.Identity))
	for _, e := range x.Records {
		lines = append(lines, fmt.Sprintf("%q %d %d %d", e.UID, e.ListSize, seconds(e.Fetched), seconds(e.Vanished)))
	}
	for _, f := range x.Failures {
		lines = append(lines, fmt.Sprintf("%q %d %d %q", f.UID, f.Count, seconds(f.Last), f.Reason))
	}
	return lines
}
