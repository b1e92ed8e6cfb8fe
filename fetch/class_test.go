package fetch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
	"haulmail/fetch/secret"
)

func TestClasses(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault pop3test.Fault
		class Class
		says  string
	}{
		{"greeting refused", pop3test.Fault{On: pop3test.Greeting, Ignore: true, Text: "-ERR go away\r\n"}, Temporary, `"go away"`},
		{"greeting is no POP3", pop3test.Fault{On: pop3test.Greeting, Ignore: true, Text: "220 smtp\r\n"}, Protocol, "220 smtp"},
		{"wrong password", pop3test.Refuse("AUTH", "[AUTH] no"), Login, "[AUTH] no"},
		{"in use", pop3test.Refuse("AUTH", "[IN-USE] busy"), Temporary, "busy"},
		{"login delay", pop3test.Refuse("AUTH", "[LOGIN-DELAY] wait"), Temporary, "wait"},
		{"temporary", pop3test.Refuse("AUTH", "[SYS/TEMP] wait"), Temporary, "wait"},
		{"permanent", pop3test.Refuse("AUTH", "[SYS/PERM] closed"), Unavailable, "closed"},
		{"listing is cut", pop3test.Fault{On: "UIDL", At: 10, Do: pop3test.FIN}, Temporary, "UIDL"},
		{"a number twice", pop3test.Fault{On: "UIDL", Line: func(int, string) string { return "1 x" }}, Protocol, "listed twice"},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, mail(2), row.fault)
			e := errOf(t, l.want(0, 0, row.class))
			if !strings.Contains(e.Error(), row.says) || strings.Contains(e.Error(), "\n") {
				t.Errorf("says %q, want %q in one line", e, row.says)
			}
		})
	}
}

func TestEveryClassHasAWord(t *testing.T) {
	for c := None; c <= Internal; c++ {
		if word := c.String(); word == "" || classNamed(word) != c {
			t.Errorf("class %d has the word %q", c, word)
		}
	}
}

// The connection is cut, and then the state cannot be written: both are told.
func TestTwoFailures(t *testing.T) {
	l := newLab(t, mail(10), pop3test.Fault{On: "RETR", Msg: 6, At: 20, Do: pop3test.FIN})
	l.account.Pipelining = config.PipeliningOff
	l.options.Step = func(name string) {
		if name == StepDelivered {
			check(t, os.Truncate(filepath.Join(l.options.StateDir, "work.db"), 4096))
		}
	}
	e := errOf(t, l.want(5, 0, Damaged))
	if text := e.Error(); !strings.Contains(text, "fetch: the server closed") || !strings.Contains(text, "record what was fetched") {
		t.Errorf("says %q, want both failures", text)
	}

	both := also(doing(doingRetrieve, errors.New("cut")), onDisk("record", errors.New("no space")))
	if class, _ := new(haul).classify(both); class != IO {
		t.Errorf("a connection cut and a full disk are class %d, want %d", class, IO)
	}
}

func TestNoPassword(t *testing.T) {
	l := newLab(t, mail(1))
	l.options.Password = func(ctx context.Context, a *config.Account) (config.Secret, error) {
		return secret.Source{LookupEnv: func(string) (string, bool) { return "", false }}.Password(ctx, a)
	}
	if e := errOf(t, l.want(0, 0, Config)); !strings.Contains(e.Hint, "password_command") || l.server.Sessions() > 0 {
		t.Errorf("hint %q after %d connections", e.Hint, l.server.Sessions())
	}
}

func TestAnnouncedMechanismThatFailsFallsBack(t *testing.T) {
	l := newLab(t, mail(1), pop3test.Refuse("AUTH", "mechanism broken"))
	l.want(1, 0, None)

	l = newLab(t, mail(1), pop3test.Refuse("AUTH", "mechanism broken"), pop3test.Refuse("PASS", "[IN-USE] busy"))
	l.want(0, 0, Temporary)
	l = newLab(t, mail(1), pop3test.Refuse("AUTH", "no such user"), pop3test.Refuse("USER", "what?"))
	if e := errOf(t, l.want(0, 0, Login)); !strings.Contains(e.Error(), "no such user") {
		t.Errorf("says %q, want the first refusal, which says more", e)
	}
}
