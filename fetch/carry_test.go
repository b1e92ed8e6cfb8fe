package fetch

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

func (l *lab) export() string {
	l.t.Helper()
	var text bytes.Buffer
	if _, err := Export(context.Background(), l.account, l.options, &text); err != nil {
		l.t.Fatal(err)
	}
	return text.String()
}

func imported(text string) func(context.Context, []*config.Account, Options) []Result {
	return func(ctx context.Context, accounts []*config.Account, o Options) []Result {
		return Import(ctx, accounts, o, strings.NewReader(text))
	}
}

// A state that goes to another machine as text, with its Maildir or without, fetches nothing that was fetched here.
func TestStateMovesAsText(t *testing.T) {
	msgs := mail(4)
	l := newLab(t, msgs[:3], pop3test.Fault{On: "RETR", UID: "u3", Ignore: true, Text: "-ERR lost\r\n"})
	l.want(2, 0, Poison)
	text := l.export()
	check(t, os.RemoveAll(l.options.StateDir))
	check(t, os.RemoveAll(l.account.Maildir))

	l.options.DryRun = true
	l.told(l.by(None, imported(text)), Imported{Account: "work", Messages: 2, Failures: 1})
	l.options.DryRun = false
	l.told(l.by(None, imported(text)), Imported{Account: "work", Messages: 2, Failures: 1})
	if again := l.export(); again != text {
		t.Errorf("first\n%s\nthen\n%s", text, again)
	}
	l.told(l.by(None, imported(text)), Imported{Account: "work", Known: 3})
	l.mailbox.Replace(msgs[0], msgs[1], msgs[3])
	l.want(1, 0, None)
	l.holds(texts(t, msgs[3:])...)
}

// A text adds to what is known; it takes nothing away, and of a UID that stands in it twice the last line counts.
func TestImportMerges(t *testing.T) {
	l := newLab(t, mail(3))
	l.want(3, 0, None)
	l.by(None, forget("u2", "u3"))
	head := "haulmail-seen 1\t127.0.0.1\tme\n"
	l.told(l.by(None, imported(head+
		"seen\tu1\t1\t2020-01-01T00:00:00Z\t-\n"+
		"seen\tu2\t1\t2020-01-01T00:00:00Z\t-\n"+
		"seen\tu2\t2\t2020-01-02T00:00:00Z\t-\n"+
		"failed\tu1\t1\t2020-01-01T00:00:00Z\told\n"+
		"failed\tu2\t1\t2020-01-01T00:00:00Z\told\n"+
		"failed\tu9\t1\t2020-01-01T00:00:00Z\told\n"+
		"failed\tu9\t2\t2020-01-01T00:00:00Z\told\n"+
		"end\n")), Imported{Account: "work", Messages: 1, Failures: 1, Known: 5})
	text := l.export()
	if !strings.Contains(text, "seen\tu2\t2\t2020-01-02T00:00:00Z\t-\n") || strings.Contains(text, "seen\tu1\t1\t") || l.failures() != "u9" {
		t.Errorf("%s", text)
	}
	l.want(1, 0, None) // u3, which is still wanted
}

func TestImportOfNothingGood(t *testing.T) {
	l := newLab(t, mail(1))
	l.by(Damaged, imported("seen\tu1\t1\t-\t-\nend\n"))
	l.by(Damaged, imported("haulmail-seen 1\t127.0.0.1\tme\nseen\tu1\t1\t-\t-\n"))
	l.by(Config, imported("haulmail-seen 1\t127.0.0.1\tyou\nseen\tu1\t1\t-\t-\nend\n"))
	if _, err := os.Stat(l.options.StateDir); err == nil {
		t.Error("a state was made")
	}
	l.want(1, 0, None)
}

// Messages that a run was cut off with are not in the text, and counted.
func TestExportTellsOfUnsettled(t *testing.T) {
	l := newLab(t, mail(1))
	l.cutOff()
	var text bytes.Buffer
	n, err := Export(context.Background(), l.account, l.options, &text)
	if n != 1 || err != nil || strings.Contains(text.String(), "u1") {
		t.Errorf("%d, %v\n%s", n, err, text.String())
	}
	store := l.state()
	if _, err := Export(context.Background(), l.account, l.options, &text); ClassOf(err) != Busy {
		t.Errorf("while a run is at work: %v", err)
	}
	check(t, store.Close())
}
