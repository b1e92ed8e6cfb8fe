package pop3

import (
	"crypto/sha256"
	"fmt"
	"slices"
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
				want := []Digest{{Sum: sha256.Sum256([]byte("Subject: a\n.dot\n\n"))}, {}, {Sum: sha256.Sum256(nil)}}
				if len(got) != len(want) {
					t.Fatalf("%d digests", len(got))
				}
				if got[1].Refused == nil {
					t.Error("the second was not refused")
				}
				got[1].Refused = nil
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

// A header is given to its bound; an empty one is none that was refused.
func TestHeaders(t *testing.T) {
	play(t, `
		C: TOP 2 0
		C: TOP 5 0
		C: TOP 7 0
		C: TOP 8 0
		S: +OK
		S: Subject: a header that is longer
		S: .
		S: -ERR no such message
		S: +OK
		S: .
		S: +OK
		S: Subject: b
		S: .
	`, func(t *testing.T, c *Client) {
		var got []string
		err := c.Headers([]int{2, 5, 7, 8}, true, 12, func(h []byte, refused *ServerError) {
			got = append(got, fmt.Sprintf("%v %s", refused != nil, h))
		})
		ok(t, err)
		want := []string{"false Subject: a h", "true ", "false ", "false Subject: b\n"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A walk for headers is one of TOPs, proved as one of RETRs is.
func TestRetrieveHeaders(t *testing.T) {
	play(t, `
		C: TOP 1 0
		C: NOOP
		C: TOP 2 0
		C: NOOP
		S: +OK
		S: Subject: a
		S:
		S: .
		S: +OK
		S: -ERR no such message
		S: +OK
	`, func(t *testing.T, c *Client) {
		r := c.RetrieveHeaders([]Want{{Number: 1, Size: -1}, {Number: 2, Size: -1}}, true)
		var b strings.Builder
		for r.Next() {
			if r.Refused() != nil {
				b.WriteString("refused")
				continue
			}
			if _, err := r.Body(&b, 100); err != nil {
				t.Fatal(err)
			}
		}
		ok(t, r.Err())
		if b.String() != "Subject: a\n\nrefused" || r.Proved() != 2 {
			t.Errorf("got %q, %d proved", b.String(), r.Proved())
		}
	})
}
