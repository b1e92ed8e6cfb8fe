package sasl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xdg-go/scram"
)

// The ways of POP3's own (RFC 1939 §7), as Way.Name has them.
const (
	UserPass = "USER/PASS"
	APOP     = "APOP"
)

// Offer is what a server says it can do, after TLS.
type Offer struct {
	// Known is false for a server that tells no capabilities: then it may be able to do anything.
	Known      bool
	Mechanisms []string // as CAPA's SASL lists them
	User       bool     // CAPA lists USER
	APOP       bool     // the greeting has a timestamp
}

// Way is one way to log in.
type Way struct {
	Name      string    // of the mechanism in upper case, UserPass or APOP
	Mechanism Mechanism // nil for UserPass and APOP
}

// Passed is a way that the server offers and that is not used.
type Passed struct {
	Name string
	Why  string // "takes a token"
}

// Choice is what to try, strongest first, and why each other offer is left alone.
type Choice struct {
	Ways   []Way
	Passed []Passed
}

// NoWayError says that nothing the server offers can be used, or not the one thing asked for.
type NoWayError struct {
	Asked  string // the way that was asked for, "" for the best
	Why    string // why it cannot be used; "" if the server does not offer it
	Passed []Passed
}

func (e *NoWayError) Error() string {
	switch {
	case e.Why != "":
		return fmt.Sprintf("%s cannot be used: %s", e.Asked, e.Why)
	case e.Asked != "":
		return fmt.Sprintf("the server does not offer %s, but %s", e.Asked, names(e.Passed))
	}
	return "nothing that the server offers can be used: " + Reasons(e.Passed)
}

// Reasons words why ways are not used: "CRAM-MD5 (…), NTLM (…)".
func Reasons(passed []Passed) string {
	words := make([]string, len(passed))
	for i, p := range passed {
		words[i] = p.Name + " (" + p.Why + ")"
	}
	return strings.Join(words, ", ")
}

func names(passed []Passed) string {
	if len(passed) == 0 {
		return "nothing else that is known"
	}
	words := make([]string, len(passed))
	for i, p := range passed {
		words[i] = p.Name
	}
	return strings.Join(words, ", ")
}

// takes is what a way needs to be usable.
type takes int

const (
	aPassword takes = iota
	aToken
	aCertificate
)

// kind is a way that this package knows.
type kind struct {
	name   string
	takes  takes
	bound  bool // to the TLS connection
	asked  bool // used only where the config asks for it by name
	create func(c Credentials, mayBind bool) (Mechanism, error)
}

// kinds are all of them, strongest first. A certificate's key and a token never grant more than they are for; SCRAM shows the server
// no password, and with channel binding no man in the middle gets anything out of it either; PLAIN and LOGIN take fewer round trips than
// USER and PASS; CRAM-MD5 and APOP can be guessed by force from one exchange, and make servers keep passwords in clear.
var kinds = []kind{
	{name: "EXTERNAL", takes: aCertificate, create: always(newExternal)},
	{name: "OAUTHBEARER", takes: aToken, create: always(newOAUTHBEARER)},
	{name: "XOAUTH2", takes: aToken, create: always(newXOAUTH2)},
	{name: "SCRAM-SHA-256-PLUS", bound: true, create: newSCRAM("SCRAM-SHA-256-PLUS", scram.SHA256, true)},
	{name: "SCRAM-SHA-1-PLUS", bound: true, create: newSCRAM("SCRAM-SHA-1-PLUS", scram.SHA1, true)},
	{name: "SCRAM-SHA-256", create: newSCRAM("SCRAM-SHA-256", scram.SHA256, false)},
	{name: "SCRAM-SHA-1", create: newSCRAM("SCRAM-SHA-1", scram.SHA1, false)},
	{name: "PLAIN", create: always(newPlain)},
	{name: "LOGIN", create: always(newLogin)},
	{name: UserPass, create: byCommand},
	{name: "CRAM-MD5", asked: true, create: always(newCRAMMD5)},
	{name: APOP, asked: true, create: byCommand},
}

// unsupported are mechanisms that servers offer and nobody has asked for yet. Any other name is not repeated: it is the server's text.
var unsupported = []string{"SCRAM-SHA-512-PLUS", "SCRAM-SHA-512", "GSSAPI", "GSS-SPNEGO", "NTLM", "DIGEST-MD5", "OTP", "ANONYMOUS"}

func always(create func(Credentials) (Mechanism, error)) func(Credentials, bool) (Mechanism, error) {
	return func(c Credentials, _ bool) (Mechanism, error) { return create(c) }
}

func byCommand(Credentials, bool) (Mechanism, error) { return nil, nil }

// Auto asks Choose for whatever is best.
const Auto = "auto"

// Choose gives the ways to try, in their order. asked is Auto, or the name of one way in any case ("cram-md5", "userpass"). There is no
// way that shows a password to whoever listens which TLS does not hide: that there is no login without TLS but where the config says
// so in words is the caller's promise. The error is a *NoWayError.
func Choose(asked string, offer Offer, c Credentials) (Choice, error) {
	var choice Choice
	var refused string
	mayBind := !offer.Known || slices.ContainsFunc(offer.Mechanisms, func(m string) bool { return strings.HasSuffix(strings.ToUpper(m), "-PLUS") })
	for _, k := range kinds {
		if !offer.has(k.name) && !(isAsked(asked, k) && !offer.Known && k.name != APOP) {
			continue
		}
		why := k.unusable(asked, c)
		if why == "" {
			mechanism, err := k.create(c, mayBind)
			if err == nil {
				choice.Ways = append(choice.Ways, Way{k.name, mechanism})
				continue
			}
			why = err.Error()
		}
		if isAsked(asked, k) {
			refused = why
		}
		choice.Passed = append(choice.Passed, Passed{k.name, why})
	}
	for _, name := range unsupported {
		if offer.has(name) {
			choice.Passed = append(choice.Passed, Passed{name, "not supported"})
		}
	}
	if len(choice.Ways) > 0 {
		return choice, nil
	}
	e := &NoWayError{Why: refused, Passed: choice.Passed}
	if asked != Auto {
		e.Asked = spelled(asked)
	}
	return Choice{}, e
}

// has tells whether a way is offered. USER and PASS are so without a word where the server names no mechanism, or names one that takes
// the password in clear as they do: they are what every server began with.
func (o Offer) has(name string) bool {
	switch name {
	case UserPass:
		return o.User || len(o.Mechanisms) == 0 || o.has("PLAIN") || o.has("LOGIN")
	case APOP:
		return o.APOP
	}
	return slices.ContainsFunc(o.Mechanisms, func(m string) bool { return strings.EqualFold(m, name) })
}

// unusable tells why a way that is offered is not to be used; "" is that it is.
func (k kind) unusable(asked string, c Credentials) string {
	if asked != Auto {
		switch {
		case !isAsked(asked, k):
			return "not asked for"
		case k.bound && c.TLS == nil:
			return "it needs TLS"
		}
		return ""
	}
	switch {
	case k.takes == aCertificate && !c.Certificate:
		return "takes a client certificate"
	case k.takes == aToken && !c.Token:
		return "takes a token"
	case k.takes == aPassword && (c.Token || c.Secret == ""):
		return "takes a password"
	case k.bound && c.TLS == nil:
		return "needs TLS"
	case k.asked:
		return fmt.Sprintf("used only by auth = %q", strings.ToLower(k.name))
	}
	return ""
}

func isAsked(asked string, k kind) bool { return spelled(asked) == k.name }

// spelled gives the name of a way as the config writes it.
func spelled(asked string) string {
	if strings.EqualFold(asked, "userpass") {
		return UserPass
	}
	return strings.ToUpper(asked)
}

// Knows tells whether Choose can be asked for a way by this name.
func Knows(asked string) bool {
	return asked == Auto || slices.ContainsFunc(kinds, func(k kind) bool { return isAsked(asked, k) })
}
