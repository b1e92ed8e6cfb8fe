package pop3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// visit is a whole session: everything once, and what it came to.
type visit struct {
	confirmed map[int]string // messages that are known to be whole, by number
	said      strings.Builder
	err       error
}

const visitor, visitorsPassword = "me", "correct horse"

func (v *visit) run(c *Client, pipelining bool) {
	c.opt.Wire = func(_ bool, line string) { fmt.Fprintf(&v.said, "%q\n", line) }
	v.confirmed = map[int]string{}
	v.err = v.session(c, pipelining)
}

func (v *visit) session(c *Client, pipelining bool) error {
	if err := c.Greeting(); err != nil {
		return err
	}
	if _, err := c.Capa(); err != nil {
		return err
	}
	if err := c.Login(visitor, visitorsPassword); err != nil {
		return err
	}
	l, err := c.List(pipelining)
	if err != nil {
		return err
	}
	if err := v.retrieve(c, l, pipelining); err != nil {
		return err
	}
	if _, _, err := c.Delete([]int{1}, pipelining); err != nil {
		return err
	}
	return c.Quit()
}

func (v *visit) retrieve(c *Client, l *Listing, pipelining bool) error {
	var all []Want
	for i := range min(l.Len(), 1000) {
		all = append(all, Want{Number: l.Number(i), Size: l.Size(i)})
	}
	r := c.Retrieve(all, pipelining)
	number, last := 0, ""
	for r.Next() {
		if number != 0 {
			v.confirmed[number] = last
		}
		if number = 0; r.Refused() != nil {
			continue
		}
		var body bytes.Buffer
		if _, err := r.Body(&body, 4<<20); err == nil {
			number, last = all[r.Index()].Number, body.String()
		}
	}
	if r.Err() == nil && number != 0 {
		v.confirmed[number] = last
	}
	return r.Err()
}

// visitPreset visits a server that is wrong in the way of faults. It fails when the visit lasts too long, leaves a goroutine,
// ends with an error that the package does not promise, or tells the password.
func visitPreset(t *testing.T, faults []pop3test.Fault, mail []pop3test.Message, pipelining bool) (v visit) {
	bubble(t, func(t *testing.T) {
		server := &pop3test.Server{
			Users:  map[string]pop3test.User{visitor: {Password: visitorsPassword, Mailbox: pop3test.NewMailbox(mail...)}},
			Faults: faults,
		}
		defer server.Close()
		conn := server.Pipe()
		defer conn.Close()
		began := time.Now()
		v.run(New(conn, Options{Timeout: patience, Secrets: []string{visitorsPassword}}), pipelining)
		if took := time.Since(began); took > 5*patience {
			t.Errorf("it took %v", took)
		}
	})
	if _, is := errors.AsType[*TimeoutError](v.err); !is {
		if _, is := errors.AsType[*TooLongError](v.err); !is && !errors.Is(v.err, io.ErrClosedPipe) {
			expected(t, v.err)
		}
	}
	if told := v.said.String() + fmt.Sprint(v.err); strings.Contains(told, visitorsPassword) {
		t.Errorf("the password is told: %s", told)
	}
	return v
}

// truth is what the client must make of a message.
func truth(m pop3test.Message) string {
	all, _ := io.ReadAll(m.Reader())
	return strings.ReplaceAll(string(all), "\r\n", "\n")
}

// Whatever a server does: the visit ends, with an error that somebody can act on, and no message is confirmed that is not the one
// on the server, octet for octet. Lies about the messages themselves cannot be seen from here.
func TestPresets(t *testing.T) {
	mail := pop3test.AwkwardMail(12, 1)
	for i := range mail {
		if len(mail[i].Data) > 1<<20 {
			mail[i].Data = mail[i].Data[:1<<20]
		}
	}
	for name, group := range map[string][]pop3test.Preset{
		"cuts": pop3test.Cuts(), "stalls": pop3test.Stalls(), "floods": pop3test.Floods(), "lies": pop3test.Lies(),
		"refusals": pop3test.Refusals(visitorsPassword), "none": {{Name: "honest"}},
	} {
		for _, preset := range group {
			for _, pipelining := range []bool{true, false} {
				t.Run(fmt.Sprint(name, "/", preset.Name, "/", pipelining), func(t *testing.T) {
					v := visitPreset(t, preset.Faults, mail, pipelining)
					if name == "none" && (v.err != nil || len(v.confirmed) != len(mail)) {
						t.Errorf("confirmed %d messages, then %v", len(v.confirmed), v.err)
					}
					// A drip may be done before the patience is.
					broken := name == "cuts" || name == "floods" || name == "stalls" && !strings.Contains(preset.Name, "drip")
					if broken && v.err == nil {
						t.Error("no error")
					}
					for number, text := range v.confirmed {
						if name != "lies" && text != truth(mail[number-1]) {
							t.Errorf("message %d is confirmed as %s", number, excerpt(text))
						}
					}
				})
			}
		}
	}
}
