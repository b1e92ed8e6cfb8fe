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
		`Gmail takes an app password (myaccount.google.com/apppasswords) or oauth = "google"; POP is switched on in its settings, Forwarding and POP/IMAP`,
	},
	{
		"Microsoft",
		[]string{"outlook.com", "office365.com", "hotmail.com", "live.com", "office365.us", "outlook.cn"},
		`Microsoft takes no password any more: set oauth = "microsoft"; POP is switched on in Outlook's settings, Mail, Forwarding and IMAP`,
	},
	{
		"Yahoo",
		[]string{"yahoo.com", "aol.com"},
		"Yahoo and AOL take an app password, made in the account's security settings",
	},
	{
		"iCloud",
		[]string{"icloud.com", "me.com", "mac.com"},
		"iCloud takes an app-specific password (account.apple.com), and offers its mail by IMAP alone",
	},
	{
		"GMX",
		[]string{"gmx.net", "gmx.com", "gmx.de", "gmx.at", "gmx.ch", "web.de", "mail.com"},
		"GMX and WEB.DE switch POP3 on in the web mail's settings, POP3 & IMAP; with two-factor login they take an application password",
	},
	{
		"QQ",
		[]string{"qq.com"},
		"QQ takes an authorization code, made in the web mail's settings under Account, where POP3 is switched on, too",
	},
	{
		"163",
		[]string{"163.com", "126.com", "yeah.net", "188.com"},
		"NetEase (163, 126, yeah.net) takes an authorization code, made in the web mail's settings where POP3 is switched on",
	},
	{
		"Yandex",
		[]string{"yandex.com", "yandex.ru", "yandex.by", "yandex.kz", "yandex.com.tr", "yandex.net"},
		"Yandex takes an app password for mail (id.yandex.com, Security); POP3 and its folders are switched on in the settings, Email clients",
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
