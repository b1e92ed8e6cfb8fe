package report

import (
	"errors"
	"strings"
	"testing"
	"time"

	"haulmail/fetch"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))

// showSeen gives what stdout and stderr get of two messages that were fetched, one that failed and a retry.
func showSeen(o Options) (stdout, stderr string) {
	var out, err strings.Builder
	o.Out, o.Err = NewOutput(&out), &err
	o.Now = func() time.Time { return noon }
	s := NewSeen(o)
	s.Message("work", fetch.SeenMessage{UID: []byte("a"), Size: 17, Fetched: noon})
	s.Message("work", fetch.SeenMessage{UID: []byte("b\t\xff"), Size: -1, Fetched: noon, Vanished: noon.Add(time.Hour)})
	s.Message("work", fetch.SeenMessage{Size: 0, Fetched: noon})
	s.Failure("work", fetch.FailedMessage{UID: []byte("c"), Count: 3, Last: noon, Next: noon.Add(time.Hour), Reason: "-ERR\t\x1b[2J\xff"})
	s.Retried("work", 2)
	s.Counted("work", 3, "message")
	if out.Len() > 0 {
		return "written before the state is closed: " + out.String(), ""
	}
	result := fetch.Result{Account: "work", Err: &fetch.Error{Account: "work", Doing: "read", Class: fetch.Damaged, Err: errors.New("odd\x1b"), Hint: "move it"}}
	s.Done(result)
	s.Finish([]fetch.Result{result}, 65)
	return out.String(), err.String()
}

func TestSeenAsText(t *testing.T) {
	const lines = "work\ta\t17\t2026-03-01T11:00:00Z\t-\n" +
		`work	b\t\xff	-	2026-03-01T11:00:00Z	2026-03-01T12:00:00Z` + "\n" +
		"work\t-\t0\t2026-03-01T11:00:00Z\t-\n" +
		`work	c	3	2026-03-01T11:00:00Z	2026-03-01T12:00:00Z	-ERR\t\x1b[2J\xff` + "\n"
	const retried = "work   2 messages will be tried again by the next run\n"
	const failure = "haulmail: work: read: odd\\x1b\n  hint: move it\n"
	for _, test := range []struct {
		what           string
		options        Options
		stdout, stderr string
	}{
		{"to a pipe", Options{}, lines, failure},
		{"to a pipe with -v", Options{Verbose: 1}, lines + retried, failure},
		{"to a terminal", Options{OutTTY: true, Live: true}, lines + retried, "work   3 messages\n" + failure},
		{"to a terminal with -q", Options{OutTTY: true, Live: true, Quiet: true}, lines, failure},
	} {
		stdout, stderr := showSeen(test.options)
		if stdout != test.stdout {
			t.Errorf("%s: stdout\n%s\nwant\n%s", test.what, stdout, test.stdout)
		}
		if stderr != test.stderr {
			t.Errorf("%s: stderr %q, want %q", test.what, stderr, test.stderr)
		}
	}
}

func TestSeenAsJSON(t *testing.T) {
	const head, at = `{"v":1,"event":"`, `","time":"2026-03-01T11:00:00Z",`
	want := head + `seen` + at + `"account":"work","uid":"a","size":17,"fetched":"2026-03-01T11:00:00Z"}
` + head + `seen` + at + `"account":"work","uid":"b\\t\\xff","uid_hex":"6209ff","fetched":"2026-03-01T11:00:00Z","vanished":"2026-03-01T12:00:00Z"}
` + head + `seen` + at + `"account":"work","uid":"","size":0,"fetched":"2026-03-01T11:00:00Z"}
` + head + `failure` + at + `"account":"work","uid":"c","count":3,"last":"2026-03-01T11:00:00Z","next":"2026-03-01T12:00:00Z","reason":"-ERR\\t\\x1b[2J\\xff"}
` + head + `retry` + at + `"account":"work","messages":2}
` + head + `error` + at + `"account":"work","class":"damaged","step":"read","error":"odd\u001b","hint":"move it","temporary":false}
` + head + `done` + at + `"ok":0,"failed":1,"messages":0,"bytes":0,"deleted":0,"ms":0,"exit":65}
`
	if got, _ := showSeen(Options{JSON: true, OutTTY: true, Live: true}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
