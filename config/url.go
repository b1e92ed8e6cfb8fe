package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"haulmail/config/nearest"
)

// maildrop is what the URL of a maildrop says (RFC 2384):
//
//	pop://USER;AUTH=MECHANISM@HOST:PORT
//
// with "pops" for TLS from the first byte. A character with a meaning of its own stands as %XX; the "@" of a user that is a mail
// address may stand as it is where that leaves no doubt.
type maildrop struct {
	tls    TLSMode
	user   string
	auth   string // a value of the key "auth", "" for none
	server Server // its port is 0 where the URL names none
}

// The form of a URL, for hints.
const (
	dropHint   = "write pops://me@pop.example.org, with %40 for an @ in the user"
	schemeHint = "pops:// is TLS from the first byte, port 995; pop:// is STARTTLS, port 110"
)

// schemes are those of a POP URL. Cleartext has none: it has to be said in a word of its own.
var schemes = map[string]TLSMode{"pops": TLSImplicit, "pop": TLSStart}

// otherSchemes are those that mean POP3 elsewhere.
var otherSchemes = map[string]string{"pop3": "pop", "pop3s": "pops"}

// parseURL reads the URL of a maildrop. A problem never quotes what may be a password, wherever it was put. net/url would not do: it
// gives a password back, takes the first "?" or "#" of a user for the URL's end, and knows no parameters of a user.
func parseURL(text string) (drop maildrop, problem, hint string) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return maildrop{}, "the URL has no scheme", dropHint
	}
	if drop.tls, problem, hint = parseScheme(scheme); problem != "" {
		return maildrop{}, problem, hint
	}
	at := strings.LastIndex(rest, "@")
	if at >= 0 && strings.Contains(rest[:at], ":") {
		return maildrop{}, "the URL holds a password, which ps and the shell's history show to others",
			"leave it out: haulmail asks for it at the terminal, or takes what --password-command prints"
	}
	if at <= 0 {
		return maildrop{}, "the URL names no user", dropHint
	}
	if drop.user, drop.auth, problem, hint = parseUser(rest[:at]); problem != "" {
		return maildrop{}, problem, hint
	}
	drop.server, problem, hint = parseURLHost(rest[at+1:])
	return drop, problem, hint
}

func parseScheme(scheme string) (mode TLSMode, problem, hint string) {
	scheme = strings.ToLower(scheme)
	if mode, ok := schemes[scheme]; ok {
		return mode, "", ""
	}
	if ours, ok := otherSchemes[scheme]; ok {
		return 0, fmt.Sprintf("the scheme of a POP3 server is %s://, not %s://", ours, scheme), schemeHint
	}
	return 0, "the URL is not of a POP3 server: it begins with neither pops:// nor pop://", schemeHint
}

// parseUser reads what stands before the "@".
func parseUser(text string) (user, auth, problem, hint string) {
	text, parameter, has := strings.Cut(text, ";")
	raw := strings.Count(text, "@")
	switch {
	case strings.ContainsAny(text, "/?#"):
		return "", "", `the user of the URL holds a "/", "?" or "#"`, "write %2F, %3F or %23 for it"
	case raw > 1, raw == 1 && strings.Contains(text, "%40"), strings.Contains(parameter, "@"):
		return "", "", "it is not clear which @ of the URL ends the user", "write %40 for each @ of the user"
	case has:
		if auth, problem, hint = parseMechanism(parameter); problem != "" {
			return "", "", problem, hint
		}
	}
	user, err := url.PathUnescape(text)
	switch {
	case err != nil:
		return "", "", `the user of the URL has a "%" without two hexadecimal digits`, "write %25 for a percent sign"
	case user == "":
		return "", "", "the URL names no user", dropHint
	case !utf8.ValidString(user), strings.ContainsFunc(user, unicode.IsControl):
		return "", "", "the user of the URL is not plain text", "%XX stands for a byte of UTF-8: j%C3%BCrgen"
	}
	return user, auth, "", ""
}

// parseMechanism reads the parameter AUTH=MECHANISM, AUTH=+APOP or AUTH=* (RFC 2384 §4); our own words will do as well.
func parseMechanism(parameter string) (auth, problem, hint string) {
	name, mechanism, _ := strings.Cut(parameter, "=")
	if !strings.EqualFold(name, "auth") {
		return "", "the user of the URL has a parameter that is not auth", "write pops://me;auth=PLAIN@pop.example.org, and %3B for a ; in the user"
	}
	mechanism = strings.ToLower(mechanism)
	switch mechanism {
	case "*":
		return authWords[AuthAuto], "", ""
	case "+apop":
		return authWords[AuthAPOP], "", ""
	}
	if slices.Contains(authWords, mechanism) {
		return mechanism, "", ""
	}
	hint = "the mechanisms are *, +APOP, " + strings.ToUpper(strings.Join(authWords[AuthPlain:AuthExternal], ", "))
	if near := nearest.To(mechanism, authWords); near != "" {
		hint = "did you mean ;auth=" + strings.ToUpper(near) + "?"
	}
	return "", fmt.Sprintf("the URL's auth cannot be %q", mechanism), hint
}

// parseURLHost reads what stands behind the "@": HOST, HOST:PORT, [V6] or [V6]:PORT, and a slash at most.
func parseURLHost(text string) (server Server, problem, hint string) {
	end := strings.IndexAny(text, "/?#")
	if end >= 0 && text[end:] != "/" {
		return Server{}, "the URL goes on behind the host: a maildrop has neither folders nor a query", "end it there: pops://me@pop.example.org"
	}
	text = strings.TrimSuffix(text, "/")
	host, err := url.PathUnescape(text)
	switch {
	case err != nil:
		return Server{}, `the host of the URL has a "%" without two hexadecimal digits`, "write %25 for a percent sign"
	case host == "":
		return Server{}, "the URL names no host", dropHint
	case strings.Contains(host, ";"):
		return Server{}, "the host of the URL has a parameter", "auth stands behind the user: pops://me;auth=PLAIN@pop.example.org"
	case strings.Count(host, ":") > 1 && !strings.HasPrefix(host, "["):
		return Server{}, "an IPv6 address in a URL stands in brackets", "write pops://me@[2001:db8::1]:995"
	}
	return parseHostPort(host)
}
