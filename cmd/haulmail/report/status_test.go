package report

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"haulmail/fetch"
	"haulmail/fetch/last"
)

// sampleStatus is one account in each condition.
func sampleStatus() []fetch.Status {
	well := fetch.Status{Account: "personal", Known: true, Run: last.Run{
		At: noon.Add(-12 * time.Minute), Success: noon.Add(-12 * time.Minute), Seen: 3481,
		Mail: last.Mail{At: noon.Add(-3 * time.Hour), Messages: 12, Bytes: 4000, Deleted: 2},
	}}
	refused := fetch.Status{Account: "work", Known: true, Running: true, Class: fetch.Login, Run: last.Run{
		At: noon.Add(-30 * time.Second), Success: noon.Add(-5 * 24 * time.Hour), FailingRuns: 3, FailingSince: noon.Add(-3 * time.Hour),
		Step: "log in", Error: "the server refused AUTH PLAIN: \"[AUTH] this account has been locked, ask\x1b[2J the desk\"", Seen: 120, Failed: 1,
		Mail: last.Mail{At: noon.Add(-200 * 24 * time.Hour), Messages: 1}, NextLogin: noon.Add(time.Minute),
	}}
	late := fetch.Status{Account: "far", Known: true, Class: fetch.Held, Run: last.Run{At: noon, FailingRuns: 1, FailingSince: noon, Step: "connect", Error: "connect to far.example: timed out"}}
	return []fetch.Status{well, refused, late, {Account: "never run"}}
}

// The place of the clock is set once, before there is any goroutine of a progress bar that asks for it.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	m.Run()
}

func TestStatus(t *testing.T) {
	want := `account    last run    ended   last mail   fetched  deleted   seen  failed
personal   12 min ago  ok      3 h ago          12        2  3,481       0
work       running     failed  2025-08-13        1        0    120       1
  log in: the server refused AUTH PLAIN: "[AUTH] this account has been locked,
  ask\x1b[2J the desk"
  failing for 3 runs, since 2026-03-01 08:00 (login), last success 5 d ago
  next login at 11:01:00 on 2026-03-01
far        just now    failed  -                 -        -      0       0
  connect to far.example: timed out
  failed for the first time (temporary, held back), never with success
never run  unknown     -       -                 -        -      -       -
`
	if got := Status(sampleStatus(), noon, 80); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestStatusFitsTheTerminal(t *testing.T) {
	all := sampleStatus()
	all[0].Account = strings.Repeat("long name ", 6)
	for _, width := range []int{80, 100} {
		for line := range strings.Lines(Status(all, noon, width)) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("%d columns: %d in %q", width, n, line)
			}
		}
	}
	if whole := Status(all, noon, 0); !strings.Contains(whole, all[0].Account) || !strings.Contains(whole, "the desk\"\n") {
		t.Errorf("to a file, cut:\n%s", whole)
	}
}

func TestStatusJSON(t *testing.T) {
	var out strings.Builder
	o := Options{Out: NewOutput(&out), Now: func() time.Time { return noon }}
	StatusJSON(o, sampleStatus()[1:], nil, 77)
	const head = `{"v":1,"event":"status","time":"2026-03-01T11:00:00Z","account":`
	want := head + `"work","running":true,"last_run":"2026-03-01T10:59:30Z","last_success":"2026-02-24T11:00:00Z","class":"login","step":"log in",` +
		`"error":"the server refused AUTH PLAIN: \"[AUTH] this account has been locked, ask\u001b[2J the desk\"","failing_runs":3,"failing_since":"2026-03-01T08:00:00Z",` +
		`"mail":{"time":"2025-08-13T11:00:00Z","messages":1,"bytes":0,"deleted":0},"seen":120,"failed":1,"next_login":"2026-03-01T11:01:00Z"}
` + head + `"far","running":false,"last_run":"2026-03-01T11:00:00Z","class":"held","step":"connect","error":"connect to far.example: timed out","failing_runs":1,"failing_since":"2026-03-01T11:00:00Z","seen":0,"failed":0}
` + head + `"never run","running":false}
{"v":1,"event":"done","time":"2026-03-01T11:00:00Z","ok":0,"failed":0,"messages":0,"bytes":0,"deleted":0,"ms":0,"exit":77}
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestAgo(t *testing.T) {
	for _, c := range []struct {
		before time.Duration
		want   string
	}{
		{0, "just now"},
		{59 * time.Second, "just now"},
		{time.Minute, "1 min ago"},
		{59*time.Minute + 59*time.Second, "59 min ago"},
		{time.Hour, "1 h ago"},
		{47 * time.Hour, "47 h ago"},
		{48 * time.Hour, "2 d ago"},
		{99 * 24 * time.Hour, "99 d ago"},
		{100 * 24 * time.Hour, "2025-11-21"},
		{-30 * time.Second, "just now"},
		{-48 * time.Hour, "2026-03-03"},
	} {
		if got := ago(noon.Add(-c.before), noon); got != c.want {
			t.Errorf("%s before: %q, want %q", c.before, got, c.want)
		}
	}
}
