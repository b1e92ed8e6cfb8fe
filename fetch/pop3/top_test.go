package pop3

import (
	"crypto/sha256"
	"strings"
	"testing"
)

func TestHeaderDigests(t *testing.T) {
	for _, row := range []struct {
		name       string
		pipelining bool
		script     string
	}{
		{"ahead", true, `
			C: TOP 2 0
			C: TOP 5 0
			C: TOP 7 0
			S: +OK
			S: Subject: a
			S: ..dot
			S:
			S: .
			S: -ERR no such command
			S: +OK
			S: .
		`},
		{"one at a time", false, `
			C: TOP 2 0
			S: +OK
			S: Subject: a
			S: ..dot
			S:
			S: .
			C: TOP 5 0
			S: -ERR no such command
			C: TOP 7 0
			S: +OK
			S: .
		`},
	} {
		t.Run(row.name, func(t *testing.T) {
			play(t, row.script, func(t *testing.T, c *Client) {
				got, err := c.HeaderDigests([]int{2, 5, 7}, row.pipelining)
				ok(t, err)
				want := []Digest{{sha256.Sum256([]byte("Subject: a\n.dot\n\n")), true}, {}, {sha256.Sum256(nil), true}}
				for i := range want {
					if got[i] != want[i] {
						t.Errorf("message %d: got %v, want %v", i, got[i], want[i])
					}
				}
			})
		})
	}
}

func TestEndlessHeader(t *testing.T) {
	c := answers("+OK\r\n"+strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 2000), 64<<10)
	_, err := c.HeaderDigests([]int{1}, true)
	as[*TooLongError](t, err)
}
