package fetch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/seen"
)

func TestVerify(t *testing.T) {
	msgs := mail(5)
	l := newLab(t, msgs[:4], pop3test.Fault{On: "RETR", UID: "u4", Ignore: true, Text: "-ERR lost\r\n"})
	l.told(l.by(None, verify(false)), Verified{Account: "work"})
	if _, err := os.Stat(l.options.StateDir); err == nil {
		t.Error("looking has made the folder")
	}
	l.want(3, 0, Poison)
	l.by(None, add("other"))
	files := l.files()
	check(t, os.Remove(files[0]))
	check(t, os.Rename(files[1], filepath.Join(l.account.Maildir, "cur", filepath.Base(files[1])+":2,S")))
	l.mailbox.Replace(msgs...)
	want := Verified{Account: "work", Messages: 4, Found: 2, Gone: 1, Marked: 1, Failed: 1}
	l.told(l.by(None, verify(false)), want)
	want.Asked, want.Listed, want.New = true, 5, 2
	l.told(l.by(None, verify(true)), want)

	check(t, os.RemoveAll(l.account.Maildir))
	l.by(Temporary, verify(false))
}

// strangeState makes a state that knows nothing of the Maildir, and is not new: as a backup is that was put back.
func (l *lab) strangeState() {
	l.t.Helper()
	check(l.t, os.RemoveAll(l.options.StateDir))
	store := l.state()
	check(l.t, errors.Join(store.AddSeen([]seen.Entry{{UID: []byte("u1"), Fetched: time.Now()}}), store.Close()))
}

// Mail that would come again is an error, and rebuilding mends it.
func TestVerifyThenRebuild(t *testing.T) {
	msgs := mail(4)
	l := newLab(t, msgs)
	l.want(4, 0, None)
	l.strangeState()
	same := l.mailbox.Messages()
	same[2].Data = []byte("other mail under an old UID\r\n")
	l.mailbox.Replace(same...)

	l.told(l.by(None, verify(false)), Verified{Account: "work", Messages: 1, Found: 1, Unnamed: 3})
	wrong := Verified{Account: "work", Messages: 1, Found: 1, Unnamed: 3, Asked: true, Listed: 4, New: 1, Again: 2}
	l.told(l.by(Damaged, verify(true)), wrong)

	l.options.DryRun = true
	found := Recognised{Account: "work", Messages: 2, Doubtful: 1}
	l.told(l.by(None, Rebuild), found)
	l.told(l.by(Damaged, verify(true)), wrong)
	l.options.DryRun = false
	l.told(l.by(None, Rebuild), found)
	l.told(l.by(None, verify(true)), Verified{Account: "work", Messages: 3, Found: 3, Unnamed: 1, Asked: true, Listed: 4, New: 1})
	l.want(1, 0, None)
	l.holds(append(texts(t, msgs), "other mail under an old UID\n")...)
}

// Of a state that was lost nothing comes again: the next run recognises its mail.
func TestVerifyOfLostState(t *testing.T) {
	l := newLab(t, mail(2))
	l.want(2, 0, None)
	check(t, os.RemoveAll(l.options.StateDir))
	l.told(l.by(None, verify(true)), Verified{Account: "work", Unnamed: 2, Asked: true, Listed: 2})
	l.want(0, 0, None)
}

// What was forgotten is recognised by those who ask for it.
func TestRebuildByHandTakesForgotten(t *testing.T) {
	l := newLab(t, mail(2))
	l.want(2, 0, None)
	l.by(None, forget("u1"))
	l.told(l.by(None, Rebuild), Recognised{Account: "work", Messages: 1})
	l.want(0, 0, None)
}

func TestVerifyNamesTheMailThatComesAgain(t *testing.T) {
	l := newLab(t, mail(3))
	l.want(3, 0, None)
	l.strangeState()
	l.by(Damaged, verify(true))
	var r Result
	for _, e := range l.events {
		if done, ok := e.(Done); ok {
			r = done.Result
		}
	}
	if e := errOf(t, r); !strings.Contains(e.Err.Error(), "2 are in the Maildir") || !strings.Contains(e.Hint, "haulmail seen rebuild work") {
		t.Errorf("%v, hint %q", e, e.Hint)
	}
}
