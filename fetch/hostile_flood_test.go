package fetch

import (
	"fmt"
	"strings"
	"testing"

	"haulmail/fetch/pop3/pop3test"
)

// What has no end, and numbers that no maildrop has, are left soon, with the right class, and become no mail. What a flood takes in
// memory is measured with the command itself (cmd/haulmail, TestFloods).
func TestFloods(t *testing.T) {
	var rows []wrong
	row := func(name string, w wire, faults []pop3test.Fault, end Class) {
		rows = append(rows, wrong{name, w, faults, []Class{end}, 0, nil})
	}
	for _, preset := range pop3test.Floods() {
		fault := preset.Faults[0]
		if fault.On == "RETR" || fault.On == "LIST" { // long ones; TestEndlessMessagesBlockNoOther, and TestFloods of the command
			continue
		}
		fault.Text = strings.Repeat(fault.Text, 1000) // or it is the server that the test waits for
		row(preset.Name, plain, []pop3test.Fault{fault}, Protocol)
	}
	fault := func(f pop3test.Fault) []pop3test.Fault { return []pop3test.Fault{f} }
	uidl := func(change func(n int, line string) string) []pop3test.Fault {
		return fault(pop3test.Fault{On: "UIDL", Line: change})
	}
	list := func(change func(n int, line string) string) []pop3test.Fault {
		return fault(pop3test.Fault{On: "LIST", Line: change})
	}
	stat := func(text string) []pop3test.Fault {
		return fault(pop3test.Fault{On: "STAT", Ignore: true, Text: text + "\r\n"})
	}
	more := func(line string) func(int, string) string {
		return func(n int, honest string) string {
			if n == 6 {
				return honest + "\r\n" + line
			}
			return honest
		}
	}
	row("an endless challenge", plain, fault(pop3test.Fault{On: "AUTH", Ignore: true, Do: pop3test.Flood, Text: "+ " + strings.Repeat("A", 1000)}), Protocol)
	row("endless challenges", plain, fault(pop3test.Fault{On: "AUTH", Ignore: true, Do: pop3test.Flood, Text: "+ QUFB\r\n"}), Protocol)
	row("an endless second challenge", twoSteps, fault(pop3test.Fault{On: pop3test.Challenge, At: 2, Do: pop3test.Flood, Text: strings.Repeat("A", 1000)}), Protocol)
	row("a handshake of junk", implicit, fault(pop3test.Fault{On: pop3test.Handshake, Do: pop3test.Flood, Text: strings.Repeat("junk", 1000)}), Unavailable)
	row("a handshake that does not end", implicit, fault(pop3test.Fault{On: pop3test.Handshake, Do: pop3test.Flood, Text: handshakeRecord}), Unavailable)
	row("a handshake of junk after STLS", startTLS, fault(pop3test.Fault{On: pop3test.Handshake, Do: pop3test.Flood, Text: strings.Repeat("junk", 1000)}), Unavailable)

	row("numbers negative", plain, uidl(func(n int, _ string) string { return fmt.Sprintf("-%d u%d", n, n) }), Protocol)
	row("numbers from 0 on", plain, uidl(func(n int, _ string) string { return fmt.Sprintf("%d u%d", n-1, n) }), Protocol)
	row("numbers doubled", plain, uidl(func(n int, _ string) string { return fmt.Sprintf("%d u%d", (n+1)/2, n) }), Protocol)
	row("numbers doubled, apart", plain, uidl(func(n int, _ string) string { return fmt.Sprintf("%d u%d", 1+n%3, n) }), Protocol)
	row("numbers from 4000000000 on", plain, uidl(func(n int, _ string) string { return fmt.Sprintf("%d u%d", 4000000000+n, n) }), Protocol)
	row("one number of 4000000000", plain, uidl(more("4000000000 u7")), Protocol)
	row("one number of 4294967297", plain, uidl(more("4294967297 u7")), Protocol)
	row("one number beyond STAT", plain, uidl(more("7 u7")), Poison)
	row("one number far beyond STAT", plain, uidl(more("2000000 u7")), Poison)
	row("sizes of numbers negative", plain, list(func(n int, _ string) string { return fmt.Sprintf("-%d 1", n) }), Protocol)
	row("sizes of number 0", plain, list(more("0 1")), Protocol)
	row("sizes of a number beyond UIDL", plain, list(more("7 120")), Poison)
	row("sizes of 4000000000", plain, list(more("4000000000 1")), Protocol)
	row("STAT too small", plain, stat("+OK 1 1"), None)
	row("STAT of nothing", plain, stat("+OK 0 0"), None)
	row("STAT too large", plain, stat("+OK 100000 100000"), None)
	row("STAT of 2147483647", plain, stat("+OK 2147483647 2147483647"), None)
	row("STAT of 9223372036854775807", plain, stat("+OK 9223372036854775807 9223372036854775807"), None)
	row("STAT negative", plain, stat("+OK -2147483648 -1"), None)
	row("STAT without numbers", plain, stat("+OK"), None)
	endureAll(t, rows)
}

// handshakeRecord is a TLS record with the beginning of a ServerHello of 16 MB.
const handshakeRecord = "\x16\x03\x03\x00\x10\x02\xff\xff\xff\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
