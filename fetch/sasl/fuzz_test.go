package sasl

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// costly is an iteration count that would make a run of the target slow.
var costly = regexp.MustCompile(`i=\d{5}`)

// FuzzChallenges reads anything as the challenges of a server, one a line, by each mechanism. "NONCE" in them stands for what the
// client began SCRAM with: a server knows it.
func FuzzChallenges(f *testing.F) {
	f.Add([]byte("Username:\nPassword:"))
	f.Add([]byte("<1896.697170952@postoffice.reston.mci.net>"))
	f.Add([]byte("r=NONCEx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096\nv=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="))
	f.Add([]byte("r=NONCE,s=,i=4096,m=x\ne=invalid-proof"))
	f.Add([]byte("e=\xff\n"))
	f.Add([]byte("\n{\"status\":\"400\",\"scope\":\"\x1b\"}\n"))
	f.Add([]byte("{\"status\":{\"a\":[1e999]}}\n\n\n"))
	const secret = "ya29.s3cret"
	with := Credentials{User: "me", Secret: secret}
	f.Fuzz(func(t *testing.T, wire []byte) {
		if costly.Match(wire) {
			return
		}
		for _, k := range kinds {
			m, err := k.create(with, false)
			if err != nil || m == nil {
				continue // bound to TLS, or a command of POP3's own
			}
			if err := converse(t, k.name, m, wire); err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the secret is in %q", k.name, err)
			}
			if err := m.Finish(true); strings.HasPrefix(k.name, "SCRAM") && err != ErrUnproven {
				t.Errorf("%s: a server that does not know the password is believed: %v", k.name, err)
			}
		}
	})
}

// converse gives the mechanism each challenge, up to the one that it does not take.
func converse(t *testing.T, name string, m Mechanism, wire []byte) error {
	_, initial, err := m.Start()
	if err != nil {
		t.Fatalf("%s does not start: %v", name, err)
	}
	_, nonce, _ := bytes.Cut(initial, []byte("r="))
	said := 0
	for challenge := range bytes.SplitSeq(wire, []byte("\n")) {
		challenge = bytes.ReplaceAll(challenge, []byte("NONCE"), nonce)
		if _, err := m.Next(challenge); err != nil {
			return err
		}
		if said++; said > 2 {
			t.Fatalf("%s has answered %d challenges", name, said)
		}
	}
	return nil
}
