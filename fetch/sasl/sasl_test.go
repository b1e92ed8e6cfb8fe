package sasl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/xdg-go/scram"
)

// exchange is what a mechanism and a server say, from the initial response on; "-" is none.
func exchange(t *testing.T, m Mechanism, lines ...string) {
	t.Helper()
	_, initial, err := m.Start()
	if err != nil {
		t.Fatal(err)
	}
	said := string(initial)
	if initial == nil {
		said = "-"
	}
	for i, want := range lines {
		if i%2 == 1 {
			response, err := m.Next([]byte(want))
			if err != nil {
				t.Fatalf("the challenge %q: %v", want, err)
			}
			said = string(response)
			continue
		}
		if said != want {
			t.Errorf("it says %q, want %q", said, want)
		}
	}
}

func TestExchanges(t *testing.T) {
	for _, row := range []struct {
		name   string
		create func(Credentials) (Mechanism, error)
		with   Credentials
		lines  []string
	}{
		{"PLAIN, RFC 4616 §4", newPlain, Credentials{User: "tim", Secret: "tanstaaftanstaaf"}, []string{"\x00tim\x00tanstaaftanstaaf"}},
		{"LOGIN", newLogin, password, []string{"-", "Username:", "me", "Password:", "s3cret"}},
		{"LOGIN of Exchange", newLogin, password, []string{"-", "User Name\x00", "me", "Password\x00", "s3cret"}},
		{"LOGIN without words", newLogin, password, []string{"-", "", "me", "", "s3cret"}},
		{
			"CRAM-MD5, RFC 2195 §2", newCRAMMD5,
			Credentials{User: "tim", Secret: "tanstaaftanstaaf"},
			[]string{"-", "<1896.697170952@postoffice.reston.mci.net>", "tim b913a602c7eda7a495b4e6e7334d3890"},
		},
		{"EXTERNAL", newExternal, Credentials{User: "fred@example.com"}, []string{"fred@example.com"}},
		{
			"XOAUTH2, two steps", newXOAUTH2,
			Credentials{User: "someuser@example.com", Secret: "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"},
			[]string{"-", "", "user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01", `{"status":"400"}`, ""},
		},
		{
			"OAUTHBEARER, RFC 7628 §4.1", newOAUTHBEARER,
			Credentials{User: "user@example.com", Secret: "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", Host: "server.example.com", Port: 143},
			[]string{
				"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01",
				`{"status":"invalid_token","scope":"example_scope"}`, "\x01",
			},
		},
		{"OAUTHBEARER, a name with signs", newOAUTHBEARER, Credentials{User: "a=b,c", Secret: "t"}, []string{"n,a=a=3Db=2Cc,\x01auth=Bearer t\x01\x01"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, err := row.create(row.with)
			if err != nil {
				t.Fatal(err)
			}
			exchange(t, m, row.lines...)
			if err := m.Finish(true); err != nil {
				t.Errorf("accepted: %v", err)
			}
			if len(row.lines) > 4 { // no mechanism has more to say than that
				if response, err := m.Next([]byte("more")); err == nil {
					t.Errorf("asked for more it says %q", response)
				}
			}
		})
	}
}

// What a mechanism cannot carry is refused before anything is sent.
func TestWhatCannotBeCarried(t *testing.T) {
	for name, err := range map[string]error{
		"NUL":               second(newPlain(Credentials{User: "me", Secret: "a\x00b"})),
		"token, line end":   second(newXOAUTH2(Credentials{User: "me", Secret: "a\r\nb"})),
		"token, separator":  second(newOAUTHBEARER(Credentials{User: "me", Secret: "a\x01b"})),
		"user of a token":   second(newXOAUTH2(Credentials{User: "me\x01auth=Bearer x", Secret: "ab"})),
		"binding to no TLS": second(channelBinding(nil)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestEmptyChallengeOfCRAMMD5(t *testing.T) {
	m, _ := newCRAMMD5(password)
	if response, err := m.Next(nil); err == nil {
		t.Errorf("it answers %q", response)
	}
}

func TestReasonOfABearer(t *testing.T) {
	for challenge, want := range map[string]string{
		`{"status":"invalid_token","schemes":"bearer","scope":"https://mail.example.org/"}`: "status invalid_token, scope https://mail.example.org/",
		`{"status":"400","schemes":"Bearer"}`:                                               "status 400",
		`{"status":401}`:                                                                    "status 401",
		`{}`:                                                                                "",
		`nonsense`:                                                                          "",
		``:                                                                                  "",
	} {
		m, _ := newXOAUTH2(token)
		exchange(t, m, "-", "", "user=me\x01auth=Bearer ya29.token\x01\x01", challenge, "")
		if got := text(m.Finish(false)); got != want {
			t.Errorf("after %s the reason is %q, want %q", challenge, got, want)
		}
		if err := m.Finish(true); err != nil {
			t.Errorf("accepted after %s: %v", challenge, err)
		}
	}
}

// example is the exchange of RFC 7677 §3.
func example(t *testing.T) *scramClient {
	t.Helper()
	client, err := scram.SHA256.NewClient("user", "pencil", "")
	if err != nil {
		t.Fatal(err)
	}
	client.WithNonceGenerator(func() string { return "rOprNGfwEbeRWgbNEkqO" })
	return &scramClient{name: "SCRAM-SHA-256", conversation: client.NewConversation()}
}

const (
	clientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
	serverFirst = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	clientFinal = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	serverFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
)

func TestSCRAM(t *testing.T) {
	m := example(t)
	exchange(t, m, clientFirst, serverFirst, clientFinal, serverFinal, "")
	if err := m.Finish(true); err != nil {
		t.Error(err)
	}
	if _, err := m.Next(nil); err == nil {
		t.Error("it goes on")
	}
}

// A server that does not prove itself is refused, whatever it says; its words are not repeated.
func TestSCRAMServers(t *testing.T) {
	const nonce = "r=rOprNGfwEbeRWgbNEkqOx"
	for _, row := range []struct {
		name       string
		challenges []string
		next       string // the error of the last challenge, or
		refused    string // the reason of a refusal
	}{
		{"accepts at once", nil, "", ""},
		{"accepts without a proof", []string{serverFirst}, "", ""},
		{"wrong proof", []string{serverFirst, "v=AAAA"}, ErrUnproven.Error(), ""},
		{"no proof", []string{serverFirst, ""}, ErrUnproven.Error(), ""},
		{"another nonce", []string{"r=elsewhere,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"}, "the server's challenge is not SCRAM's", ""},
		{"nonsense", []string{"\x1b[2Jpencil"}, "the server's challenge is not SCRAM's", ""},
		{"an empty challenge", []string{""}, "the server's challenge is not SCRAM's", ""},
		{"few iterations", []string{nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1"}, "the server asks for less than 4096 iterations", ""},
		{"many iterations", []string{nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000"}, "the server asks for more than 1048576 iterations", ""},
		{"iterations beyond numbers", []string{nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999999999999"}, "the server asks for more than 1048576 iterations", ""},
		{"an error at once", []string{"e=unknown-user"}, "", "unknown-user"},
		{"an error at the end", []string{serverFirst, "e=invalid-proof,x=pencil"}, "", "invalid-proof"},
		{"an error of its own", []string{serverFirst, "e=pencil"}, "", "an error that RFC 5802 does not know"},
		{"an error, then more", []string{"e=unknown-user", serverFirst}, errUnexpected.Error(), "unknown-user"},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := example(t)
			_, _, err := m.Start()
			for _, challenge := range row.challenges {
				if err != nil {
					t.Fatal(err)
				}
				_, err = m.Next([]byte(challenge))
			}
			if text(err) != row.next {
				t.Errorf("it ends with %v, want %s", err, row.next)
			}
			if err := m.Finish(true); !errors.Is(err, ErrUnproven) {
				t.Errorf("accepted, it says %v", err)
			}
			if got := text(m.Finish(false)); got != row.refused {
				t.Errorf("refused, it says %q, want %q", got, row.refused)
			}
		})
	}
}

// What SCRAM tells the server of channel binding (RFC 5802 §6): n for none, y for one that the server does not seem to have.
func TestSCRAMFlags(t *testing.T) {
	for _, row := range []struct {
		with    Credentials
		offered []string // nil is not known
		want    string
	}{
		{secure, nil, "n,,"},
		{password, []string{"SCRAM-SHA-256"}, "n,,"},
		{secure, []string{"SCRAM-SHA-256"}, "y,,"},
		{secure, []string{"SCRAM-SHA-256", "scram-sha-1-plus"}, "n,,"},
	} {
		choice, err := Choose("scram-sha-256", Offer{Known: row.offered != nil, Mechanisms: row.offered}, row.with)
		if err != nil {
			t.Fatal(err)
		}
		if _, initial, _ := choice.Ways[0].Mechanism.Start(); !strings.HasPrefix(string(initial), row.want) {
			t.Errorf("%v: it begins with %q, want %q", row.offered, initial, row.want)
		}
	}
}

// A certificate without a hash in its signature has no tls-server-end-point: the mechanism is passed over, with its reason.
func TestBindingThatIsNotDefined(t *testing.T) {
	with := secure
	with.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{SignatureAlgorithm: x509.PureEd25519}}}
	choice, err := Choose(Auto, Offer{Known: true, Mechanisms: []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"}}, with)
	if err != nil || choice.Ways[0].Name != "SCRAM-SHA-256" || !slices.ContainsFunc(choice.Passed, func(p Passed) bool { return p.Name == "SCRAM-SHA-256-PLUS" }) {
		t.Errorf("chose %+v, %v", choice, err)
	}
}
