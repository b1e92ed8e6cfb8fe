package fetch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// Whatever a bad server does to one run: when it behaves again, each message is in the Maildir once, and on the server as the delete
// rule has it. Each preset is tried with keep and with delete.
func TestBadServers(t *testing.T) {
	kinds := map[string][]pop3test.Preset{
		"cut": pop3test.Cuts(), "refusal": pop3test.Refusals("s3cret"), "lie": pop3test.Lies(),
	}
	for kind, presets := range kinds {
		for _, preset := range presets {
			for mode, rule := range map[string]config.Delete{"keep": {}, "delete": {Mode: config.DeleteFetched}} {
				t.Run(kind+"/"+preset.Name+"/"+mode, func(t *testing.T) {
					t.Parallel()
					endures(t, preset, rule)
				})
			}
		}
	}
}

// believed are the lies that a client cannot see through: a message that is the same stump twice, a size that is another the next
// time. What is in doubt then stays on the server.
var believed = map[string]bool{
	"message a stump": true, "message empty": true,
	"LIST with huge sizes": true, "no dot-stuffing": true, "LIST with sizes of 0": true, "LIST with sizes of 1": true,
}

func endures(t *testing.T, preset pop3test.Preset, rule config.Delete) {
	msgs := mail(12)
	if preset.Name == "no dot-stuffing" {
		msgs = dotted(msgs)
	}
	l := newLab(t, msgs, preset.Faults...)
	l.account.Timeout = config.Duration(400 * time.Millisecond)
	l.account.Delete = rule
	bad := l.run()
	if bad.Err != nil && strings.Contains(bad.Err.Error()+l.said(), "s3cret") {
		t.Errorf("the password is told: %v\n%s", bad.Err, l.said())
	}
	if preset.Name == "UIDL with the number alone" || !strings.HasPrefix(preset.Name, "UIDL with ") { // other UIDs would be other mail
		l.server.SetFaults()
	}
	l.account.Timeout = config.Duration(10 * time.Second)
	good := l.run()
	if good.Err != nil {
		t.Fatalf("the run after it ended with %v\nthe first with %v", good.Err, bad.Err)
	}
	if bad.Messages+good.Messages != len(msgs) {
		t.Errorf("delivered %d and %d of %d\nthe first run ended with %v", bad.Messages, good.Messages, len(msgs), bad.Err)
	}
	if believed[preset.Name] {
		l.hasEverywhere(msgs)
		return
	}
	l.holds(texts(t, msgs)...)
	if rule.Mode == config.DeleteFetched {
		l.onServer()
	} else {
		l.onServer(uids(msgs)...)
	}
}

// dotted makes messages with dots that a server has to stuff: a lost one ends the message early, or it is missing in it. The latter only the
// size can tell, and after the first such message sizes are no witnesses any more; so there is one.
func dotted(msgs []pop3test.Message) []pop3test.Message {
	for i, text := range []string{".a\r\n", "a\r\n.\r\n+OK 3 octets\r\nb\r\n", "a\r\n.\r\n", ".\r\n", "a\r\n.\r\n-ERR\r\n", "a\r\n.\r\n.b\r\n"} {
		msgs[2*i].Data = []byte(text)
	}
	return msgs
}

// hasEverywhere checks that each message is whole in the Maildir or still on the server.
func (l *lab) hasEverywhere(msgs []pop3test.Message) {
	l.t.Helper()
	got := l.contents()
	for i, text := range texts(l.t, msgs) {
		if !slices.Contains(got, text) && !slices.Contains(l.mailbox.UIDs(), msgs[i].UID) {
			l.t.Errorf("message %s is lost", msgs[i].UID)
		}
	}
}
