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
				var got []string
				ok(t, c.HeaderDigests([]int{2, 5, 7}, row.pipelining, func(sum [sha256.Size]byte, refused *ServerError) {
					got = append(got, fmt.Sprintf("%v %x", refused != nil, sum))
				}))
				want := []string{told("Subject: a\n.dot\n\n"), "true", told("")}
				for i := range want {
					if len(got) != len(want) || !strings.HasPrefix(got[i], want[i]) {
						t.Fatalf("got %v, want %v", got, want)
					}
				}
			})
		})
	}
}

// told is a digest as the tests write it.
func told(header string) string { return fmt.Sprintf("false %x", sha256.Sum256([]byte(header))) }

// A header that is too long for one is told apart by its first octets, whatever follows them; one without an end is not waited for.
func TestEndlessHeader(t *testing.T) {
	lines := strings.Repeat("X: "+strings.Repeat("x", 1020)+"\n", maxHeader/1024)
	long := "+OK\r\n" + strings.ReplaceAll(lines, "\n", "\r\n")
	c := answers(long+".\r\n"+long+"Y: y\r\n.\r\n+OK\r\n.\r\n", 64<<10)
	var got []string
	take := func(sum [sha256.Size]byte, refused *ServerError) {
		got = append(got, fmt.Sprintf("%v %x", refused != nil, sum))
	}
	ok(t, c.HeaderDigests([]int{1, 2, 3}, true, take))
	if want := []string{told(lines), told(lines), told("")}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	as[*TooLongError](t, answers(long+".\r\n", 64<<10).Headers([]int{1}, true, 1, nil))
	as[*TooLongError](t, answers("+OK\r\n"+strings.Repeat("X: "+strings.Repeat("x", 1019)+"\r\n", maxTop/1024+1), 64<<10).HeaderDigests([]int{1}, true, nil))
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
