package sasl

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
)

var (
	password = Credentials{User: "me", Secret: "s3cret"}
	token    = Credentials{User: "me", Secret: "ya29.token", Token: true}
	secure   = Credentials{User: "me", Secret: "s3cret", TLS: new(tls.ConnectionState)} // without a certificate nothing can be bound to it
	shown    = Credentials{User: "me", Secret: "s3cret", TLS: new(tls.ConnectionState), Certificate: true}
	alone    = Credentials{User: "me", TLS: new(tls.ConnectionState), Certificate: true}
)

func TestChoose(t *testing.T) {
	everything := Offer{Known: true, User: true, APOP: true, Mechanisms: []string{
		"PLAIN", "login", "CRAM-MD5", "NTLM", "SCRAM-SHA-1", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER", "EXTERNAL", "X-ODD\x1b[2J", "ANONYMOUS",
	}}
	sasl := func(names ...string) Offer { return Offer{Known: true, Mechanisms: names} }
	for _, row := range []struct {
		name, asked string
		offer       Offer
		with        Credentials
		ways        string // those to try, in order; or
		err         string
	}{
		{"no capabilities", Auto, Offer{}, password, "USER/PASS", ""},
		{"no capabilities, APOP", Auto, Offer{APOP: true}, password, "USER/PASS", ""},
		{"no SASL", Auto, sasl(), password, "USER/PASS", ""},
		{"USER alone", Auto, Offer{Known: true, User: true}, password, "USER/PASS", ""},
		{"PLAIN", Auto, sasl("PLAIN"), password, "PLAIN USER/PASS", ""},
		{"strongest first", Auto, everything, password, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN USER/PASS", ""},
		{"a token", Auto, everything, token, "OAUTHBEARER XOAUTH2", ""},
		{"a certificate", Auto, everything, shown, "EXTERNAL SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN USER/PASS", ""},
		{"a certificate alone", Auto, everything, alone, "EXTERNAL", ""},
		{"a certificate alone for no one", Auto, sasl("PLAIN"), alone, "", "nothing that the server offers can be used: PLAIN (takes a password), USER/PASS (takes a password)"},
		{
			"CRAM-MD5 is no fallback", Auto,
			Offer{Known: true, APOP: true, Mechanisms: []string{"CRAM-MD5", "NTLM"}},
			password, "",
			`nothing that the server offers can be used: CRAM-MD5 (used only by auth = "cram-md5"), APOP (used only by auth = "apop"), NTLM (not supported)`,
		},
		{"a token for no one", Auto, Offer{Known: true, User: true}, token, "", "nothing that the server offers can be used: USER/PASS (takes a password)"},
		{"a password for no one", Auto, sasl("XOAUTH2", "EXTERNAL"), password, "", "nothing that the server offers can be used: EXTERNAL (takes a client certificate), XOAUTH2 (takes a token)"},
		{"channel binding without TLS", Auto, sasl("SCRAM-SHA-256-PLUS"), password, "", "nothing that the server offers can be used: SCRAM-SHA-256-PLUS (needs TLS)"},
		{"by name", "plain", everything, password, "PLAIN", ""},
		{"by name, weak", "cram-md5", everything, password, "CRAM-MD5", ""},
		{"by name, APOP", "apop", everything, password, "APOP", ""},
		{"by name, USER and PASS", "userpass", everything, password, "USER/PASS", ""},
		{"by name, a token in the password's place", "xoauth2", everything, password, "XOAUTH2", ""},
		{"by name, no capabilities", "scram-sha-256", Offer{}, password, "SCRAM-SHA-256", ""},
		{"by name, no capabilities, no timestamp", "apop", Offer{}, password, "", "the server does not offer APOP, but USER/PASS"},
		{"by name, not offered", "scram-sha-1", sasl("LOGIN", "PLAIN"), password, "", "the server does not offer SCRAM-SHA-1, but PLAIN, LOGIN, USER/PASS"},
		{"by name, nothing known", "scram-sha-1", sasl("X-ODD"), password, "", "the server does not offer SCRAM-SHA-1, but nothing else that is known"},
		{"by name, without TLS", "scram-sha-1-plus", sasl("SCRAM-SHA-1-PLUS"), password, "", "SCRAM-SHA-1-PLUS cannot be used: it needs TLS"},
		{
			"forbidden by SASLprep", "scram-sha-1", sasl("SCRAM-SHA-1"),
			Credentials{User: "me", Secret: "a\u0007b"},
			"",
			"SCRAM-SHA-1 cannot be used: SASLprep (RFC 4013) forbids a character of the user name or of the password",
		},
		{"forbidden by SASLprep, the next", Auto, sasl("SCRAM-SHA-1", "PLAIN"), Credentials{User: "me", Secret: "\U0001f680"}, "PLAIN USER/PASS", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			choice, err := Choose(row.asked, row.offer, row.with)
			var ways []string
			for _, way := range choice.Ways {
				ways = append(ways, way.Name)
				if none := way.Name == UserPass || way.Name == APOP; (way.Mechanism == nil) != none {
					t.Errorf("%s has the mechanism %v", way.Name, way.Mechanism)
				}
			}
			if got := strings.Join(ways, " "); got != row.ways {
				t.Errorf("chose %q, want %q", got, row.ways)
			}
			if got := text(err); got != row.err {
				t.Errorf("the error is\n%s\nwant\n%s", got, row.err)
			}
		})
	}
}

// What is passed over is told with its reason, also where something else is tried.
func TestPassed(t *testing.T) {
	offer := Offer{Known: true, APOP: true, Mechanisms: []string{"SCRAM-SHA-1-PLUS", "PLAIN", "XOAUTH2", "GSSAPI", "X-\x1b[2J"}}
	choice, err := Choose(Auto, offer, password)
	if err != nil {
		t.Fatal(err)
	}
	want := `XOAUTH2 (takes a token), SCRAM-SHA-1-PLUS (needs TLS), APOP (used only by auth = "apop"), GSSAPI (not supported)`
	if got := Reasons(choice.Passed); got != want {
		t.Errorf("passed\n%s\nwant\n%s", got, want)
	}
}

// Each mechanism begins with its own name, as it is announced.
func TestNames(t *testing.T) {
	for _, k := range kinds {
		if k.bound || k.name == UserPass || k.name == APOP {
			continue
		}
		m, err := k.create(secure, false)
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		if name, _, err := m.Start(); name != k.name || err != nil {
			t.Errorf("%s begins with %q, %v", k.name, name, err)
		}
		if !Knows(strings.ToLower(k.name)) {
			t.Errorf("%s cannot be asked for", k.name)
		}
	}
	if Knows("kerberos") || !Knows("userpass") || !Knows(Auto) {
		t.Error("Knows is wrong")
	}
}

func TestSecrets(t *testing.T) {
	for _, row := range []struct {
		with Credentials
		want []string
	}{
		{Credentials{User: "me"}, nil},
		{token, []string{"ya29.token", "\x00me\x00ya29.token", "user=me\x01auth=Bearer ya29.token\x01\x01", "n,a=me,\x01auth=Bearer ya29.token\x01\x01"}},
		{
			Credentials{User: "me", Secret: "\u2168x"}, // SASLprep makes another of it
			[]string{"\u2168x", "\x00me\x00\u2168x", "user=me\x01auth=Bearer \u2168x\x01\x01", "n,a=me,\x01auth=Bearer \u2168x\x01\x01", "IXx"},
		},
	} {
		if got := row.with.Secrets(); !slices.Equal(got, row.want) {
			t.Errorf("%+v: got %q, want %q", row.with, got, row.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
