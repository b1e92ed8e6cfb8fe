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
	leavesNothing(t)
	c := newCrowd(t)
	defer c.wait()
	for _, kind := range []struct {
		name    string
		presets []pop3test.Preset
		timeout time.Duration
	}{
		{"cut", pop3test.Cuts(), 10 * time.Second},
		{"refusal", pop3test.Refusals(ordinary.password), 10 * time.Second},
		{"lie", pop3test.Lies(), 700 * time.Millisecond}, // some of them are silence
	} {
		for _, preset := range kind.presets {
			for mode, rule := range rules {
				if preset.Faults[0].On == "DELE" && mode == "keep" || preset.Name == "UIDL renumbered, second session" { // see TestUIDsAllRenumbered
					continue
				}
				c.run(kind.name+"/"+preset.Name+"/"+mode, func(t *testing.T) { endures(t, preset, rule, kind.timeout) })
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

// ordinary is a wire by which a session goes through all of pop3test.Stages.
var ordinary = wire{"ordinary", config.TLSNone, []string{"CAPA", "TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "USER"}, "s3cret", config.AuthAuto}

func endures(t *testing.T, preset pop3test.Preset, rule config.Delete, timeout time.Duration) {
	msgs := mail(12)
	if preset.Name == "no dot-stuffing" {
		msgs = dotted(msgs)
	}
	acted, faults := watched(preset.Faults)
	l, heard := hostileLab(t, ordinary, pop3test.Cert{}, msgs, faults...)
	l.account.Timeout = config.Duration(timeout)
	l.account.Delete = rule
	var bad Result
	delivered := 0
	for try := 1; !acted.Load(); try++ { // a busy machine may meet the time-out before
		if try > 5 {
			t.Fatalf("the preset does not act: %v\n%s", bad.Err, heard)
		}
		bad = l.run()
		delivered += bad.Messages
		if bad.Err != nil && strings.Contains(bad.Err.Error()+l.said(), "s3cret") {
			t.Errorf("the password is told: %v\n%s", bad.Err, l.said())
		}
	}
	if preset.Name == "UIDL with the number alone" || !strings.HasPrefix(preset.Name, "UIDL with ") { // other UIDs would be other mail
		l.server.SetFaults()
	}
	l.account.Timeout = config.Duration(10 * time.Second)
	l.clock += time.Hour // a login that was too early is none any more
	good := l.run()
	if good.Err != nil {
		t.Fatalf("the run after it ended with %v\nthe first with %v", good.Err, bad.Err)
	}
	if delivered += good.Messages; delivered != len(msgs) {
		t.Errorf("delivered %d of %d messages\nthe first run ended with %v", delivered, len(msgs), bad.Err)
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
