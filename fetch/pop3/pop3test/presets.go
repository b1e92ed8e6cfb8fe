package pop3test

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Preset is a server that is wrong in one named way.
type Preset struct {
	Name   string
	Faults []Fault
}

// Stages returns the places of an ordinary session with USER and PASS, in their order.
func Stages() []string {
	return []string{Greeting, "CAPA", "USER", "PASS", "STAT", "UIDL", "LIST", "RETR", "DELE", "QUIT"}
}

// Cuts ends the connection, by FIN and by RST, at each stage: before the reply, in it, before its last octets and
// behind it; before the command is carried out at all; and at more places in a message. Each cut happens in the first
// session only, so that a client that comes again gets all.
func Cuts() []Preset {
	var presets []Preset
	add := func(f Fault) {
		f.Session = 1
		place := strconv.Itoa(f.At)
		if f.At == End {
			place = "the end"
		}
		if f.Ignore {
			place = "once, undone"
		}
		presets = append(presets, Preset{fmt.Sprintf("%v at %s, %s", f.Do, f.On, place), []Fault{f}})
	}
	for _, do := range []Action{FIN, RST} {
		for _, stage := range Stages() {
			for _, at := range []int{0, 1, -2, -1} {
				add(Fault{On: stage, At: at, Do: do})
			}
			if stage != "QUIT" { // behind QUIT's reply a good server hangs up too
				add(Fault{On: stage, At: End, Do: do})
			}
			add(Fault{On: stage, Ignore: true, Do: do})
		}
		for _, at := range []int{15, 30, -7, -5, -4, -3} {
			add(Fault{On: "RETR", At: at, Do: do})
		}
	}
	return presets
}

// Stalls is silent for ever, or drips an octet every half second, at each stage, in the first session only.
func Stalls() []Preset {
	var presets []Preset
	for _, stage := range Stages() {
		presets = append(
			presets,
			Preset{"silence before the reply to " + stage, []Fault{{Session: 1, On: stage, Do: Stall}}},
			Preset{"silence in the reply to " + stage, []Fault{{Session: 1, On: stage, At: -2, Do: Stall}}},
			Preset{"a drip as the reply to " + stage, []Fault{{Session: 1, On: stage, Do: Drip, For: time.Second / 2}}},
		)
	}
	return presets
}

// Refusals answers -ERR to each command, with the response codes of RFC 2449 and 3206 and with what must not reach a
// log. The password in the last one is the argument.
func Refusals(password string) []Preset {
	var presets []Preset
	for _, stage := range Stages() {
		for _, text := range []string{
			"", "no", "[AUTH] no", "[IN-USE] no", "[LOGIN-DELAY] no", "[SYS/TEMP] no", "[SYS/PERM] no", "[X-NEW] no",
			"\xb5\xc7\xc2\xbc\xca\xa7\xb0\xdc", // "login failed" in GBK
			"\x1b]0;title\x07\x1b[31mred",
			"wrong password: " + password,
		} {
			presets = append(presets, Preset{fmt.Sprintf("-ERR %q to %s", text, stage), []Fault{Refuse(stage, text)}})
		}
	}
	return presets
}

// Floods sends without an end.
func Floods() []Preset {
	endless := func(on string, at int, text string) []Fault {
		return []Fault{{On: on, At: at, Do: Flood, Text: text}}
	}
	return []Preset{
		{"endless greeting", endless(Greeting, 4, "x")},
		{"endless line in CAPA", endless("CAPA", -3, "x")},
		{"endless CAPA", endless("CAPA", -3, "X-JUNK\r\n")},
		{"endless status line", endless("STAT", 4, "1")},
		{"endless UIDL", endless("UIDL", -3, "1 x\r\n")},
		{"endless UID", endless("UIDL", -3, "u")},
		{"endless LIST", endless("LIST", -3, "1 1\r\n")},
		{"endless message", endless("RETR", -3, "more and more of it\r\n")},
		{"endless line in a message", endless("RETR", -5, "x")},
		{"endless dots in a message", endless("RETR", -3, "..\r\n")},
		{"endless empty lines", endless("RETR", End, "\r\n")},
	}
}

// Lies tells things about the maildrop and its messages that are not so.
func Lies() []Preset {
	uidl := func(change func(n int, line string) string) []Fault { return []Fault{{On: "UIDL", Line: change}} }
	list := func(change func(n int, line string) string) []Fault { return []Fault{{On: "LIST", Line: change}} }
	stat := func(text string) []Fault { return []Fault{{On: "STAT", Text: text + "\r\n", Do: Skip}} }
	mangled := func(m Mangle) []Fault { return []Fault{{On: "RETR", Mangle: m}} }
	numbered := func(number string) func(int, string) string {
		return func(_ int, line string) string { return number + line[strings.IndexByte(line, ' '):] }
	}
	named := func(uid string) func(int, string) string {
		return func(n int, _ string) string { return strconv.Itoa(n) + " " + uid }
	}
	half := func(n int, line string) string { return strings.Repeat(line, n%2) }
	twice := func(_ int, line string) string { return line + "\r\n" + line }

	return []Preset{
		{"UIDL refused", []Fault{Refuse("UIDL", "unknown command")}},
		{"UIDL lacks half, once", []Fault{{On: "UIDL", Line: half, Session: 1}}},
		{"UIDL doubles lines", uidl(twice)},
		{"UIDL without UIDs", uidl(named(""))},
		{"UIDL with equal UIDs", uidl(named("same"))},
		{"UIDL with the number alone", uidl(func(n int, _ string) string { return strconv.Itoa(n) })},
		{"UIDL with a UID of 500 octets", uidl(func(n int, _ string) string { return fmt.Sprintf("%d %0500d", n, n) })},
		{"UIDL with blanks", uidl(func(n int, _ string) string { return fmt.Sprintf("%d  a  %d ", n, n) })},
		{"UIDL with tabs", uidl(func(n int, _ string) string { return fmt.Sprintf("%d\ta\t%d", n, n) })},
		{"UIDL with control octets", uidl(func(n int, _ string) string { return fmt.Sprintf("%d \x1b[2J\x00%d\x7f", n, n) })},
		{"UIDL with 8-bit octets", uidl(func(n int, _ string) string { return fmt.Sprintf("%d \xff\xfe%d", n, n) })},
		{"UIDL with a path", uidl(func(n int, _ string) string { return fmt.Sprintf("%d ../../%d", n, n) })},
		{"UIDL renumbered, second session", []Fault{{On: "UIDL", Session: 2, Line: func(n int, _ string) string { return fmt.Sprintf("%d new-%d", n, n) }}}},
		{"message numbers negative", uidl(numbered("-1"))},
		{"message numbers 0", uidl(numbered("0"))},
		{"message numbers doubled", uidl(numbered("1"))},
		{"message numbers beyond STAT", uidl(numbered("4711"))},
		{"message numbers beyond 32 bits", uidl(numbered("4294967297"))},
		{"message numbers of 4000000000", uidl(numbered("4000000000"))},
		{"LIST lacks half", list(half)},
		{"LIST doubles lines", list(twice)},
		{"LIST with sizes of 1", list(func(n int, _ string) string { return fmt.Sprintf("%d 1", n) })},
		{"LIST with sizes of 0", list(func(n int, _ string) string { return fmt.Sprintf("%d 0", n) })},
		{"LIST with huge sizes", list(func(n int, _ string) string { return fmt.Sprintf("%d 9223372036854775807", n) })},
		{"LIST with negative sizes", list(func(n int, _ string) string { return fmt.Sprintf("%d -1", n) })},
		{"LIST without sizes", list(func(n int, _ string) string { return strconv.Itoa(n) })},
		{"STAT too small", stat("+OK 1 1")},
		{"STAT of nothing", stat("+OK 0 0")},
		{"STAT too large", stat("+OK 100000 100000")},
		{"STAT of 2147483647", stat("+OK 2147483647 2147483647")},
		{"STAT negative", stat("+OK -1 -1")},
		{"STAT without numbers", stat("+OK")},
		{"PIPELINING, but batches are forgotten", []Fault{{Batched: true, Ignore: true}}},
		{"PIPELINING, but batches end the connection", []Fault{{Batched: true, Do: FIN}}},
		{"PIPELINING, but batches stall it", []Fault{{Batched: true, Do: Stall}}},
		{"message empty, once", []Fault{{On: "RETR", Msg: 1, Mangle: Empty, Limit: 1}}},
		{"message empty", mangled(Empty)},
		{"message a stump, once", []Fault{{On: "RETR", Msg: 1, Stump: 10, Limit: 1}}},
		{"message a stump", []Fault{{On: "RETR", Msg: 1, Stump: 10}}},
		{"no dot-stuffing", mangled(Unstuffed)},
		{"bare LF line ends", mangled(BareLF)},
		{"no line end before the dot", mangled(GluedDot)},
		{"octets behind the dot", []Fault{{On: "RETR", Msg: 1, At: End, Text: "left over\r\n"}}},
		{"no dot", []Fault{{On: "RETR", Msg: 1, At: -3, Do: Skip}}},
		{"no reply", []Fault{{On: "RETR", Msg: 1, Ignore: true}}},
		{"empty line as the reply to DELE", []Fault{{On: "DELE", Ignore: true, Text: "\r\n"}}},
		{"QUIT deletes nothing", []Fault{{On: "QUIT", Ignore: true, Text: "-ERR some messages are not removed\r\n", Do: FIN}}},
	}
}
