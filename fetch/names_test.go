package fetch

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// Where the server gives no UIDs, the header tells messages apart, and where it has no TOP either, the content.
func TestMessagesWithoutUIDs(t *testing.T) {
	noUIDL := pop3test.Fault{On: "UIDL", Ignore: true, Text: "-ERR what?\r\n"}
	noTOP := pop3test.Fault{On: "TOP", Ignore: true, Text: "-ERR what?\r\n"}
	for _, row := range []struct {
		name   string
		msgs   []pop3test.Message
		faults []pop3test.Fault
		asked  int // for the first message, in three runs
	}{
		{"no UIDL", mail(5), []pop3test.Fault{noUIDL}, 1},
		{"no UIDL, no TOP", mail(5), []pop3test.Fault{noUIDL, noTOP}, 3},
		{"empty UIDs", []pop3test.Message{{Data: []byte("A: 1\r\n\r\n1\r\n")}, {UID: "x", Data: []byte("A: 2\r\n")}, {Data: []byte("A: 1\r\n\r\n2\r\n")}}, nil, 2},
		{"empty UIDs, no TOP", []pop3test.Message{{Data: []byte("1\r\n")}, {UID: "x", Data: []byte("2\r\n")}, {Data: []byte("3\r\n")}}, []pop3test.Fault{noTOP}, 6},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newLab(t, row.msgs, row.faults...)
			l.want(len(row.msgs), 0, None)
			l.want(0, 0, None)
			l.want(0, 0, None)
			l.holds(texts(t, row.msgs)...)
			if n := l.mailbox.Retrieved()[row.msgs[0].UID]; n != row.asked {
				t.Errorf("messages with the UID %q were asked for %d times, want %d", row.msgs[0].UID, n, row.asked)
			}
			l.account.Delete = config.Delete{Mode: config.DeleteFetched}
			l.want(0, len(row.msgs), None)
			l.onServer()
		})
	}
}

// Of many messages without UIDs some stay on the server until others are gone, and the run says so.
func TestTooManyMessagesWithoutUIDs(t *testing.T) {
	defer func(most int) { mostNameless = most }(mostNameless)
	mostNameless = 3
	noUIDL, noTOP := pop3test.Refuse("UIDL", "what?"), pop3test.Refuse("TOP", "what?")
	for name, faults := range map[string][]pop3test.Fault{"no UIDL": {noUIDL}, "no UIDL, no TOP": {noUIDL, noTOP}} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, mail(5), faults...)
			r := l.want(3, 0, Poison)
			if !strings.Contains(l.said(), "2 messages stay on the server") || r.Failed != 2 {
				t.Errorf("said %q, %d failed", l.said(), r.Failed)
			}
			l.want(0, 0, Poison)
			l.account.Delete = config.Delete{Mode: config.DeleteFetched}
			l.want(0, 3, Poison)
			l.want(2, 2, None)
			l.holds(texts(t, mail(5))...)
		})
	}
}

// A server that has no TOP is not asked for the header of each message, nor again in another session.
func TestServerWithoutTOP(t *testing.T) {
	msgs := mail(1200)
	l := newLab(t, msgs, pop3test.Refuse("UIDL", "what?"), pop3test.Refuse("TOP", "what?"), pop3test.Fault{On: "RETR", Msg: 700, Batched: true, Do: pop3test.FIN})
	l.server.Caps = []string{"UIDL", "USER", "PIPELINING"}
	tops := l.commands("TOP")
	l.want(1200, 0, None)
	l.holds(texts(t, msgs)...)
	if tops() != headersAtOnce {
		t.Errorf("%d headers were asked for", tops())
	}
}

// A message whose name cannot be told for the moment holds up none that has a UID.
func TestOneMessageWithoutUIDWaits(t *testing.T) {
	msgs := mail(3)
	msgs[1].UID = ""
	l := newLab(t, msgs, pop3test.Refuse("TOP", "[SYS/TEMP] later"))
	l.want(2, 0, Poison)
	l.server.SetFaults()
	l.want(1, 0, None)
	l.holds(texts(t, msgs)...)
}

// What a message goes by stays what it was: it does not come again where headers can be had no more, for the moment or for good, or can be again.
func TestMessagesWithoutUIDsKeepTheirNames(t *testing.T) {
	noUIDL, no, later := pop3test.Refuse("UIDL", "what?"), pop3test.Refuse("TOP", "what?"), pop3test.Refuse("TOP", "[SYS/TEMP] later")
	one, never := later, no
	one.UID, never.UID = "u2", "u3"
	for _, row := range []struct {
		name        string
		first, then []pop3test.Fault
		class       Class
	}{
		{"refused for the moment", nil, []pop3test.Fault{later}, Temporary},
		{"one refused for the moment", nil, []pop3test.Fault{one}, Poison},
		{"no longer there", nil, []pop3test.Fault{no}, Protocol},
		{"there again", []pop3test.Fault{no}, nil, None},
		{"one refused, one for the moment", []pop3test.Fault{never}, []pop3test.Fault{never, one}, Poison},
	} {
		t.Run(row.name, func(t *testing.T) {
			msgs := mail(3)
			l := newLab(t, msgs, append(row.first, noUIDL)...)
			l.want(3, 0, None)
			l.server.SetFaults(append(row.then, noUIDL)...)
			if r := l.run(); ClassOf(r.Err) != row.class {
				t.Errorf("ended with %v, want class %v", r.Err, row.class)
			}
			l.server.SetFaults(append(row.first, noUIDL)...)
			l.want(0, 0, None)
			l.holds(texts(t, msgs)...)
		})
	}
}

// So does the name of a message without a UID among others.
func TestMessageWithoutUIDKeepsItsName(t *testing.T) {
	noTOP := pop3test.Refuse("TOP", "what?")
	for name, faults := range map[string][2][]pop3test.Fault{"no longer there": {nil, {noTOP}}, "there again": {{noTOP}, nil}} {
		t.Run(name, func(t *testing.T) {
			msgs := mail(3)
			msgs[0].UID, msgs[2].UID = "", ""
			l := newLab(t, msgs, faults[0]...)
			l.want(3, 0, None)
			l.server.SetFaults(faults[1]...)
			if r := l.run(); r.Messages > 0 {
				t.Errorf("%d messages came again", r.Messages)
			}
			l.server.SetFaults(faults[0]...)
			l.want(0, 0, None)
			l.holds(texts(t, msgs)...)
		})
	}
}

// Messages with one UID are deleted together: what is left of them would go by the name of another.
func TestEqualUIDsAreDeletedTogether(t *testing.T) {
	msgs := mail(8)
	msgs = []pop3test.Message{msgs[0], msgs[1], msgs[7]} // the first and the last are of one size
	for i := range msgs {
		msgs[i].UID = "same"
	}
	aged := config.Delete{Mode: config.DeleteAged, Age: 14 * 24 * time.Hour}
	t.Run("of different age", func(t *testing.T) {
		l := newLab(t, msgs[:1])
		l.account.Delete = aged
		l.want(1, 0, None)
		l.mailbox.Add(msgs[1:]...)
		l.clock = 10 * 24 * time.Hour
		l.want(2, 0, None)
		l.clock = 20 * 24 * time.Hour
		l.want(0, 0, None)
		l.clock = 30 * 24 * time.Hour
		l.want(0, 3, None)
		l.onServer()
		l.holds(texts(t, msgs)...)
	})
	t.Run("one a run", func(t *testing.T) {
		l := newLab(t, msgs)
		l.account.Delete, l.account.MaxMessages = config.Delete{Mode: config.DeleteFetched}, 1
		l.want(1, 0, None)
		l.want(1, 0, None)
		l.want(1, 3, None)
		l.onServer()
		l.holds(texts(t, msgs)...)
	})
}

func TestUIDsUsedAgain(t *testing.T) {
	l := newLab(t, mail(3))
	l.account.Delete = config.Delete{Mode: config.DeleteFetched}
	l.want(3, 3, None)
	other := pop3test.Message{UID: "u2", Data: []byte("another message under a UID of one that is deleted\r\n")}
	l.mailbox.Replace(other)
	l.want(1, 1, None)
	l.holds(texts(t, append(mail(3), other))...)
	l.onServer()

	same := mail(1) // of the same size: nobody can tell whether it is the old message, so that it stays
	same[0].Data = bytes.ReplaceAll(same[0].Data, []byte("mail"), []byte("Mail"))
	l.mailbox.Replace(same...)
	for range 3 {
		l.want(0, 0, None)
		l.onServer("u1")
	}
}
