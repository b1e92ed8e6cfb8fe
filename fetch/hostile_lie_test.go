package fetch

import (
	"fmt"
	"testing"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// Replies that are not what was asked for, each once: what they put in doubt is asked for again, and nothing else comes of them.
func TestWrongReplies(t *testing.T) {
	var rows []wrong
	for _, uid := range []string{"u1", "u3", "u6"} {
		for _, row := range []struct {
			name  string
			fault pop3test.Fault
			alone Class // how the run ends where one message is asked for at a time: it is to blame for what breaks the session
		}{
			{"the body of another one for", pop3test.Fault{Swap: "u5"}, None},
			{"no message for", pop3test.Fault{Mangle: pop3test.Empty}, None},
			{"a stump of", pop3test.Fault{Stump: 9}, None},
			{"half a line too little of", pop3test.Fault{Stump: 24}, None},
			{"another answer in front of", pop3test.Fault{Text: "+OK 5 octets\r\n"}, None},
			{"an answer too many behind", pop3test.Fault{At: pop3test.End, Text: "+OK 7 octets\r\n"}, Poison},
			{"a refusal too many behind", pop3test.Fault{At: pop3test.End, Text: "-ERR no such message\r\n"}, Poison},
			{"a message too many behind", pop3test.Fault{At: pop3test.End, Text: "+OK 9 octets\r\nSubject: phantom\r\n\r\nmail 4711\r\n.\r\n"}, Poison},
			{"an empty message too many after", pop3test.Fault{At: pop3test.End, Text: "+OK 0 octets\r\n.\r\n"}, Poison},
			{"a final dot too many behind", pop3test.Fault{At: pop3test.End, Text: ".\r\n"}, Poison},
			{"no answer for", pop3test.Fault{Ignore: true}, Poison},
			{"only LF for CRLF in", pop3test.Fault{Mangle: pop3test.BareLF}, Poison},
			{"no line end before the dot of", pop3test.Fault{Mangle: pop3test.GluedDot}, Poison},
		} {
			row.fault.On, row.fault.UID, row.fault.Limit = "RETR", uid, 1
			faults, name := []pop3test.Fault{row.fault}, row.name+" "+uid
			rows = append(rows, wrong{name, plain, faults, []Class{None}, 2 * soon, nil}, wrong{name, oneByOne, faults, []Class{row.alone}, 2 * soon, nil})
		}
	}
	endureAll(t, rows)
}

// Where the server does not tell a message's size, nothing but asking twice tells a stump or another message from it.
func TestWrongRepliesWithoutSizes(t *testing.T) {
	leavesNothing(t)
	for _, w := range []wire{plain, oneByOne} {
		for name, fault := range map[string]pop3test.Fault{
			"the body of another one": {Swap: "u5"},
			"no message":              {Mangle: pop3test.Empty},
			"a stump":                 {Stump: 9},
		} {
			for size, noSize := range map[string]pop3test.Fault{
				"LIST refused":  pop3test.Refuse("LIST", "not today"),
				"LIST lacks it": {On: "LIST", Line: without(3)},
			} {
				for mode, rule := range rules {
					t.Run(w.name+"/"+name+"/"+size+"/"+mode, func(t *testing.T) {
						fault.On, fault.UID, fault.Limit = "RETR", "u3", 1
						l, heard := hostileLab(t, w, pop3test.Cert{}, mail(6), noSize, fault)
						l.account.Delete = rule
						first := l.run()
						l.hasEverywhere(mail(6))
						second := l.run()
						if second.Err != nil || first.Messages+second.Messages != 6 {
							t.Errorf("delivered %d (%v) and %d (%v) of 6\n%s", first.Messages, first.Err, second.Messages, second.Err, heard)
						}
						l.holds(texts(t, mail(6))...)
					})
				}
			}
		}
	}
}

// without leaves a message out of a listing.
func without(number int) func(n int, line string) string {
	return func(n int, line string) string {
		if n == number {
			return ""
		}
		return line
	}
}

// A server that does not stuff dots ends a message before its end, where a line is a dot alone; what follows reads like the answer to the
// next command. That is no message, neither this one's nor the next one's.
func TestUnstuffedDots(t *testing.T) {
	one, all := mail(6), mail(6)
	for i := range all {
		all[i].Data = fmt.Appendf(nil, "%d\r\n.\r\n+OK 3 octets\r\nb\r\n", i+1)
	}
	one[2].Data = all[2].Data
	var rows []wrong
	for _, row := range []struct {
		name  string
		msgs  []pop3test.Message
		uid   string
		limit int
		end   Class
	}{
		{"one dot, always", one, "u3", 0, Poison},
		{"one dot, once", one, "u3", 1, None},
		{"one dot, nothing stuffed", one, "", 0, Poison},
		{"dots, one not stuffed", all, "u3", 0, Poison},
		{"dots, one not stuffed once", all, "u3", 1, None},
		{"dots, the first not stuffed", all, "", 1, None},
		{"dots, nothing stuffed", all, "", 0, Protocol}, // each session of the run finds one of them, and the last one's error is the run's
	} {
		fault := pop3test.Fault{On: "RETR", UID: row.uid, Limit: row.limit, Mangle: pop3test.Unstuffed}
		rows = append(rows, wrong{row.name, plain, []pop3test.Fault{fault}, []Class{row.end}, soon, row.msgs})
	}
	endureAll(t, rows)
}

// Mail that reads like the end of a message, or like the answers behind it, is mail as long as the server stuffs its dots.
func TestBodiesLikeReplies(t *testing.T) {
	leavesNothing(t)
	var msgs []pop3test.Message
	for i, text := range []string{
		"a\n.\n+OK 12 octets\r\nmail\r\n", "a\n.\n-ERR no\r\n", "\n.\n", "\n.\r\n+OK\r\n", "a\r\n.\r\n+OK 3 octets\r\nb\r\n.\r\n",
		"..\r\n.\r\n..\r\n", "a\r.\r+OK\r\n", "+OK 1 octets\r\n", "-ERR\r\n", ".", "a.\r\n+OK 2 octets\r\nb", "a\r\n.\n.\r\n",
	} {
		msgs = append(msgs, pop3test.Message{UID: fmt.Sprint(i), Data: []byte(text)})
	}
	for _, pipelining := range []config.Pipelining{config.PipeliningAuto, config.PipeliningOff} {
		for mode, rule := range rules {
			t.Run(mode+"/pipelining "+pipelining.String(), func(t *testing.T) {
				l := newLab(t, msgs)
				l.account.Delete, l.account.Pipelining = rule, pipelining
				l.want(len(msgs), map[string]int{"delete": len(msgs)}[mode], None)
				l.want(0, 0, None)
				l.holds(texts(t, msgs)...)
			})
		}
	}
}
