package fetch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// namelessServer is a server that gives no UIDs, or lacks one, and perhaps no headers either.
type namelessServer struct {
	name   string
	faults []pop3test.Fault
	empty  bool // the third message alone has no UID
	deaf   bool // no headers
}

func namelessServers() []namelessServer {
	noUIDL, noTOP := pop3test.Refuse("UIDL", "what?"), pop3test.Refuse("TOP", "what?")
	return []namelessServer{
		{"no UIDL", []pop3test.Fault{noUIDL}, false, false},
		{"no UIDL, no TOP", []pop3test.Fault{noUIDL, noTOP}, false, true},
		{"one empty UID", nil, true, false},
		{"one empty UID, no TOP", []pop3test.Fault{noTOP}, true, true},
	}
}

// Whatever a message without a UID does to its session, and whenever, it blocks no other, and comes once when it does so no more.
func TestPoisonWithoutUIDs(t *testing.T) {
	c := newCrowd(t)
	defer c.wait()
	for name, fault := range map[string]pop3test.Fault{
		"TOP cut":       {On: "TOP", Do: pop3test.FIN},
		"TOP cut in":    {On: "TOP", At: 10, Do: pop3test.RST},
		"TOP stall":     {On: "TOP", Do: pop3test.Stall},
		"TOP stall in":  {On: "TOP", At: -3, Do: pop3test.Stall},
		"RETR cut":      {On: "RETR", Do: pop3test.FIN},
		"RETR cut in":   {On: "RETR", At: 20, Do: pop3test.RST},
		"RETR stall":    {On: "RETR", Do: pop3test.Stall},
		"RETR stall in": {On: "RETR", At: -3, Do: pop3test.Stall},
		"RETR refused":  pop3test.Refuse("RETR", "damaged"),
	} {
		for _, s := range namelessServers() {
			for mode, rule := range rules {
				if s.deaf && fault.On == "TOP" {
					continue
				}
				c.run(s.name+"/"+name+"/"+mode, func(t *testing.T) { s.poison(t, fault, rule) })
			}
		}
	}
}

// poison tries a server whose third message has a fault, and then has none.
func (s namelessServer) poison(t *testing.T, fault pop3test.Fault, rule config.Delete) {
	msgs := mail(6)
	if s.empty {
		msgs[2].UID = ""
	}
	l := newLab(t, msgs)
	l.account.Delete = rule
	runs, ends := 2, []Class{Poison}
	if fault.Do == pop3test.Stall { // a busy machine may meet the time-out with other messages
		l.account.Timeout = config.Duration(time.Second)
		runs, ends = 8, []Class{Poison, Temporary}
	}
	delivered := 0
	for range runs {
		fault.Msg = l.numberOf(msgs[2])
		l.server.SetFaults(append([]pop3test.Fault{fault}, s.faults...)...)
		r := l.run()
		if delivered += r.Messages; !slices.Contains(ends, ClassOf(r.Err)) {
			t.Errorf("ended with %v: %s", r.Err, l.said())
		}
		if l.clock += 48 * time.Hour; delivered == 5 {
			break
		}
	}
	others := append(texts(t, msgs[:2]), texts(t, msgs[3:])...)
	l.holds(others...)
	fault.Msg = l.numberOf(msgs[2])
	l.server.SetFaults(append([]pop3test.Fault{fault}, s.faults...)...)
	l.account.Timeout = config.Duration(10 * time.Second)
	if fault.Do != pop3test.Stall {
		l.want(0, 0, Poison)
		l.clock += 48 * time.Hour
	}
	l.server.SetFaults(s.faults...)
	if r := l.run(); r.Err != nil || r.Messages != 1 {
		t.Errorf("delivered %d, ended with %v", r.Messages, r.Err)
	}
	l.want(0, 0, None)
	l.holds(texts(t, msgs)...)
	if rule.Mode == config.DeleteFetched {
		l.onServer()
	} else {
		l.onServer(uids(msgs)...)
	}
	if left := l.failures(); left != "" {
		t.Errorf("still noted: %s", left)
	}
}

// numberOf gives a message's number.
func (l *lab) numberOf(m pop3test.Message) int {
	for k, other := range l.mailbox.Messages() {
		if string(other.Data) == string(m.Data) {
			return k + 1
		}
	}
	return 0
}

// Where many messages end their sessions some of the others come in each run, and soon all.
func TestMuchPoisonWithoutUIDs(t *testing.T) {
	for _, s := range namelessServers()[:2] {
		for mode, rule := range rules {
			t.Run(s.name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				msgs := mail(30)
				var faults []pop3test.Fault
				for i := 3; i <= 30; i += 5 {
					fault := pop3test.Fault{On: "TOP", UID: fmt.Sprint("u", i), Do: pop3test.FIN}
					if s.deaf {
						fault.On = "RETR"
					}
					faults = append(faults, fault)
				}
				l := newLab(t, msgs, append(faults, s.faults...)...)
				l.account.Delete = rule
				for range 4 {
					l.run()
				}
				if n := len(l.contents()); n != 24 {
					t.Errorf("%d of 24 messages are delivered", n)
				}
				l.server.SetFaults(s.faults...)
				l.clock += 48 * time.Hour
				l.run()
				l.holds(texts(t, msgs)...)
			})
		}
	}
}

// What was fetched by its header does not come again because that cannot be had one day, and goes when its time has come.
func TestHeaderThatCannotBeHadAgain(t *testing.T) {
	msgs := mail(4)
	noUIDL := pop3test.Refuse("UIDL", "what?")
	l := newLab(t, msgs[:3], noUIDL)
	l.account.Delete = config.Delete{Mode: config.DeleteAged, Age: 14 * 24 * time.Hour}
	l.want(3, 0, None)
	l.mailbox.Add(msgs[3])
	l.server.SetFaults(noUIDL, pop3test.Fault{On: "TOP", UID: "u2", Do: pop3test.FIN})
	l.want(1, 0, Poison)
	l.want(0, 0, Poison)
	l.server.SetFaults(noUIDL)
	l.clock += time.Hour
	l.want(0, 0, None)
	l.clock += 30 * 24 * time.Hour
	l.want(0, 4, None)
	l.holds(texts(t, msgs)...)
}

// A server on which every TOP ends the session has no TOP.
func TestEachHeaderCuts(t *testing.T) {
	msgs := mail(6)
	l := newLab(t, msgs, pop3test.Refuse("UIDL", "what?"), pop3test.Fault{On: "TOP", Do: pop3test.FIN})
	l.want(4, 0, Poison) // the two by which that was found out come later
	l.want(2, 0, None)
	l.want(0, 0, None)
	l.holds(texts(t, msgs)...)
}

// A header without an end is left at its bound, and blocks no other message.
func TestEndlessHeaderWithoutUID(t *testing.T) {
	msgs := mail(3)
	endless := pop3test.Fault{On: "TOP", UID: "u2", At: 10, Do: pop3test.Flood, Text: strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 1000)}
	l := newLab(t, msgs, pop3test.Refuse("UIDL", "what?"), endless)
	l.want(2, 0, Poison)
	if said := l.said(); !strings.Contains(said, "did not end") || strings.Contains(said, "one message at a time") {
		t.Errorf("said %q", said)
	}
	l.server.SetFaults(pop3test.Refuse("UIDL", "what?"))
	l.want(1, 0, None)
	l.holds(texts(t, msgs)...)
}

// Beside mail that has UIDs, messages without may have been fetched by their headers, even if those all end the session today.
func TestEachHeaderCutsBesideUIDs(t *testing.T) {
	msgs := mail(6)
	for i := range 5 {
		msgs[i].UID = ""
	}
	l := newLab(t, msgs)
	l.want(6, 0, None)
	l.server.SetFaults(pop3test.Fault{On: "TOP", Do: pop3test.FIN})
	for range 3 {
		l.run()
	}
	l.server.SetFaults()
	l.clock += 48 * time.Hour
	l.want(0, 0, None)
	l.holds(texts(t, msgs)...)
}

// A header that is too long for one is as good as any other.
func TestLongHeaderWithoutUID(t *testing.T) {
	for _, s := range namelessServers() {
		msgs := mail(3)
		msgs[2].Data = append([]byte(strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 1100)), msgs[2].Data...)
		if s.empty {
			msgs[2].UID = ""
		}
		l := newLab(t, msgs, s.faults...)
		l.want(3, 0, None)
		l.want(0, 0, None)
		l.holds(texts(t, msgs)...)
	}
}

// A list tells of a message whose header ends the session, and of all others.
func TestListOfPoisonWithoutUIDs(t *testing.T) {
	l := newLab(t, mail(3), pop3test.Refuse("UIDL", "what?"), pop3test.Fault{On: "TOP", UID: "u2", Do: pop3test.FIN})
	l.options.DryRun = true
	l.want(0, 0, Poison)
	if said := l.said(); !strings.Contains(said, "get : new\nskip : failed in this run\nget : new") {
		t.Errorf("said %q", said)
	}
	l.options.DryRun = false
	l.want(2, 0, Poison)
}
