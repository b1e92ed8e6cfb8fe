package fetch

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"haulmail/config"
	"haulmail/fetch/pop3/pop3test"
)

// A server that answers any step of any mechanism with the password, the token, or what it was sent, gets none of them told; nor does
// a control character of its reach the error.
func TestHostileLoginsTellNoSecret(t *testing.T) {
	leavesNothing(t)
	c := newCrowd(t)
	defer c.wait()
	for _, row := range loginRows {
		if row.by == "" || row.by == "EXTERNAL" || row.auth == config.AuthAuto {
			continue // EXTERNAL has no secret
		}
		for _, place := range row.places() {
			for i := range hostileReplies("secret") {
				c.run(fmt.Sprint(row.name, "/", place, "/", i), func(t *testing.T) {
					l := newLoginLab(t, row)
					reply := hostileReplies(l.secret)[i]
					l.server.SetFaults(pop3test.Fault{On: place, Ignore: true, Text: reply + "\r\n"})
					l.tellsNothing()
				})
			}
		}
		c.run(row.name+"/repeats", func(t *testing.T) {
			l := newLoginLab(t, row)
			l.server.SASL = map[string]pop3test.Mechanism{}
			for _, name := range append(row.offers, "PLAIN") {
				l.server.SASL[name] = repeats
			}
			l.tellsNothing()
		})
	}
}

// places are those of the dialogue where the row's way can be disturbed.
func (row loginRow) places() []string {
	switch row.by {
	case "USER/PASS":
		return []string{"USER", "PASS"}
	case "APOP":
		return []string{"APOP"}
	case "PLAIN":
		return []string{"AUTH"}
	}
	return []string{"AUTH", pop3test.Challenge}
}

// hostileReplies give a secret back in all forms, in refusals and in challenges.
func hostileReplies(secret string) []string {
	return append(odd("me", secret),
		"+ "+inBase64(`{"status":"`+secret+`","scope":"\u001b[2J`+secret+`"}`), "+ "+inBase64("e="+secret), "+ "+secret)
}

// repeats is a mechanism that asks for all there is, and gives it back.
func repeats(initial []byte, ask func([]byte) ([]byte, error)) (string, error) {
	heard := []string{string(initial), inBase64(string(initial))}
	for range 2 {
		response, err := ask([]byte(`{"status":"400"}`))
		if err != nil {
			return "", err
		}
		heard = append(heard, string(response), inBase64(string(response)))
	}
	return "", pop3test.Refusal("no: " + strings.NewReplacer("\r", " ", "\n", " ").Replace(strings.Join(heard, " ")))
}

// tellsNothing runs once, and checks that no secret is in anything that is told.
func (l *loginLab) tellsNothing() {
	l.t.Helper()
	var said told
	l.options.Report = func(e Event) { l.report(e); said.add(e) }
	l.options.Wire = func(_ string, _ bool, line string) { said.add(line) }
	r := l.run()
	said.add(r)
	if r.Err != nil {
		said.add(r.Err.Error() + errOf(l.t, r).Hint)
		if strings.ContainsFunc(r.Err.Error(), unicode.IsControl) {
			l.t.Errorf("a control character in %q", r.Err)
		}
	}
	l.toldNothingOf(&said)
}
