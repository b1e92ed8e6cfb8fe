package pop3

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
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
	plain := func(c *Client) error { return c.Auth(saslClient{name: "PLAIN", initial: []byte(initial)}) }
	const stamp = "<1896.697170952@dbc.mtview.ca.us>"
	sum := md5.Sum([]byte(stamp + password))
	digest := hex.EncodeToString(sum[:])
	apop := func(c *Client) error { ok(t, c.Greeting()); return c.APOP("me", password) }
	reason := func(c *Client) error {
		next := func([]byte) ([]byte, error) { return nil, nil }
		return c.Auth(saslClient{name: "X", next: next, finish: func(bool) error { return errors.New("wrong: " + password) }})
	}
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
		{"digest of APOP", "+OK hi " + stamp + "\r\n-ERR wrong: " + digest + "\r\n", apop},
		{"reason in a challenge", "+ QQ==\r\n-ERR no\r\n", reason},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := answers(test.reply, 1)
			c.hide(password) // as Options.Secrets are
			said := wire(c)
			seen := ""
			if err := test.do(c); err != nil {
				seen = err.Error()
				if e, is := errors.AsType[*ServerError](err); is {
					seen += e.Text + e.Code + e.Reason
				}
			}
			for _, secret := range []string{password, encoded, whole, digest, "ünter", strings.ToUpper(password), `nter2\"x`} {
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

// The example of RFC 1939 §7.
func TestAPOP(t *testing.T) {
	play(t, `
		S: +OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>
		C: APOP mrose c4c9334bac560ecc979e58001b3e22fb
		S: +OK maildrop has 1 message (369 octets)
	`, func(t *testing.T, c *Client) {
		said := wire(c)
		ok(t, c.Greeting())
		if !c.HasAPOP() {
			t.Error("it is not offered")
		}
		ok(t, c.APOP("mrose", "tanstaaf"))
		if !strings.Contains(said.String(), "C: APOP mrose\n") || strings.Contains(said.String(), "c4c9334") {
			t.Errorf("the dialogue says\n%s", said)
		}
	})
}

// A timestamp of other octets than RFC 822 allows is none: a server that chooses it could guess the password by collisions of MD5.
func TestAPOPWithoutTimestamp(t *testing.T) {
	for _, greeting := range []string{
		"", "ready", "<>", "<1896.697170952>", "<@here>", "<1896@>", "<18 96@here>", "<1896@here", "1896@here>", "<1896\xff@here>", "<1896\x01@here>",
		"<18@96@here>",
	} {
		t.Run(greeting, func(t *testing.T) {
			c := answers("+OK "+greeting+"\r\n+OK\r\n", 1)
			ok(t, c.Greeting())
			as[*MechanismError](t, c.APOP("me", "s3cret"))
			if c.HasAPOP() {
				t.Error("it is offered")
			}
			ok(t, c.Noop()) // the +OK is its answer, nothing was sent before
		})
	}
}

func TestAPOPOfAUserWithBlanks(t *testing.T) {
	for _, user := range []string{"", "a b", "a\tb", "a\r\nDELE 1", "a\x00"} {
		c := answers("+OK <1@here>\r\n+OK\r\n", 1)
		ok(t, c.Greeting())
		as[*MechanismError](t, c.APOP(user, "s3cret"))
		ok(t, c.Noop())
	}
}
