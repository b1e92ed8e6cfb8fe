package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1}, 5},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 100, 1, 2}, 3},
	} {
		if got := median(test.values); got != test.want {
			t.Errorf("median of %v is %v, want %v", test.values, got, test.want)
		}
	}
}

// runs gives a row with so many calls of class fsync, -1 being not known, and a run for each wall time in milliseconds, with the CPU time a tenth of it; 0 is a round left out.
func runs(name string, syncs int, walls ...int) *row {
	r := &row{client: client{name: name}, syncs: syncs}
	if syncs < 0 {
		r.uncounted = errors.New("no strace")
	}
	for i, wall := range walls {
		if wall == 0 {
			continue
		}
		took := time.Duration(wall) * time.Millisecond
		s := sample{Wall: took, User: took / 20, System: took / 20, Peak: int64(10+i) * miB}
		r.runs = append(r.runs, measurement{i + 1, s, false})
	}
	return r
}

// Ratios are of the same round: the median of 3, 1/2 and 2/3, not the ratio of the medians.
func TestRatiosOfRounds(t *testing.T) {
	base := runs("mpop", 0, 100, 200, 300)
	mine := runs("haulmail", 0, 300, 100, 200)
	s := mine.summary(base)
	if s.Ratio != 2.0/3 || math.Abs(s.CPURatio-2.0/3) > 1e-9 || s.Wall != 200*time.Millisecond || s.CPU != 20*time.Millisecond || s.Peak != 12*miB {
		t.Errorf("got %+v", s)
	}
	if late := runs("fdm", 0, 0, 0, 3000).summary(base); late.Ratio != 10 {
		t.Errorf("a client that ran in the third round only has the ratio %v, want 10", late.Ratio)
	}
	if alone := mine.summary(nil); alone.Ratio != 0 {
		t.Errorf("without mpop the ratio is %v, want none", alone.Ratio)
	}
}

// ofEverything is a result for each thing that a table has to tell.
func ofEverything() []result {
	failed := runs("fdm", -1, 400)
	failed.failed = errors.New("not the mail that was put in")
	never := runs("getmail6", -1)
	never.failed = errLate
	wrote := runs("haulmail", 2, 20)
	wrote.runs[0].wrote = true
	return []result{
		{
			scenario{name: "S1", what: "kept", messages: 1000, mailboxes: 2, limits: limits{Ratio: 0.5, CPURatio: 0.5, Wall: time.Second, Peak: 11 * miB}},
			1,
			[]*row{runs("mpop", 2002, 1000, 1000), runs("haulmail", 10, 400, 300)},
		},
		{
			scenario{name: "S2", what: "missed", messages: 1, mailboxes: 1, limits: limits{Ratio: 0.3, CPURatio: 0.2, Wall: 300 * time.Millisecond, Peak: 9 * miB}},
			1,
			[]*row{runs("mpop", 1, 1000), runs("haulmail", 1, 400), failed, never},
		},
		{
			scenario{name: "S3", what: "wrote", known: true, messages: 1, mailboxes: 1, limits: limits{Idle: true}},
			1,
			[]*row{wrote},
		},
		{
			scenario{name: "S5", what: "not counted", known: true, messages: 1, mailboxes: 1, limits: limits{Idle: true}},
			1,
			[]*row{runs("haulmail", -1, 20)},
		},
		{scenario{name: "S4", what: "no limits", messages: 1, mailboxes: 1}, 1, []*row{runs("haulmail", 1, 99)}},
	}
}

const wantTable = `
| scenario    | client   | wall    | CPU     | peak memory | fsyncs          | to mpop | limits                                                                                                 |
|---          |---       |---      |---      |---          |---              |---      |---                                                                                                     |
| S1 kept     | mpop     | 1.000 s | 0.100 s | 11.0 MiB    | 1.001 a message | 1.000   |                                                                                                        |
|             | haulmail | 0.350 s | 35.0 ms | 11.0 MiB    | 0.005 a message | 0.350   | kept                                                                                                   |
| S2 missed   | mpop     | 1.000 s | 0.100 s | 10.0 MiB    | 1 in all        | 1.000   |                                                                                                        |
|             | haulmail | 0.400 s | 40.0 ms | 10.0 MiB    | 1 in all        | 0.400   | **MISSED** time 0.400 > 0.30 of mpop's, CPU 0.400 > 0.20 of mpop's, 0.400 s > 0.300 s, 10.0 MiB > 9.0 MiB |
|             | fdm      | 0.400 s | 40.0 ms | 10.0 MiB    | –               | 0.400   | FAILED: not the mail that was put in                                                                   |
|             | getmail6 | –       | –       | –           | –               | –       | no run: took longer than allowed                                                                       |
| S3 wrote    | haulmail | 20.0 ms | 2.0 ms  | 10.0 MiB    | 2 in all        | –       | **MISSED** it wrote, 2 fsyncs                                                                          |
| S5 not counted| haulmail | 20.0 ms | 2.0 ms  | 10.0 MiB    | – | –       | **MISSED** fsyncs not counted: no strace |
| S4 no limits| haulmail | 99.0 ms | 9.9 ms  | 10.0 MiB    | 1 in all        | –       |                                                                                                        |
`

func TestTable(t *testing.T) {
	var out strings.Builder
	clients := []client{{name: "mpop"}, {name: "getmail6", adds: returnPath}}
	if err := printTable(&out, record{Machine: "2 × Test", Commit: "abc", Scale: 0.1}, ofEverything(), clients); err != nil {
		t.Fatal(err)
	}
	table, notes, _ := strings.Cut(out.String(), "\n\n")
	if got, want := squeeze(table), squeeze(wantTable); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, note := range []string{"2 × Test; haulmail of commit abc", "mpop: every octet;", `but "Return-Path: <unknown>\n"`, "only 0.1 of the mail"} {
		if !strings.Contains(notes, note) {
			t.Errorf("the notes do not tell %q:\n%s", note, notes)
		}
	}
}

// squeeze takes the blanks out of a table: tabwriter's columns are not ours to test.
func squeeze(table string) string { return strings.ReplaceAll(strings.TrimSpace(table), " ", "") }

// The plot is an SVG that names what it shows.
func TestPlot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plot.svg")
	if err := drawPlot(file, ofEverything(), allClients("haulmail")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var shows []string
	for d := xml.NewDecoder(strings.NewReader(string(text))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		if words, ok := token.(xml.CharData); ok {
			shows = append(shows, string(words))
		}
	}
	all := strings.Join(shows, "\n")
	for _, word := range []string{"S1", "S4", "haulmail", "mpop", "fdm"} {
		if !strings.Contains(all, word) {
			t.Errorf("the plot does not show %s", word)
		}
	}
	if strings.Contains(all, "fetchmail") {
		t.Error("the plot names a client that did not run")
	}
}

func TestPlotOfNothing(t *testing.T) {
	alone := []result{{scenario{name: "S1", limits: limits{Ratio: 1}}, 1, []*row{runs("haulmail", 1, 5)}}}
	if err := drawPlot(filepath.Join(t.TempDir(), "plot.svg"), alone, allClients("haulmail")); err == nil {
		t.Error("no error of a plot without mpop")
	}
}

func TestEveryClientHasAColor(t *testing.T) {
	for _, c := range allClients("haulmail") {
		if clientColors[c.name] == nil {
			t.Errorf("%s has none", c.name)
		}
	}
}
