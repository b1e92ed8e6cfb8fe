package config

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Provider gives out tokens (RFC 6749): where a person signs in to it, and the
// program that it knows us as. Its URLs are https, or http to this machine.
type Provider struct {
	Name                string
	DeviceURL           string // asked for a code to type elsewhere (RFC 8628 §3.1); "" = there is none
	AuthURL             string // where a browser signs in (RFC 6749 §3.1); "" = there is none. One of the two is set
	TokenURL            string // gives and refreshes tokens (RFC 6749 §3.2)
	RedirectURL         string // where the browser is sent back to: http to this machine; no port = any free one
	Scopes              []string
	ClientID            string
	ClientSecret        Secret  // at most one of
	ClientSecretCommand Command // the two is set
}

const (
	keyClientSecret        = "client_secret"
	keyClientSecretCommand = "client_secret_command"
	usualRedirect          = "http://127.0.0.1" // RFC 8252 §7.3
)

// knownProviders are those of which a file need only give the client.
//
// Google lets no program read mail that signed in by a device code, and gives a
// token to refresh with only where it is asked to. Microsoft leaves the port out
// of account only in a redirect to localhost.
var knownProviders = map[string]Provider{
	"google": {
		AuthURL:     "https://accounts.google.com/o/oauth2/v2/auth?access_type=offline&prompt=consent",
		TokenURL:    "https://oauth2.googleapis.com/token",
		RedirectURL: usualRedirect,
		Scopes:      []string{"https://mail.google.com/"},
	},
	"microsoft": {
		DeviceURL:   "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode",
		AuthURL:     "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
		TokenURL:    "https://login.microsoftonline.com/common/oauth2/v2.0/token",
		RedirectURL: "http://localhost",
		Scopes:      []string{"https://outlook.office.com/POP.AccessAsUser.All", "offline_access"},
	},
}

// providers reads the [oauth.NAME] tables, nil for none.
func (d *document) providers() map[string]*Provider {
	const hint = `a provider is a table: [oauth.google], below it client_id and client_secret`
	v, ok := d.root["oauth"]
	if !ok {
		return nil
	}
	tables, ok := d.table(v, hint)
	if !ok {
		return nil
	}
	d.oauth = make(map[string]*Provider, len(tables))
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if keys, ok := d.table(tables[name], hint); ok {
			d.oauth[name] = d.provider(tables[name], keys)
		}
	}
	return d.oauth
}

// provider reads one provider on top of what is known of it.
func (d *document) provider(head value, keys table) *Provider {
	p, isKnown := knownProviders[head.key()]
	p.Name, p.Scopes = head.key(), slices.Clone(p.Scopes)
	if !isKnown {
		p.RedirectURL = usualRedirect
	}
	for _, k := range providerKeys {
		if v, ok := keys[k.Name]; ok {
			k.read(d, v, &p)
		}
	}
	d.unknownKeys(keys, providerKeyNames(), fmt.Sprintf("in provider %q", p.Name))
	if keys.has(keyClientSecret) && keys.has(keyClientSecretCommand) {
		d.failKey(keys[keyClientSecretCommand], fmt.Sprintf("more than one client secret in provider %q", p.Name), "keep one of them")
	}
	d.checkProvider(head, keys, isKnown)
	return &p
}

// checkProvider reports what a provider lacks.
func (d *document) checkProvider(head value, keys table, isKnown bool) {
	var missing []string
	if !keys.has("client_id") {
		missing = append(missing, "client_id")
	}
	if !isKnown && !keys.has("token_url") {
		missing = append(missing, "token_url")
	}
	if !isKnown && !keys.has("device_url") && !keys.has("auth_url") {
		missing = append(missing, "device_url or auth_url")
	}
	if len(missing) == 0 {
		return
	}
	hint := "register a program with the provider: it gives a client id, and its documentation tells the URLs"
	if isKnown {
		hint = "register a program of your own there: README, \"Logging in\", tells how"
	}
	d.failKey(head, fmt.Sprintf("provider %q lacks %s", head.key(), strings.Join(missing, ", ")), hint)
}

// readOAuth reads an account's provider. The tables of providers were read before.
func (d *document) readOAuth(v value, a *Account) {
	const hint = `write the name of a provider: oauth = "google", "microsoft", or one that an [oauth.NAME] defines`
	name, ok := d.plain(v, hint)
	if !ok {
		return
	}
	a.OAuth = name
	if d.oauth[name] != nil {
		return
	}
	if _, isKnown := knownProviders[name]; isKnown {
		d.failValue(v, fmt.Sprintf("oauth = %q needs a client id of your own", name),
			fmt.Sprintf("below [oauth.%s]: client_id = \"…\"; README, \"Logging in\", tells where to get one", name))
		return
	}
	known := slices.Concat(slices.Sorted(maps.Keys(d.oauth)), slices.Sorted(maps.Keys(knownProviders)))
	d.failValue(v, fmt.Sprintf("oauth %q is not known%s", name, didYouMean(name, known)), hint)
}

const urlHint = "write a URL that begins with https://"

// readURL reads a URL that secrets are sent to.
func (d *document) readURL(v value, to *string) {
	if u := d.url(v, urlHint); u != nil {
		if u.Scheme != "https" && !thisMachine(u) {
			d.failValue(v, v.key()+" is not https", urlHint+": secrets travel there")
			return
		}
		*to = u.String()
	}
}

// readRedirect reads where a browser is sent back to.
func (d *document) readRedirect(v value, p *Provider) {
	const hint = `write "http://127.0.0.1" or "http://localhost", with the port and path that the provider was told, if any`
	if u := d.url(v, hint); u != nil {
		if !thisMachine(u) || u.RawQuery != "" {
			d.failValue(v, "redirect_url does not lead to this machine", hint)
			return
		}
		p.RedirectURL = u.String()
	}
}

// url gives the URL in v, nil where it is none and that was reported.
func (d *document) url(v value, hint string) *url.URL {
	s, ok := d.plain(v, hint)
	if !ok {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || (u.Scheme != "https" && u.Scheme != "http") {
		d.failValue(v, v.key()+" is not a URL", hint)
		return nil
	}
	return u
}

// thisMachine says whether a URL is http to a loopback address.
func thisMachine(u *url.URL) bool {
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && addr.IsLoopback())
}

// readScopes reads an array of scopes, or a string of them with blanks between.
func (d *document) readScopes(v value, p *Provider) {
	const hint = `write an array: scopes = ["https://mail.example.org/pop", "offline_access"]`
	all, ok := v.data.([]any)
	if line, isString := v.data.(string); isString {
		all, ok = []any{line}, true
	}
	p.Scopes = nil
	for _, one := range all {
		s, isString := one.(string)
		visible := func(r rune) bool { return r > ' ' && r < 0x7f && r != '"' && r != '\\' } // RFC 6749 §3.3
		for _, scope := range strings.Fields(s) {
			ok = ok && strings.IndexFunc(scope, func(r rune) bool { return !visible(r) }) < 0
			p.Scopes = append(p.Scopes, scope)
		}
		ok = ok && isString
	}
	if !ok {
		d.failValue(v, "scopes must be an array of scopes", hint)
	}
}

func (d *document) readClientID(v value, p *Provider) {
	if s, ok := d.plain(v, "write the id that the provider gave to your program"); ok {
		p.ClientID = s
	}
}
