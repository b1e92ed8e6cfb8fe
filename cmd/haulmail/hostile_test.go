package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"haulmail/fetch/pop3/pop3test"
)

// mostMemory is what a run may take, whatever the server sends: the 32 MiB. A run that does nothing takes 15.
const mostMemory = 32 << 20

// hostileUser logs in to the servers of these tests; the password has characters that quotes and JSON change.
const hostileUser, hostilePassword = "lab", `p"a\ss<w0rd>&é~7`

// hostileHome is a user of a server that is wrong in the way of faults.
func hostileHome(t *testing.T, msgs []pop3test.Message, faults []pop3test.Fault) (*home, *pop3test.Server) {
	t.Helper()
	server := &pop3test.Server{
		Users:  map[string]pop3test.User{hostileUser: {Password: hostilePassword, Mailbox: pop3test.NewMailbox(msgs...)}},
		Faults: faults,

		APOP:       true,
		Mechanisms: []string{"LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER"},
	}
	addr, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	h := newHome(t, fmt.Sprintf("[account.lab]\nserver = %q\ntls = \"none\"\nusername = %q\npassword = %q\nmaildir = \"Mail/lab\"\ntimeout = \"2s\"\nretries = 0\n",
		addr, hostileUser, hostilePassword))
	return h, server
}

// hostileMail is a dozen messages; their sizes differ.
func hostileMail() []pop3test.Message {
	var msgs []pop3test.Message
	for i, data := range smallMail("hostile", 12) {
		msgs = append(msgs, pop3test.Message{UID: fmt.Sprint("uid", i), Data: []byte(strings.ReplaceAll(string(data), "\n", "\r\n"))})
	}
	return msgs
}

// peakMemory is built like the real binary, and goes with it.
var peakMemory = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binary.dir, "peakmemory")
	if out, err := exec.Command("go", "build", "-o", path, "./testdata/peakmemory").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build peakmemory: %w\n%s", err, out)
	}
	return path, nil
})

// runMeasured runs the binary to its end and gives the memory that it took at its peak.
func (h *home) runMeasured(t *testing.T, args ...string) (result, int64) {
	t.Helper()
	haulmailBinary(t)
	measure, err := peakMemory()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(h.dir, "peak")
	r := runToEnd(t, h.wrapped(t, []string{measure, file}, args...), args)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\n%v", err, r)
	}
	var peak int64
	if _, err := fmt.Sscan(string(text), &peak); err != nil {
		t.Fatal(err)
	}
	return r, peak
}

// flood is a server that sends without an end, or far more than there is.
type flood struct {
	name   string
	faults []pop3test.Fault
	code   int // the exit code
	mail   int // messages delivered all the same
}

// many makes twelve lines of a listing far more: for the n-th message, each lines. They are made at once, or the server would still
// be at it, the mailbox locked, when the client comes again.
func many(each int, line func(number int) string) func(n int, _ string) string {
	var chunks [12]string
	for i := range chunks {
		var lines []string
		for number := i*each + 1; number <= (i+1)*each; number++ {
			lines = append(lines, line(number))
		}
		chunks[i] = strings.Join(lines, "\r\n")
	}
	return func(n int, _ string) string { return chunks[n-1] }
}

func floods() []flood {
	var all []flood
	for _, preset := range pop3test.Floods() {
		f := flood{preset.Name, preset.Faults, 76, 0}
		f.faults[0].Text = strings.Repeat(f.faults[0].Text, 1000) // or it is the server that the test waits for
		if f.faults[0].On == "RETR" && preset.Name != "endless empty lines" {
			f.faults[0].Msg = 1
			f.code, f.mail = 65, 11
		}
		all = append(all, f)
	}
	long := strings.Repeat("u", 500)
	uidl := func(line func(n int, _ string) string) pop3test.Fault { return pop3test.Fault{On: "UIDL", Line: line} }
	list := func(line func(n int, _ string) string) pop3test.Fault { return pop3test.Fault{On: "LIST", Line: line} }
	stat := func(text string) pop3test.Fault {
		return pop3test.Fault{On: "STAT", Ignore: true, Text: text + "\r\n"}
	}
	longUIDs := many(2_000, func(n int) string { return fmt.Sprintf("%d %s%d", n, long, n) })
	shortUIDs := many(30_000, func(n int) string { return fmt.Sprintf("%d u%d", n, n) })
	backwards := many(30_000, func(n int) string { return fmt.Sprintf("%d u%d", 2_000_000-n, n) })
	sizes := many(60_000, func(n int) string { return fmt.Sprintf("%d %d", n, n) })
	// As many as just fit into a listing that STAT did not tell of.
	absent := uidl(many(8_500, func(n int) string { return fmt.Sprintf("%d u%d", n, n) }))
	equal := uidl(many(8_900, func(n int) string { return fmt.Sprintf("%d same", n) }))
	nameless := func(more ...pop3test.Fault) []pop3test.Fault {
		return append(more, pop3test.Refuse("UIDL", "no"), list(many(9_900, func(n int) string { return fmt.Sprintf("%d %d", n, n) })))
	}
	oneHeader := pop3test.Fault{On: "TOP", Ignore: true, Text: "+OK\r\nSubject: one\r\n\r\n.\r\n"}
	longRefusal := func(on string) pop3test.Fault { return pop3test.Refuse(on, strings.Repeat("no ", 1300)) }
	cut := pop3test.Fault{On: "RETR", Do: pop3test.FIN, Limit: 2}
	return append(
		all,
		flood{"a listing of long UIDs", []pop3test.Fault{uidl(longUIDs)}, 76, 0},
		flood{"a listing of long UIDs, STAT of 2147483647", []pop3test.Fault{stat("+OK 2147483647 1"), uidl(longUIDs)}, 76, 0},
		flood{"a listing of long UIDs, STAT of 500000", []pop3test.Fault{stat("+OK 500000 1"), uidl(longUIDs)}, 76, 0},
		flood{"a listing of long UIDs, STAT refused", []pop3test.Fault{stat("-ERR"), uidl(longUIDs)}, 76, 0},
		flood{"a listing of short UIDs", []pop3test.Fault{uidl(shortUIDs)}, 76, 0},
		flood{"a listing backwards", []pop3test.Fault{uidl(backwards)}, 76, 0},
		flood{"a listing of sizes", []pop3test.Fault{list(sizes)}, 76, 0},
		flood{"a listing of sizes, UIDL refused", []pop3test.Fault{pop3test.Refuse("UIDL", "no"), list(sizes)}, 76, 0},
		flood{"one size again and again", []pop3test.Fault{list(many(200_000, func(int) string { return "7 7" }))}, 76, 0},
		flood{"endless challenge", []pop3test.Fault{{On: "AUTH", Ignore: true, Text: "+ QUFB"}, {On: "AUTH", Do: pop3test.Flood, Text: "QUFB"}}, 76, 0},
		flood{"endless challenges", []pop3test.Fault{{On: "AUTH", Ignore: true, Do: pop3test.Flood, Text: "+ QUFB\r\n"}}, 76, 0},
		flood{"messages that are not there", []pop3test.Fault{absent}, 65, 12},
		flood{"messages that are refused at length", []pop3test.Fault{absent, longRefusal("RETR")}, 65, 0},
		flood{"equal UIDs of messages that are not there", []pop3test.Fault{equal}, 65, 12},
		flood{"equal UIDs, a message cuts", []pop3test.Fault{equal, cut}, 65, 11},
		flood{"no UIDs of messages that are not there", nameless(), 65, 12},
		flood{"no UIDs, a message cuts", nameless(cut), 65, 11},
		flood{"no UIDs, headers refused at length", nameless(longRefusal("TOP"), cut), 65, 11},
		flood{"no UIDs, headers refused at length for the moment", nameless(pop3test.Refuse("TOP", "[SYS/TEMP] "+strings.Repeat("no ", 1300))), 75, 0},
		flood{"no UIDs, all headers equal", nameless(oneHeader), 65, 12},
		flood{"no UIDs, all headers equal, a message cuts", nameless(oneHeader, cut), 65, 11},
		flood{"an endless header, no UIDs", []pop3test.Fault{pop3test.Refuse("UIDL", "no"), {On: "TOP", Msg: 3, Ignore: true, Text: "+OK\r\n"}, {On: "TOP", Msg: 3, Do: pop3test.Flood, Text: strings.Repeat("X: x\r\n", 10_000)}}, 65, 11},
	)
}

// A server that sends without an end is left soon, with memory that stays small; nothing of the flood becomes mail, and nothing that did not
// come goes from the server.
func TestFloods(t *testing.T) {
	for _, f := range floods() {
		for _, deletion := range []string{"never", "fetched"} {
			t.Run(f.name+"/"+deletion, func(t *testing.T) {
				t.Parallel()
				f.endure(t, deletion)
			})
		}
	}
}

func (f flood) endure(t *testing.T, deletion string) {
	msgs := hostileMail()
	h, server := hostileHome(t, msgs, f.faults)
	h.configure(t, read(t, h.config)+fmt.Sprintf("delete = %q\n", deletion))
	h.binary = haulmailBinary
	began := time.Now()
	r, peak := h.runMeasured(t)
	t.Logf("%v, peak memory %.1f MiB: %s", time.Since(began).Round(time.Millisecond), float64(peak)/(1<<20), clip(r.stderr))
	r.exits(t, f.code)
	if peak > mostMemory {
		t.Errorf("it took %d octets of memory, want %d at most", peak, mostMemory)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	got := counted(delivered(t, h.maildir("lab")))
	left := server.Users[hostileUser].Mailbox.UIDs()
	mail := 0
	for _, m := range msgs {
		sum := sha256.Sum256([]byte(strings.ReplaceAll(string(m.Data), "\r\n", "\n")))
		mail += got[sum]
		if isLeft := slices.Contains(left, m.UID); !isLeft && (deletion == "never" || got[sum] == 0) {
			t.Errorf("%s is gone from the server", m.UID)
		}
		delete(got, sum)
	}
	if mail != f.mail || len(got) > 0 {
		t.Errorf("%d messages are delivered, want %d; and %d files that are no message of the server's", mail, f.mail, len(got))
	}
}

// secretForms are the password in all the forms in which it could be told.
func secretForms(t *testing.T) []string {
	t.Helper()
	js, err := json.Marshal(hostilePassword)
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		hostilePassword, strings.Trim(strconv.Quote(hostilePassword), `"`), strings.Trim(strconv.QuoteToASCII(hostilePassword), `"`), strings.Trim(string(js), `"`),
		base64.StdEncoding.EncodeToString([]byte(hostilePassword)), plainResponse,
	}
}

// plainResponse is what AUTH PLAIN sends.
var plainResponse = base64.StdEncoding.EncodeToString([]byte("\x00" + hostileUser + "\x00" + hostilePassword))

// oddReplies stand for any reply: they give the password back, and hold what must not reach a terminal: escapes, GBK, a mark that turns the
// direction of writing.
func oddReplies() []string {
	echo := strings.Join([]string{hostilePassword, base64.StdEncoding.EncodeToString([]byte(hostilePassword)), plainResponse}, " ")
	const awkward = "\x1b]0;title\x07\x1b[31mred\x1b[2J \xb5\xc7\xc2\xbc\xca\xa7\xb0\xdc \u202e\r\x00\x7f\u009b"
	return []string{
		"-ERR " + awkward + echo,
		"-ERR [" + hostilePassword + "] " + awkward,
		"-ERR [SYS/TEMP] " + echo,
		awkward + echo,
	}
}

// oddPlaces are where a server may put an odd reply: each gives the faults that do so.
func oddPlaces() map[string]func(reply string) []pop3test.Fault {
	places := map[string]func(reply string) []pop3test.Fault{
		"lines of CAPA": func(reply string) []pop3test.Fault {
			return []pop3test.Fault{{On: "CAPA", Line: func(_ int, line string) string {
				if strings.HasPrefix(line, "SASL") {
					line += " " + reply
				}
				return line + "\r\n" + strings.Join([]string{reply, "X-SEEN " + reply, "EXPIRE " + reply, "LOGIN-DELAY " + reply}, "\r\n")
			}}}
		},
		"UIDs": func(reply string) []pop3test.Fault {
			return []pop3test.Fault{
				{On: "UIDL", Line: func(_ int, line string) string { return line + reply }},
				{On: "RETR", Msg: 1, Ignore: true, Text: "-ERR no\r\n"},
			}
		},
	}
	userPass := pop3test.Fault{On: "CAPA", Line: func(_ int, line string) string {
		if strings.HasPrefix(line, "SASL") {
			return ""
		}
		return line
	}}
	for _, stage := range []string{pop3test.Greeting, "CAPA", "AUTH", "USER", "PASS", "STAT", "UIDL", "LIST", "TOP", "RETR", "NOOP", "DELE", "QUIT"} {
		places[stage] = func(reply string) []pop3test.Fault {
			faults := []pop3test.Fault{{On: stage, Ignore: true, Text: reply + "\r\n"}}
			if stage == "USER" || stage == "PASS" {
				faults = append(faults, userPass)
			}
			if stage == "TOP" {
				faults = append(faults, pop3test.Refuse("UIDL", "no"))
			}
			return faults
		}
	}
	return places
}

// Whatever a server answers, to whatever: no output of the command, however talkative, holds the password or anything that a terminal would
// obey, and JSON stays what it is to be.
func TestOddRepliesReachNoOutput(t *testing.T) {
	forms := secretForms(t)
	s, err := newSchema()
	if err != nil {
		t.Fatal(err)
	}
	var checking sync.Mutex
	for place, faults := range oddPlaces() {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			for _, reply := range oddReplies() {
				for _, args := range [][]string{{"fetch", "-vv"}, {"fetch", "--json", "-vv"}, {"list"}, {"check", "--connect", "-vv"}, {"check", "--connect", "--json"}} {
					h, _ := hostileHome(t, hostileMail()[:2], faults(reply))
					h.binary = haulmailBinary
					h.configure(t, read(t, h.config)+"delete = \"fetched\"\n")
					r := h.run(t, args...)
					tellsNothing(t, r, reply, forms)
					if !slices.Contains(args, "--json") {
						continue
					}
					checking.Lock()
					err := s.checkAll([]byte(r.stdout))
					checking.Unlock()
					if err != nil {
						t.Errorf("after %q: %v", reply, err)
					}
				}
			}
		})
	}
}

// tellsNothing fails the test if a run's output holds the password in any form, or what a terminal would obey.
func tellsNothing(t *testing.T, r result, reply string, forms []string) {
	t.Helper()
	for _, form := range forms {
		if strings.Contains(r.stdout+r.stderr, form) {
			t.Errorf("after %q the password is told as %q\n%v", reply, form, r)
		}
	}
	for _, line := range strings.SplitAfter(r.stdout+r.stderr, "\n") {
		if odd := strings.TrimFunc(line, func(c rune) bool { return c != utf8.RuneError && (unicode.IsGraphic(c) || c == '\n') }); odd != "" {
			t.Errorf("after %q there is %q in the output\n%q", reply, odd, line)
		}
	}
}

// The same for each mechanism, at each of its steps.
func TestOddRepliesToEachLogin(t *testing.T) {
	forms := secretForms(t)
	for auth, stages := range map[string][]string{
		"userpass": {"USER", "PASS"}, "apop": {"APOP"}, "plain": {"AUTH"}, "oauthbearer": {"AUTH"},
		"login": {"AUTH", pop3test.Challenge}, "cram-md5": {pop3test.Challenge}, "scram-sha-256": {"AUTH", pop3test.Challenge}, "xoauth2": {pop3test.Challenge},
	} {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			for _, stage := range stages {
				for _, reply := range append(oddReplies(), "+ "+base64.StdEncoding.EncodeToString([]byte("e="+hostilePassword)), "+ "+hostilePassword) {
					h, server := hostileHome(t, hostileMail()[:2], nil)
					server.SetFaults(pop3test.Fault{On: stage, Ignore: true, Text: reply + "\r\n"})
					h.binary = haulmailBinary
					h.configure(t, read(t, h.config)+fmt.Sprintf("auth = %q\n", auth))
					for _, args := range [][]string{{"fetch", "-vv"}, {"fetch", "--json", "-vv"}} {
						tellsNothing(t, h.run(t, args...), reply, forms)
					}
				}
			}
		})
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
