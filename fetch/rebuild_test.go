package fetch

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

func TestStateLostIsRebuilt(t *testing.T) {
	msgs := mail(6)
	l := newLab(t, msgs[:4])
	l.want(4, 0, None)
	path := l.files()[0]
	if err := os.Rename(path, filepath.Join(l.account.Maildir, "cur", filepath.Base(path)+":2,S")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(l.options.StateDir); err != nil {
		t.Fatal(err)
	}
	l.mailbox.Replace(msgs...)
	l.want(2, 0, None)
	if l.said() != "rebuilt 4 2" {
		t.Errorf("said %q", l.said())
	}
	l.want(0, 0, None)
	l.holds(texts(t, msgs)...)
}

// A state that is lost while the server lists only some of the mail is rebuilt in as many runs as it takes; a UID that stands for
// other mail by then is fetched.
func TestStateLostAndListedByHalves(t *testing.T) {
	msgs := mail(6)
	l := newLab(t, msgs)
	l.want(6, 0, None)
	check(t, os.RemoveAll(l.options.StateDir))
	l.mailbox.Replace(msgs[:3]...)
	l.want(0, 0, None)
	reused := pop3test.Message{UID: "u6", Data: []byte("other mail\r\n")}
	l.mailbox.Replace(append(slices.Clone(msgs[:5]), reused)...)
	l.want(1, 0, None)
	if l.said() != "rebuilt 2 1" {
		t.Errorf("said %q", l.said())
	}
	l.want(0, 0, None)
	l.holds(append(texts(t, msgs), "other mail\n")...)
}

// Of UIDs that were used again, the server lists the later mail: its size is the one that a deletion goes by.
func TestStateLostAfterUIDsWereUsedAgain(t *testing.T) {
	msgs := mail(8)
	l := newLab(t, msgs)
	l.want(8, 0, None)
	l.mailbox.Replace(pop3test.Message{UID: "between", Data: []byte("between\r\n")})
	l.want(1, 0, None)
	reused := slices.Clone(msgs)
	for i := range reused {
		reused[i].Data = []byte("other mail\r\n")
	}
	l.mailbox.Replace(reused...)
	l.want(8, 0, None)
	check(t, os.RemoveAll(l.options.StateDir))
	l.account.Delete.Mode = config.DeleteFetched
	l.want(0, 8, None)
}
