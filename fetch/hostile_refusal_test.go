package fetch

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"haulmail/fetch/pop3/pop3test"
)

func inBase64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// echoes are the ways in which a server may give the password back.
func echoes(user, password string) []string {
	return []string{password, inBase64(password), inBase64("\x00" + user + "\x00" + password)}
}

// replies that a server may give instead of +OK, with the password in them, and what must not reach a terminal as it is.
func odd(user, password string) []string {
	echo := echoes(user, password)
	replies := []string{
		"-ERR \xb5\xc7\xc2\xbc\xca\xa7\xb0\xdc " + password, // "login failed" in GBK
		"-ERR \x1b]0;title\x07\x1b[31mred\x1b[2J\r\x00\x7f\u202e" + password,
		"-ERR wrong: " + strings.Join(echo, " or "),
		"-ERR " + password[:3] + "\x1b[0m" + password + strings.Repeat(" "+password, 300),
	}
	for _, e := range echo {
		replies = append(replies, "-ERR ["+e+"] no", "-ERR [AUTH] "+e, e, "* "+e+"\x1b[2J")
	}
	return replies
}

var codes = []string{"", "[AUTH] ", "[IN-USE] ", "[LOGIN-DELAY] ", "[SYS/TEMP] ", "[SYS/PERM] ", "[X-NEW] "}

// A -ERR to any command, with any code and any text: the run ends with the class that the code and the command call for, and nothing
// that it tells, the dialogue included, holds the password or a control character of the server's.
func TestRefusals(t *testing.T) {
	var rows []wrong
	for _, group := range []struct {
		wire   wire
		stages []string
	}{
		{plain, []string{pop3test.Greeting, "CAPA", "AUTH", "STAT", "UIDL", "LIST", "RETR", "NOOP", "DELE", "QUIT"}},
		{userPass, []string{"USER", "PASS"}},
		{twoSteps, []string{"AUTH", response}},
		{apop, []string{"APOP"}},
		{startTLS, []string{"STLS"}},
	} {
		for _, stage := range group.stages {
			for _, code := range codes {
				faults := []pop3test.Fault{pop3test.Refuse(stage, code+"no")}
				if stage == response { // a line that the server takes for a command of that name
					faults[0].On = strings.ToUpper(inBase64("\x00me\x00" + twoSteps.password))
					faults = append(faults, pop3test.Fault{On: "AUTH", Ignore: true, Text: "+ \r\n"})
				}
				rows = append(rows, wrong{code + "to " + stage, group.wire, faults, refusalEnds(stage, strings.Trim(code, "[] ")), 0, nil})
			}
		}
	}
	endureAll(t, rows)
}

// response is the place of what answers a challenge.
const response = "the response"

// refusalEnds are the classes of a run in which a command is always refused.
func refusalEnds(stage, code string) []Class {
	switch stage {
	case "AUTH", response:
		if code == "" { // USER and PASS are tried then
			return []Class{None}
		}
	case "CAPA", "STAT", "LIST", "NOOP", "QUIT", "DELE": // what can be done without
		return []Class{None}
	case "RETR":
		return []Class{Poison}
	case "UIDL": // headers tell new mail from old then, unless the server says that UIDL will be back
		if code != "IN-USE" && code != "LOGIN-DELAY" && code != "SYS/TEMP" {
			return []Class{None}
		}
	}
	switch code {
	case "IN-USE", "LOGIN-DELAY", "SYS/TEMP":
		return []Class{Temporary}
	case "SYS/PERM":
		return []Class{Unavailable}
	case "AUTH":
		return []Class{Login}
	}
	switch stage {
	case pop3test.Greeting:
		return []Class{Temporary}
	case "STLS":
		return []Class{Unavailable}
	}
	return []Class{Login}
}

// No odd reply, a refusal or no status line at all, brings the password or a control character into anything that a run tells.
func TestRefusalsTellNoSecret(t *testing.T) {
	leavesNothing(t)
	c := newCrowd(t)
	defer c.wait()
	for stage, w := range map[string]wire{
		pop3test.Greeting: plain, "CAPA": plain, "AUTH": plain, "USER": userPass, "PASS": userPass, "STLS": startTLS, "STAT": plain,
		"UIDL": plain, "LIST": plain, "TOP": plain, "RETR": plain, "NOOP": plain, "DELE": plain, "QUIT": plain,
	} {
		for i, reply := range odd("me", w.password) {
			c.run(fmt.Sprint(stage, "/", i), func(t *testing.T) {
				faults := []pop3test.Fault{{On: stage, Ignore: true, Text: reply + "\r\n"}}
				if stage == "TOP" {
					faults = append(faults, pop3test.Refuse("UIDL", "no"))
				}
				tellsNoSecret(t, w, faults...)
			})
		}
	}
}

func tellsNoSecret(t *testing.T, w wire, faults ...pop3test.Fault) {
	l, _ := hostileLab(t, w, pop3test.Cert{}, mail(2), faults...)
	l.account.Delete = rules["delete"]
	var said told
	l.options.Report = func(e Event) { l.report(e); said.add(e) }
	l.options.Wire = func(_ string, _ bool, line string) { said.add(line) }
	r := l.run()
	said.add(r)
	if r.Err != nil {
		said.add(r.Err.Error())
		said.add(errOf(t, r).Hint)
		if strings.ContainsFunc(r.Err.Error(), unicode.IsControl) {
			t.Errorf("a control character in %q", r.Err)
		}
	}
	for _, secret := range echoes("me", w.password) {
		if line := around(said.String(), secret); line != "" {
			t.Errorf("%q is told after %q: %.300s", secret, faults[0].Text, line)
		}
	}
}

// told gathers all that a run tells, in the forms that a reporter may use.
type told struct{ strings.Builder }

func (w *told) add(v any) {
	fmt.Fprintf(w, "%v\n%+v\n%#v\n%q\n", v, v, v, v)
	if js, err := json.Marshal(v); err == nil {
		fmt.Fprintf(w, "%s\n", js)
	}
}

// around gives the line in which part stands.
func around(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}
