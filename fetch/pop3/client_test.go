package pop3

import (
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestGreeting(t *testing.T) {
	for name, script := range map[string]string{
		"RFC 1939 §7": `S: +OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>`,
		"bare":        `S: +OK`,
		"lower case":  `S: +ok`,
		"LF":          `s: +OK\n`,
		"slow":        "-- 59s\nS: +OK",
		"in pieces":   "s: +\n-- 1s\ns: O\n-- 1s\ns: K\\r\n-- 1s\ns: \\n",
	} {
		t.Run(name, func(t *testing.T) {
			play(t, script, func(t *testing.T, c *Client) { ok(t, c.Greeting()) })
		})
	}
}

func TestGreetingRefused(t *testing.T) {
	play(t, `S: -ERR [SYS/TEMP] come back later`, func(t *testing.T, c *Client) {
		e := as[*ServerError](t, c.Greeting())
		if e.Command != "greeting" || e.Code != "SYS/TEMP" || e.Text != "come back later" {
			t.Errorf("got %+v", e)
		}
	})
}

func TestGreetingOfNoPOP3(t *testing.T) {
	for name, script := range map[string]string{
		"ftp":          `S: 220 ftp.example.org ready`,
		"http":         `S: HTTP/1.0 400 Bad Request`,
		"empty line":   `S: `,
		"+OKfoo":       `S: +OKfoo`,
		"-ERRfoo":      `S: -ERRfoo`,
		"+":            `S: +`,
		"imap":         `S: * OK IMAP4rev1 ready`,
		"TLS":          `s: \x15\x03\x01\x00\x02\x02\x0a`,
		"endless line": "s: +OK " + strings.Repeat("x", maxStatusLine),
		"long line":    "S: +OK " + strings.Repeat("x", maxStatusLine),
		"terminal":     `S: \x1b[2J`,
	} {
		t.Run(name, func(t *testing.T) {
			play(t, script, func(t *testing.T, c *Client) {
				if e := as[*ProtocolError](t, c.Greeting()); strings.ContainsAny(e.Error(), "\x1b\x15") {
					t.Errorf("raw control characters in %q", e)
				}
			})
		})
	}
}

func TestGreetingThatDoesNotCome(t *testing.T) {
	for name, script := range map[string]string{"closed": `S: (closes)`, "cut": "s: +OK al\nS: (closes)"} {
		t.Run(name, func(t *testing.T) {
			play(t, script, func(t *testing.T, c *Client) {
				if err := c.Greeting(); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("got %v, want an unexpected EOF", err)
				}
			})
		})
	}
	t.Run("silent", func(t *testing.T) {
		play(t, ``, func(t *testing.T, c *Client) {
			c.opt.Timeout = time.Second
			began := time.Now()
			if e := as[*TimeoutError](t, c.Greeting()); e.Slow || e.Doing != "greeting" || time.Since(began) != time.Second {
				t.Errorf("%v after %v", e, time.Since(began))
			}
		})
	})
}

// A net.Conn may return nothing and no error; a zero write on the other end of a net.Pipe does it.
func TestEmptyRead(t *testing.T) {
	n := 0
	c := New(&canned{data: []byte("+OK\r\n"), piece: func() int { n++; return n % 2 }}, Options{Timeout: patience})
	ok(t, c.Greeting())
}

func TestStatus(t *testing.T) {
	gbk := "\xc3\xdc\xc2\xeb\xb4\xed\xce\xf3" // "wrong password", as QQ sends it
	for _, test := range []struct{ reply, code, text, shown string }{
		{"-ERR", "", "", `the server refused NOOP without a reason`},
		{"-ERR no", "", "no", `the server refused NOOP: "no"`},
		{"-err no", "", "no", `the server refused NOOP: "no"`},
		{"-ERR\tno", "", "no", `the server refused NOOP: "no"`},
		{"-ERR [IN-USE] Do you have another POP session running?", "IN-USE", "Do you have another POP session running?", ""},
		{"-ERR [in-use] locked", "IN-USE", "locked", ""},
		{"-ERR [SYS/PERM]", "SYS/PERM", "", `the server refused NOOP: "[SYS/PERM]"`},
		{"-ERR [LOGIN-DELAY]wait", "LOGIN-DELAY", "wait", ""},
		{"-ERR [AUTH] " + gbk, "AUTH", gbk, `the server refused NOOP: "[AUTH] \xc3\xdc\xc2\xeb\xb4\xed\xce\xf3"`},
		{"-ERR [AUTH no end", "", "[AUTH no end", ""},
		{"-ERR [] nothing", "", "[] nothing", ""},
		{"-ERR [no code but words] x", "", "[no code but words] x", ""},
		{"-ERR [" + hideous + "] x", "", "[" + hideous + "] x", ""},
		{"-ERR " + hideous, "", hideous, `the server refused NOOP: "\x1b[2J\a\xb5\xc7¼\x00"`},
		{"-ERR see [AUTH]", "", "see [AUTH]", ""},
	} {
		t.Run(test.reply, func(t *testing.T) {
			e := as[*ServerError](t, answers(test.reply+"\r\n", 3).Noop())
			if e.Code != test.code || e.Text != test.text || e.Command != "NOOP" {
				t.Errorf("got %+q", *e)
			}
			if test.shown != "" && e.Error() != test.shown {
				t.Errorf("shown as %s\nwant     %s", e, test.shown)
			}
		})
	}
}

func TestCapa(t *testing.T) {
	play(t, `
		C: CAPA
		S: +OK Capability list follows
		S: TOP
		S: USER
		S: sasl CRAM-MD5 plain
		S: RESP-CODES
		S: LOGIN-DELAY 900
		S: PIPELINING
		S: EXPIRE 60
		S:
		S: UIDL
		S: ..
		S: IMPLEMENTATION Shlemazle-Plotz-v302
		S: .
	`, func(t *testing.T, c *Client) {
		said := wire(c)
		caps, err := c.Capa()
		ok(t, err)
		want := Capabilities{
			"TOP": {}, "USER": {}, "SASL": {"CRAM-MD5", "plain"}, "RESP-CODES": {}, "LOGIN-DELAY": {"900"}, "PIPELINING": {},
			"EXPIRE": {"60"}, "UIDL": {}, ".": {}, "IMPLEMENTATION": {"Shlemazle-Plotz-v302"},
		}
		if !reflect.DeepEqual(caps, want) {
			t.Errorf("got %v", caps)
		}
		if !caps.Has("PIPELINING") || caps.Has("STLS") || !slices.Equal(caps.Mechanisms(), []string{"CRAM-MD5", "plain"}) {
			t.Error("Has or Mechanisms is wrong")
		}
		if !strings.HasPrefix(said.String(), "C: CAPA\nS: +OK Capability list follows\nS: TOP\n") {
			t.Errorf("the dialogue says %s", said)
		}
	})
}

// A server may know the password from a session before. What it repeats of it among the capabilities is not handed on, but no name that
// something is decided by goes missing for a password that reads the same.
func TestCapaRepeatsTheSecret(t *testing.T) {
	for _, row := range []struct{ secret, line, name, arguments string }{
		{"s3cret", "X-SEEN s3cret czNjcmV0", "X-SEEN", "[redacted] [redacted]"},
		{"s3cret", "s3cret and more", "[REDACTED]", "and more"},
		{"s3cret", "IMPLEMENTATION as3cretb", "IMPLEMENTATION", "a[redacted]b"},
		{"with a blank", "EXPIRE with a blank", "EXPIRE", "[redacted]"},
		{"PLAIN", "SASL LOGIN PLAIN", "SASL", "LOGIN [redacted] PLAIN"},
		{"AIN", "SASL LOGIN plain PLAIN", "SASL", "LOGIN plain PL[redacted] PLAIN"},
		{"S3CRET", "s3cret x", "[REDACTED]", "x"},
		{"TOP", "TOP", "TOP", ""},
		{"UI", "UIDL", "UIDL", ""},
	} {
		c := answers("+OK\r\n"+row.line+"\r\n.\r\n", 1000)
		c.hide(row.secret)
		caps, err := c.Capa()
		ok(t, err)
		if got := strings.Join(caps[row.name], " "); !caps.Has(row.name) || got != row.arguments {
			t.Errorf("of %q with the secret %q: %v, want %s %s", row.line, row.secret, caps, row.name, row.arguments)
		}
	}
}

func TestCapaRefused(t *testing.T) {
	play(t, `
		C: CAPA
		S: -ERR unknown command
		C: NOOP
		S: +OK
	`, func(t *testing.T, c *Client) {
		caps, err := c.Capa()
		ok(t, err)
		if caps == nil || len(caps) > 0 {
			t.Errorf("got %v", caps)
		}
		ok(t, c.Noop())
	})
}

func TestCapaBroken(t *testing.T) {
	t.Run("endless", func(t *testing.T) {
		as[*ProtocolError](t, capa("+OK\r\n"+strings.Repeat("X\r\n", 1000)))
	})
	t.Run("long line", func(t *testing.T) {
		as[*ProtocolError](t, capa("+OK\r\nX "+strings.Repeat("y", maxListLine)))
	})
	t.Run("cut", func(t *testing.T) {
		if err := capa("+OK\r\nTOP\r\n"); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
	})
}

func capa(reply string) error {
	_, err := answers(reply, 1000).Capa()
	return err
}

func TestStartTLS(t *testing.T) {
	play(t, `
		C: STLS
		-- 50s
		S: +OK Begin TLS negotiation
		C: (client hello)
		-- 50s
		S: (server hello)
		C: NOOP
		S: +OK
	`, func(t *testing.T, c *Client) {
		// What the wait for the answer has used of the time-out is not taken from the handshake's.
		ok(t, c.StartTLS(func(conn net.Conn) (net.Conn, error) {
			io.WriteString(conn, "(client hello)\r\n")
			_, err := io.ReadFull(conn, make([]byte, len("(server hello)\r\n")))
			return conn, err
		}))
		ok(t, c.Noop())
	})
}

func TestStartTLSFails(t *testing.T) {
	handshake := func(t *testing.T) func(net.Conn) (net.Conn, error) {
		return func(net.Conn) (net.Conn, error) { t.Error("the handshake began"); return nil, nil }
	}
	t.Run("refused", func(t *testing.T) {
		play(t, `
			C: STLS
			S: -ERR Command not permitted when TLS active
		`, func(t *testing.T, c *Client) { as[*ServerError](t, c.StartTLS(handshake(t))) })
	})
	t.Run("plaintext injected", func(t *testing.T) {
		play(t, `
			C: STLS
			S: +OK Begin TLS negotiation
			S: +OK I am in the middle
		`, func(t *testing.T, c *Client) { as[*ProtocolError](t, c.StartTLS(handshake(t))) })
	})
	t.Run("one octet injected", func(t *testing.T) {
		play(t, `
			C: STLS
			s: +OK Begin TLS negotiation\r\n+
		`, func(t *testing.T, c *Client) { as[*ProtocolError](t, c.StartTLS(handshake(t))) })
	})
	t.Run("handshake", func(t *testing.T) {
		play(t, `
			C: STLS
			S: +OK
		`, func(t *testing.T, c *Client) {
			cause := errors.New("unknown authority")
			if err := c.StartTLS(func(net.Conn) (net.Conn, error) { return nil, cause }); !errors.Is(err, cause) {
				t.Errorf("got %v", err)
			}
		})
	})
	t.Run("silent handshake", func(t *testing.T) {
		play(t, `
			C: STLS
			S: +OK
		`, func(t *testing.T, c *Client) {
			err := c.StartTLS(func(conn net.Conn) (net.Conn, error) {
				_, err := conn.Read(make([]byte, 1))
				return nil, err
			})
			if e := as[net.Error](t, err); !e.Timeout() {
				t.Errorf("got %v", err)
			}
		})
	})
}

func TestShortCommands(t *testing.T) {
	play(t, `
		C: NOOP
		S: +OK
		C: QUIT
		S: +OK dewey POP3 server signing off (maildrop empty)
	`, func(t *testing.T, c *Client) {
		ok(t, c.Noop())
		ok(t, c.Quit())
	})
}

func TestQuitFails(t *testing.T) {
	t.Run("some deleted messages not removed", func(t *testing.T) {
		play(t, `
			C: QUIT
			S: -ERR some deleted messages not removed
		`, func(t *testing.T, c *Client) { as[*ServerError](t, c.Quit()) })
	})
	for name, script := range map[string]string{
		"no answer":   "C: QUIT\nS: (closes)",
		"half of one": "C: QUIT\ns: +OK by\nS: (closes)",
	} {
		t.Run(name, func(t *testing.T) {
			play(t, script, func(t *testing.T, c *Client) {
				if err := c.Quit(); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// Octets that nobody asked for mean that server and client are no longer at the same place: what is next taken for an answer
// might be anything's.
func TestAnswerTooMany(t *testing.T) {
	play(t, `
		C: NOOP
		S: +OK
		S: +OK
	`, func(t *testing.T, c *Client) {
		ok(t, c.Noop())
		as[*ProtocolError](t, c.Noop())
	})
}
