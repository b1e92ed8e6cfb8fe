package pop3

import (
	"errors"
	"strings"
	"testing"
)

// saslClient is a mechanism made of data.
type saslClient struct {
	name    string
	initial []byte
	next    func(challenge []byte) ([]byte, error)
	finish  func(accepted bool) error
}

func (m saslClient) Start() (string, []byte, error) { return m.name, m.initial, nil }

func (m saslClient) Next(challenge []byte) ([]byte, error) { return m.next(challenge) }

func (m saslClient) Finish(accepted bool) error {
	if m.finish == nil {
		return nil
	}
	return m.finish(accepted)
}

func TestAuthPlain(t *testing.T) {
	play(t, `
		C: AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q=
		S: +OK Maildrop locked and ready
	`, func(t *testing.T, c *Client) {
		said := wire(c)
		ok(t, c.Auth(saslClient{name: "PLAIN", initial: []byte("test\x00test\x00test")}))
		if want := "C: AUTH PLAIN\nS: +OK Maildrop locked and ready\n"; said.String() != want {
			t.Errorf("the dialogue says\n%s", said)
		}
	})
}

// RFC 2449 §4: a command line has at most 255 octets with its CRLF. A longer initial response answers an empty challenge.
func TestInitialResponseThatDoesNotFit(t *testing.T) {
	initial := strings.Repeat("x", 180) // 240 octets in base64
	encoded := strings.Repeat("eHh4", 60)
	t.Run("255", func(t *testing.T) {
		play(t, "C: AUTH XOAUTH2 "+encoded+"\nS: +OK", func(t *testing.T, c *Client) {
			ok(t, c.Auth(saslClient{name: "XOAUTH2", initial: []byte(initial)}))
		})
	})
	for name, challenge := range map[string]string{"256": "S: + ", "256, bare plus": "S: +", "256, LF": `s: +\n`} {
		t.Run(name, func(t *testing.T) {
			play(t, "C: AUTH XOAUTH22\n"+challenge+"\nC: "+encoded+"\nS: +OK", func(t *testing.T, c *Client) {
				said := wire(c)
				ok(t, c.Auth(saslClient{name: "XOAUTH22", initial: []byte(initial)}))
				if strings.Contains(said.String(), "eHh4") {
					t.Errorf("the dialogue says\n%s", said)
				}
			})
		})
	}
}

func TestAuthWithoutInitialResponse(t *testing.T) {
	play(t, `
		C: AUTH LOGIN
		S: + VXNlcm5hbWU6
		C: bWU=
		S: + UGFzc3dvcmQ6
		C: eA==
		S: +
		C: 
		S: +OK
	`, func(t *testing.T, c *Client) {
		var asked []string
		answers := []string{"me", "x", ""}
		ok(t, c.Auth(saslClient{name: "LOGIN", next: func(challenge []byte) ([]byte, error) {
			asked = append(asked, string(challenge))
			return []byte(answers[len(asked)-1]), nil
		}}))
		if got := strings.Join(asked, " "); got != "Username: Password: " {
			t.Errorf("the mechanism was asked %q", got)
		}
	})
}

func TestAuthWithEmptyInitialResponse(t *testing.T) {
	play(t, `
		C: AUTH EXTERNAL =
		S: +OK
	`, func(t *testing.T, c *Client) { ok(t, c.Auth(saslClient{name: "EXTERNAL", initial: []byte{}})) })
}

func TestAuthRefused(t *testing.T) {
	play(t, `
		C: AUTH PLAIN eA==
		S: -ERR [AUTH] Authentication failed
		C: USER me
		S: -ERR no
	`, func(t *testing.T, c *Client) {
		e := as[*ServerError](t, c.Auth(saslClient{name: "PLAIN", initial: []byte("x")}))
		if e.Code != "AUTH" || e.Command != "AUTH PLAIN" {
			t.Errorf("got %+v", e)
		}
		as[*ServerError](t, c.Login("me", "x")) // the session goes on
	})
}

func TestAuthCancelled(t *testing.T) {
	for answer, want := range map[string]string{
		"S: -ERR cancelled": "PLAIN: no more",
		"S: +OK welcome":    "AUTH PLAIN: the server accepted a cancelled login",
		"S: + bW9yZQ==":     `PLAIN: no more; then AUTH PLAIN cancelled: expected a status line, got "+ bW9yZQ=="`,
		"S: (closes)":       "PLAIN: no more; then the server closed the connection in its answer to AUTH PLAIN cancelled: unexpected EOF",
	} {
		t.Run(answer, func(t *testing.T) {
			play(t, "C: AUTH PLAIN eA==\nS: + bW9yZQ==\nC: *\n"+answer, func(t *testing.T, c *Client) {
				none := func([]byte) ([]byte, error) { return nil, errors.New("no more") }
				err := c.Auth(saslClient{name: "PLAIN", initial: []byte("x"), next: none})
				if err == nil || err.Error() != want {
					t.Errorf("got %v, want %s", err, want)
				}
			})
		})
	}
}

func TestChallengesOfABrokenServer(t *testing.T) {
	patient := saslClient{name: "PATIENT", next: func([]byte) ([]byte, error) { return []byte{}, nil }}
	for name, reply := range map[string]string{
		"flood":      strings.Repeat("+ \r\n", 100),
		"endless":    "+ " + strings.Repeat("QUFB", bufferSize),
		"no base64":  "+ !\r\n",
		"no padding": "+ QQ\r\n",
		"+OKAY":      "+OKAY\r\n",
	} {
		t.Run(name, func(t *testing.T) { as[*ProtocolError](t, answers(reply, 1).Auth(patient)) })
	}
}

// An AUTH alone asks some servers for the list of their mechanisms, and makes others hang up.
func TestAuthWithoutName(t *testing.T) {
	play(t, `
		C: NOOP
		S: +OK
	`, func(t *testing.T, c *Client) {
		as[*MechanismError](t, c.Auth(saslClient{initial: []byte("x")}))
		ok(t, c.Noop())
	})
}

// The mechanism hears the verdict, and may add what it knows: that a server which accepted has not proved itself, or why one refused.
func TestVerdict(t *testing.T) {
	says := func(text string) func(bool) error { return func(bool) error { return errors.New(text) } }
	next := func([]byte) ([]byte, error) { return nil, nil }
	for _, test := range []struct {
		name, reply string
		finish      func(bool) error
		want        string
	}{
		{"accepted", "+OK\r\n", nil, ""},
		{"accepted, unproven", "+OK\r\n", says("no proof"), "X: no proof"},
		{"refused", "-ERR [AUTH] no\r\n", nil, `the server refused AUTH X: "[AUTH] no"`},
		{"refused with a reason", "+ e30=\r\n-ERR [AUTH] no\r\n", says("expired\x1b"), `the server refused AUTH X: "[AUTH] no" ("expired\x1b")`},
		{"refused with a reason alone", "-ERR\r\n", says("expired"), `the server refused AUTH X ("expired")`},
		{"neither", "huh\r\n", says("never asked"), `AUTH X: expected a status line, got "huh"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := answers(test.reply, 1).Auth(saslClient{name: "X", next: next, finish: test.finish})
			if got := errorText(err); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if test.name == "accepted, unproven" {
				as[*ImpostorError](t, err)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
