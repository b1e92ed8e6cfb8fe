package fetch

import (
	"cmp"
	"strings"
)

// provider is what a well-known provider wants of a program that logs in, and people cannot know from its refusal.
type provider struct {
	name    string
	domains []string // of its POP3 servers
	wants   string   // one line, what to do about a refused login
}

var providers = []provider{
	{
		"Gmail",
		[]string{"gmail.com", "googlemail.com"},
		`app password: myaccount.google.com/apppasswords; or set oauth = "google"`,
	},
	{
		"Microsoft",
		[]string{"outlook.com", "office365.com", "hotmail.com", "live.com", "office365.us", "outlook.cn"},
		`Microsoft takes no passwords: set oauth = "microsoft", switch POP on`,
	},
	{
		"Yahoo",
		[]string{"yahoo.com", "aol.com"},
		"Yahoo and AOL want an app password, from the account's security page",
	},
	{
		"iCloud",
		[]string{"icloud.com", "me.com", "mac.com"},
		"iCloud offers its mail by IMAP alone, and by app-specific passwords",
	},
	{
		"GMX",
		[]string{"gmx.net", "gmx.com", "gmx.de", "gmx.at", "gmx.ch", "web.de", "mail.com"},
		"switch on POP3 & IMAP in its settings; with 2FA, make an app password",
	},
	{
		"QQ",
		[]string{"qq.com"},
		"switch POP3 on in QQ's settings, and make an authorization code there",
	},
	{
		"163",
		[]string{"163.com", "126.com", "yeah.net", "188.com"},
		"switch POP3 on in the settings, and make an authorization code there",
	},
	{
		"Yandex",
		[]string{"yandex.com", "yandex.ru", "yandex.by", "yandex.kz", "yandex.com.tr", "yandex.net"},
		"make an app password at id.yandex.com; is POP3 on in the settings?",
	},
}

// providerHint gives what the account's provider wants, also where only the account's domain says whose the server is.
func (h *haul) providerHint() string {
	return cmp.Or(providerHint(h.a.Server.Host), providerHint(h.found))
}

// providerHint gives what the provider of a server wants, or "" for a server of nobody we know.
func providerHint(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, p := range providers {
		for _, domain := range p.domains {
			if host == domain || strings.HasSuffix(host, "."+domain) {
				return p.wants
			}
		}
	}
	return ""
}
