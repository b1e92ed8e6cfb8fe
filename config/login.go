package config

import (
	"fmt"
	"slices"
)

// Auth says how to log in.
type Auth int

// The values of the key "auth".
const (
	AuthAuto            Auth = iota // the strongest way that the server offers, but none of the two that rest on MD5
	AuthUserPass                    // USER and PASS (RFC 1939 §7)
	AuthAPOP                        // APOP (RFC 1939 §7)
	AuthPlain                       // RFC 4616
	AuthLogin                       // what came before PLAIN
	AuthCRAMMD5                     // RFC 2195
	AuthSCRAMSHA1                   // RFC 5802
	AuthSCRAMSHA256                 // RFC 7677
	AuthSCRAMSHA1Plus               // bound to the TLS connection (RFC 5802 §6)
	AuthSCRAMSHA256Plus             // bound to the TLS connection
	AuthExternal                    // by the client certificate, without a password (RFC 4422 appendix A)
	AuthXOAUTH2                     // by a bearer token, as Google and Microsoft began it
	AuthOAUTHBEARER                 // by a bearer token (RFC 7628)
)

var authWords = []string{
	"auto", "userpass", "apop", "plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256", "scram-sha-1-plus", "scram-sha-256-plus",
	"external", "xoauth2", "oauthbearer",
}

// String gives the word that stands in the file.
func (a Auth) String() string { return word(authWords, int(a)) }

// ByToken tells whether the account's secret is a bearer token (RFC 6750) and not a password.
func (a *Account) ByToken() bool { return a.OAuth != "" || !a.Password.TokenCommand.IsZero() }

// NeedsSecret tells whether the account logs in by a password or a token at all. Nobody has to be asked for one otherwise: a certificate
// is there to log in without.
func (a *Account) NeedsSecret() bool {
	byCertificate := a.TLSClientCert != "" && a.TLS != TLSNone && a.SecretKey() == ""
	return a.Auth != AuthExternal && !(a.Auth == AuthAuto && byCertificate)
}

// byPassword tells whether a way is for passwords alone. A token that went by it would be shown as one, to servers that take none.
func (a Auth) byPassword() bool {
	switch a {
	case AuthAuto, AuthExternal, AuthXOAUTH2, AuthOAUTHBEARER:
		return false
	}
	return true
}

func (d *document) readAuth(v value, a *Account) {
	if i, ok := d.oneOf(v, authWords); ok {
		a.Auth = Auth(i)
	}
}

// checkAuth reports a way to log in that the account's other keys rule out. The key may stand in the account or in [defaults].
func (d *document) checkAuth(a *Account, tables ...table) {
	i := slices.IndexFunc(tables, func(t table) bool { return t.has("auth") })
	if i < 0 {
		return
	}
	at := tables[i]["auth"]
	if a.ByToken() && a.Auth.byPassword() {
		d.failValue(at, fmt.Sprintf("account %q: auth %q takes a password, and %s gives a token", a.Name, a.Auth, a.SecretKey()),
			`set auth to "xoauth2", "oauthbearer" or "auto"`)
		return
	}
	needs := fmt.Sprintf("account %q: auth %q needs ", a.Name, a.Auth)
	switch a.Auth {
	case AuthExternal:
		if a.TLSClientCert == "" {
			d.failValue(at, needs+"a client certificate", "name its files in tls_client_cert and tls_client_key")
			return
		}
	case AuthSCRAMSHA1Plus, AuthSCRAMSHA256Plus:
	default:
		return
	}
	if a.TLS == TLSNone {
		d.failValue(at, needs+"TLS", `set tls to "implicit" or "starttls"`)
	}
}
