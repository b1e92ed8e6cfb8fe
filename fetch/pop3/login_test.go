package pop3

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func TestLogin(t *testing.T) {
	play(t, `
		S: +OK POP3 server ready
		C: USER mrose
		S: +OK mrose is a real hoopy frood
		C: PASS secret word 
		S: +OK mrose's maildrop has 2 messages (320 octets)
	`, func(t *testing.T, c *Client) {
		said := wire(c)
		ok(t, c.Greeting())
		ok(t, c.Login("mrose", "secret word "))
		want := "S: +OK POP3 server ready\nC: USER mrose\nS: +OK mrose is a real hoopy frood\nC: PASS\nS: +OK mrose's maildrop has 2 messages (320 octets)\n"
		if said.String() != want {
			t.Errorf("the dialogue says\n%s", said)
		}
	})
}

func TestLoginRefused(t *testing.T) {
	t.Run("user", func(t *testing.T) {
		play(t, `
			C: USER frated
			S: -ERR sorry, no mailbox for frated here
		`, func(t *testing.T, c *Client) {
			if e := as[*ServerError](t, c.Login("frated", "x")); e.Command != "USER frated" {
				t.Errorf("got %+v", e)
			}
		})
	})
	t.Run("password", func(t *testing.T) {
		play(t, `
			C: USER mrose
			S: +OK
			C: PASS tanstaaf
			S: -ERR [AUTH] invalid password
		`, func(t *testing.T, c *Client) {
			if e := as[*ServerError](t, c.Login("mrose", "tanstaaf")); e.Command != "PASS" || e.Code != "AUTH" {
				t.Errorf("got %+v", e)
			}
		})
	})
	for _, words := range [][2]string{{"a\r\nDELE 1", "b"}, {"a", "b\nDELE 1"}, {"a\x00", "b"}} {
		t.Run("line end", func(t *testing.T) {
			play(t, ``, func(t *testing.T, c *Client) {
				if c.Login(words[0], words[1]) == nil {
					t.Error("no error")
				}
			})
		})
	}
}

// A server that repeats a secret must not get it into an error or the dialogue.
func TestEcho(t *testing.T) {
	const password = "hünter2\"x"
	encoded := base64.StdEncoding.EncodeToString([]byte(password))
	initial := "\x00me\x00" + password
	whole := base64.StdEncoding.EncodeToString([]byte(initial))
	login := func(c *Client) error { return c.Login("me", password) }
	plain := func(c *Client) error { return c.Auth(saslClient{name: "PLAIN", initial: []byte(initial)}, password) }
	silent := func(c *Client) error { ok(t, login(c)); return nil }
	after := func(do func(*Client) error) func(*Client) error {
		return func(c *Client) error { return errors.Join(silent(c), do(c)) }
	}
	list := func(c *Client) error { _, err := c.List(false); return err }
	capa := func(c *Client) error { _, err := c.Capa(); return err }

	for _, test := range []struct {
		name, reply string
		do          func(*Client) error
	}{
		{"text", "+OK\r\n-ERR wrong: " + password + "!\r\n", login},
		{"twice", "+OK\r\n-ERR " + password + password + "\r\n", login},
		{"code", "+OK\r\n-ERR [" + password + "] no\r\n", login},
		{"known code", "+OK\r\n-ERR [AUTH] " + password + "\r\n", login},
		{"code of words", "+OK\r\n-ERR [" + password + " is wrong]\r\n", login},
		{"base64", "+OK\r\n-ERR " + encoded + "\r\n", login},
		{"no status line", "+OK\r\nPASS " + password + "?\r\n", login},
		{"on", "+OK " + password + "\r\n+OK " + password + "\r\n", silent},
		{"UIDL", "+OK\r\n+OK\r\n-ERR\r\n+OK\r\nx " + password + "\r\n", after(list)},
		{"LIST", "+OK\r\n+OK\r\n-ERR\r\n-ERR\r\n+OK\r\n1 " + password + "\r\n", after(list)},
		{"CAPA", "+OK\r\n+OK\r\n+OK\r\n" + password + "\r\n.\r\n", after(capa)},
		{"initial response", "-ERR cannot read " + whole + "\r\n", plain},
		{"decoded initial response", "-ERR cannot read " + initial + "\r\n", plain},
		{"password of a mechanism", "-ERR cannot read " + password + "\r\n", plain},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := answers(test.reply, 1)
			said := wire(c)
			seen := ""
			if err := test.do(c); err != nil {
				seen = err.Error()
				if e, is := errors.AsType[*ServerError](err); is {
					seen += e.Text + e.Code
				}
			}
			for _, secret := range []string{password, encoded, whole, "ünter", strings.ToUpper(password), `nter2\"x`} {
				if strings.Contains(seen+said.String(), secret) {
					t.Errorf("the error says %q, the dialogue\n%s", seen, said)
				}
			}
		})
	}
}

func TestEchoThatNobodyAskedFor(t *testing.T) {
	play(t, `
		C: USER me
		S: +OK
		C: PASS secret
		S: +OK
		S: secret
	`, func(t *testing.T, c *Client) {
		ok(t, c.Login("me", "secret"))
		if e := as[*ProtocolError](t, c.Noop()); strings.Contains(e.Error(), "secret") {
			t.Errorf("got %v", e)
		}
	})
}

// The class of a refused login is told by its code, even if the password reads like it.
func TestPasswordLikeACode(t *testing.T) {
	if e := as[*ServerError](t, answers("+OK\r\n-ERR [AUTH] AUTH is wrong\r\n", 1).Login("me", "AUTH")); e.Code != "AUTH" || e.Text != "[redacted] is wrong" {
		t.Errorf("got %+v", e)
	}
}

// saslClient is a mechanism made of data.
type saslClient struct {
	name    string
	initial []byte
	next    func(challenge []byte) ([]byte, error)
}

func (m saslClient) Start() (string, []byte, error) { return m.name, m.initial, nil }

func (m saslClient) Next(challenge []byte) ([]byte, error) { return m.next(challenge) }

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
