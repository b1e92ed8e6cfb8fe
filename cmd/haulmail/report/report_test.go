package report

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"haulmail/config"
	"haulmail/fetch"
	"haulmail/fetch/header"
)

var update = flag.Bool("update", false, "write the golden files anew")

// clock is the time of every report in these tests.
func clock() time.Time { return time.Date(2026, 11, 23, 12, 0, 1, 0, time.FixedZone("", 3600)) }

// aRun is a run of four accounts: one with new mail, one with none, one that is refused, one that another run holds.
func aRun() []fetch.Event {
	work, home, refused, busy := results()
	return []fetch.Event{
		fetch.Resolved{Account: "work", Host: "pop.example.org", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}, Took: 3 * time.Millisecond},
		fetch.Tried{Account: "work", Addr: netip.MustParseAddrPort("[2001:db8::1]:995"), Err: errors.New("network is unreachable")},
		fetch.Connected{Account: "work", Addr: netip.MustParseAddrPort("192.0.2.1:995"), Took: 31 * time.Millisecond},
		fetch.LoggedIn{Account: "work", Mechanism: "PLAIN", TLS: "TLS 1.3", Pipelining: true},
		fetch.Recovered{Account: "work", Delivered: 1, Finished: 2, Again: 3},
		fetch.Rebuilt{Account: "work", Recognised: 1204, Again: 12},
		fetch.Listed{Account: "work", Total: 3481, Bytes: 99 << 20, Get: 12, GetBytes: 4404019, Delete: 3, Skip: 3466},
		fetch.Skipped{Account: "work", UID: []byte("bad"), Size: -1, Reason: fetch.ReasonWaiting, Text: "failed 3 times, left alone until \x1b"},
		fetch.Progress{Account: "work", Messages: 8, Bytes: 3 << 20, Of: 12, OfBytes: 4404019},
		fetch.Delivered{Account: "work", UID: []byte("0001f3a2"), Maildir: "/home/me/Mail/work", Key: "1795435202.H5", Size: 51234, At: clock(), Facts: &fetch.Facts{
			Hash:  "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
			Facts: header.Facts{MessageID: "1@example.org", From: "测试 <a@example.org>", Subject: `caf\xe9 <b>`, Date: clock()},
		}},
		fetch.Delivered{Account: "work", UID: []byte("odd \x1b[2J\xff"), Maildir: "/home/me/Mail/w\xff", Key: "1795435202.H6", Size: 7, At: clock()},
		fetch.Committed{Account: "work", Messages: 12, Bytes: 4404019, Took: 41 * time.Millisecond},
		fetch.Warning{Account: "home", Text: "a line \x1b[31m of the server"},
		fetch.Done{Result: refused},
		fetch.Done{Result: home},
		fetch.Deleted{Account: "work", Messages: 3},
		fetch.Removed{Account: "work", UID: []byte("0001f3a2"), Size: 51234},
		fetch.Done{Result: work},
		fetch.Done{Result: busy},
	}
}

func results() (work, home, refused, busy fetch.Result) {
	work = fetch.Result{Later: 3469, Account: "work", Maildir: "/home/me/Mail/work", Total: 3481, Bytes: 99 << 20, Messages: 12, Received: 4404019, Deleted: 3, Took: 3800 * time.Millisecond}
	home = fetch.Result{Account: "home", Maildir: "/home/me/Mail/home", Took: 120 * time.Millisecond}
	refused = fetch.Result{Account: "refused", Maildir: "/srv/mail/refused", Err: &fetch.Error{
		Account: "refused", Doing: "log in", Class: fetch.Login, Hint: "test it alone with: haulmail check --connect refused",
		Err: errors.New("the server said \"[AUTH] no\x1b[1m\r\n\""),
	}}
	busy = fetch.Result{Account: "busy", Maildir: "/home/me/Mail/busy", Err: &fetch.Error{
		Account: "busy", Doing: "lock the state", Class: fetch.Busy, Err: errors.New("another run is at work on it"),
	}}
	return work, home, refused, busy
}

func aDryRun() []fetch.Event {
	done := func(account string, get, remove int, err error) fetch.Done {
		return fetch.Done{Result: fetch.Result{Account: account, Maildir: "/home/me/Mail/" + account, Total: 9, Bytes: 123456, DryRun: true, Get: get, Delete: remove, Err: err}}
	}
	return []fetch.Event{
		fetch.Connected{Account: "work", Addr: netip.MustParseAddrPort("192.0.2.1:995")},
		fetch.LoggedIn{Account: "work", Mechanism: "PLAIN", TLS: "TLS 1.3", Pipelining: true},
		fetch.Connected{Account: "home", Addr: netip.MustParseAddrPort("[2001:db8::1]:110")},
		fetch.LoggedIn{Account: "home", Mechanism: "USER/PASS"},
		fetch.Listed{Account: "work", Total: 9, Bytes: 123456, Get: 1, GetBytes: 51234, Skip: 8},
		fetch.Chosen{Account: "work", Number: 1, UID: []byte("u-1"), Size: 51234, Action: fetch.Get, Reason: fetch.ReasonNew, Text: "new"},
		fetch.Chosen{Account: "work", Number: 2, UID: []byte("u 2\n"), Size: 123456789, Action: fetch.Skip, Reason: fetch.ReasonSeen, Text: "fetched before"},
		fetch.Chosen{Account: "home", Number: 1, UID: []byte("h\xff1"), Size: 1, Action: fetch.Delete, Reason: fetch.ReasonOld, Text: "fetched more than 14d ago"},
		done("home", 0, 1, nil),
		done("work", 1, 0, nil),
		done("busy", 0, 0, nil),
		done("refused", 0, 0, &fetch.Error{Account: "refused", Doing: "connect", Class: fetch.Temporary, Err: errors.New("time-out")}),
	}
}

// aLook is a list with headers: wide characters, fields that are too long, and some that try to lead a terminal astray.
func aLook() []fetch.Event {
	hours := func(n int) time.Time { return clock().Add(-time.Duration(n) * time.Hour) }
	chosen := func(number int, action fetch.Action, reason fetch.Reason, text string, age int, from, subject string) fetch.Chosen {
		return fetch.Chosen{
			Account: "work", Number: number, UID: fmt.Appendf(nil, "0001f3a2%08x", number), Size: 1234 << number, Action: action, Reason: reason, Text: text,
			Reached: hours(age), Header: header.Facts{From: from, Subject: subject, Date: hours(age)},
		}
	}
	nothing := fetch.Chosen{Account: "work", Number: 7, UID: []byte("u7"), Size: -1, Action: fetch.Skip, Reason: fetch.ReasonSeen, Text: "fetched before", Fetched: hours(72)}
	return []fetch.Event{
		chosen(1, fetch.Get, fetch.ReasonNew, "new", 0, `"Ann" <ann@example.org>`, "The minutes"),
		chosen(2, fetch.Get, fetch.ReasonRetry, "failed 2 times, tried again", 30, "Some Body With A Very Long Name <somebody@example.org>", strings.Repeat("a subject without an end, ", 20)),
		chosen(3, fetch.Skip, fetch.ReasonTooLarge, "larger than max_size (25MB)", 49, "测试发件人的名字很长很长 <a@example.org>", "关于会议的通知:请大家准时参加本周五下午三点在二楼会议室举行的会议"),
		chosen(4, fetch.Skip, fetch.ReasonTooOld, "older than since (30d)", 24*400, "bad\x1b[2J\u202e", "steer\x1b]0;me\a \n"),
		nothing,
		fetch.Done{Result: fetch.Result{Account: "work", Total: 5, Bytes: 123456, DryRun: true, Get: 2, Later: 1}},
	}
}

// Each golden file is what one way of calling haulmail shows for the same events, on both of its outputs.
func TestWhatIsShown(t *testing.T) {
	runewidth.DefaultCondition.EastAsianWidth = false // whatever the locale of whoever runs the test
	patient := fetch.Patience{Busy: true, Held: true}
	for _, test := range []struct {
		name   string
		o      Options
		events []fetch.Event
	}{
		{"fetch-cron", Options{Patience: patient}, aRun()},
		{"fetch-terminal", Options{OutTTY: true, Patience: fetch.Patience{Busy: true}}, aRun()},
		{"fetch-quiet", Options{OutTTY: true, Quiet: true, Patience: patient}, aRun()},
		{"fetch-verbose", Options{Verbose: 1, Patience: patient}, aRun()},
		{"fetch-named", Options{}, aRun()},
		{"fetch-json", Options{JSON: true, Patience: patient}, aRun()},
		{"fetch-json-named", Options{JSON: true, Quiet: true}, aRun()[16:]},
		{"dry-run", Options{}, aDryRun()},
		{"dry-run-quiet", Options{Quiet: true}, aDryRun()},
		{"list", Options{Show: Messages, Live: true}, aDryRun()},
		{"list-json", Options{Show: Messages, JSON: true}, aDryRun()},
		{"list-headers", Options{Show: Messages, Headers: true}, aLook()},
		{"list-headers-80", Options{Show: Messages, Headers: true, OutTTY: true, Width: 80}, aLook()},
		{"list-headers-200", Options{Show: Messages, Headers: true, OutTTY: true, Width: 200}, aLook()},
		{"list-headers-json", Options{Show: Messages, Headers: true, JSON: true}, aLook()},
		{"check", Options{Show: Connections}, aDryRun()},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			o := test.o
			o.Out, o.Err, o.Home, o.Now = NewOutput(&stdout), &stderr, "/home/me", clock
			for _, name := range []string{"work", "home", "refused", "busy"} {
				o.Accounts = append(o.Accounts, Account{Name: name, Server: "pop.example.org:995"})
			}
			r := New(o)
			var ended []fetch.Result
			for _, e := range test.events {
				if done, ok := e.(fetch.Done); ok {
					ended = append(ended, done.Result)
				}
				r.Event(e)
			}
			r.Finish(ended, 77)
			if err := o.Out.Flush(); err != nil {
				t.Fatal(err)
			}
			golden(t, test.name, "== stdout\n"+stdout.String()+"== stderr\n"+stderr.String())
		})
	}
}

// What an account deletes as soon as it has it counts as to be deleted before a run, too.
func TestDeletesOfWhatIsFetchedAreTold(t *testing.T) {
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{}, "work   would get 3 messages, 1.0 KiB → /mail, delete 4 messages on the server\n"},
		{Options{Show: Messages, Live: true}, "work     8 messages, 2.0 KiB: 3 to get, 4 to delete\n"},
		{Options{Verbose: 1, Quiet: true}, "work: 8 messages on the server, 2.0 KiB; 3 to get, 1.0 KiB; 4 to delete\n"},
		{Options{JSON: true}, `"dry_run":true,"get":3,"delete":4,`},
	} {
		var shown bytes.Buffer
		o := test.o
		o.Out, o.Err, o.Accounts = NewOutput(&shown), &shown, []Account{{Name: "work", Deletes: true}}
		r := New(o)
		r.Event(fetch.Listed{Account: "work", Total: 8, Bytes: 2048, Get: 3, GetBytes: 1024, Delete: 1, Skip: 4})
		r.Event(fetch.Done{Result: fetch.Result{Account: "work", Maildir: "/mail", Total: 8, Bytes: 2048, DryRun: true, Get: 3, Delete: 1}})
		r.Finish(nil, 0)
		if !strings.Contains(shown.String(), test.want) {
			t.Errorf("%+v: got\n%s\nwant\n%s", test.o, shown.String(), test.want)
		}
	}
}

// A server that is down fails every account of it, and cron's mail need not say the same thing twice.
func TestAHintIsGivenOnce(t *testing.T) {
	var stderr bytes.Buffer
	r := New(Options{Out: NewOutput(&stderr), Err: &stderr})
	fails := func(account, hint string) {
		err := &fetch.Error{Account: account, Doing: "connect", Class: fetch.Temporary, Hint: hint, Err: errors.New("refused")}
		r.Event(fetch.Done{Result: fetch.Result{Account: account, Err: err}})
	}
	fails("a", "check the port")
	fails("b", "check the port")
	fails("c", "wait")
	fails("d", "")
	fails("mail1", "test with: haulmail check -c mail10.toml mail1")
	fails("mail2", "test with: haulmail check -c mail10.toml mail2")
	fails("mail3", "test with: haulmail list mail3")
	const want = "haulmail: a: connect: refused\n  hint: check the port\nhaulmail: b: connect: refused\n" +
		"haulmail: c: connect: refused\n  hint: wait\nhaulmail: d: connect: refused\n" +
		"haulmail: mail1: connect: refused\n  hint: test with: haulmail check -c mail10.toml mail1\nhaulmail: mail2: connect: refused\n" +
		"haulmail: mail3: connect: refused\n  hint: test with: haulmail list mail3\n"
	if stderr.String() != want {
		t.Errorf("got\n%s\nwant\n%s", stderr.String(), want)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func TestConfigErrors(t *testing.T) {
	errs := config.Errors{
		{File: "config.toml", Line: 9, Col: 1, Source: "prot = 995", Start: 0, Len: 4, Message: `unknown key "prot" in account "work", did you mean "port"?`},
		{File: "config.toml", Line: 14, Col: 11, Source: "timeout = 30", Start: 10, Len: 2, Message: "timeout 30 has no unit", Hint: `write "30s"`},
	}
	var text, lines bytes.Buffer
	ConfigErrors(&text, false, errs)
	golden(t, "config-errors", text.String())

	text.Reset()
	ConfigErrors(&text, false, errs[1:])
	golden(t, "config-error", text.String())

	out := NewOutput(&lines)
	ConfigJSON(out, errs, 78)
	if err := out.Flush(); err != nil || bytes.Count(lines.Bytes(), []byte("\n")) != 3 || !bytes.Contains(lines.Bytes(), []byte(`"line":14,"col":11`)) {
		t.Errorf("%v\n%s", err, lines.String())
	}
}

func TestWire(t *testing.T) {
	var stderr bytes.Buffer
	r := New(Options{Out: NewOutput(&stderr), Err: &stderr, Verbose: 2})
	r.Wire("work", true, "UIDL")
	r.Wire("work", false, "+OK \x1b[2J")
	if got, want := stderr.String(), "work > UIDL\nwork < +OK \\x1b[2J\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// failing is a pipe that nobody reads any more.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestOutputRemembersItsFirstFailure(t *testing.T) {
	broken := errors.New("broken pipe")
	out := NewOutput(failing{broken})
	for range 3 {
		if n, err := out.Write(make([]byte, outputBuffer)); n != outputBuffer || err != nil {
			t.Fatalf("Write = %d, %v: a run would stop", n, err)
		}
	}
	if err := out.Flush(); !errors.Is(err, broken) {
		t.Errorf("Flush = %v, want %v", err, broken)
	}
}

func TestHuman(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{count(0, "message"), "0 messages"},
		{count(1, "message"), "1 message"},
		{count(3481, "message"), "3,481 messages"},
		{size(-1), "0 B"},
		{size(4404019), "4.2 MiB"},
		{seconds(3849 * time.Millisecond), "3.8 s"},
		{seconds(192 * time.Second), "3m12s"},
		{millis(41 * time.Millisecond), "41 ms"},
		{folder("/home/me/Mail", "/home/me"), "~/Mail"},
		{folder("/home/me", "/home/me"), "~"},
		{folder("/home/meat", "/home/me"), "/home/meat"},
		{folder("/x", ""), "/x"},
		{folder("/x", "/"), "/x"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

// Who asks a run to stop is told what it still does.
func TestStopping(t *testing.T) {
	for _, row := range []struct {
		hauling []string
		want    string
	}{
		{nil, "haulmail: stopping; a second signal stops at once, and loses nothing\n"},
		{[]string{"work", "home"}, "haulmail: stopping; what has arrived for work, home is made safe on disk first; a second signal stops at once, and loses nothing\n"},
		{[]string{"a", "b", "c", "d"}, "haulmail: stopping; what has arrived for 4 accounts is made safe on disk first; a second signal stops at once, and loses nothing\n"},
	} {
		var stderr bytes.Buffer
		r := New(Options{Out: NewOutput(io.Discard), Err: &stderr})
		for _, name := range append(row.hauling, "ended", "ended") {
			r.Event(fetch.Progress{Account: name, Of: 2})
		}
		r.Event(fetch.Done{Result: fetch.Result{Account: "ended"}})
		r.Stopping()
		if stderr.String() != row.want {
			t.Errorf("%v: %q", row.hauling, &stderr)
		}
	}
}
