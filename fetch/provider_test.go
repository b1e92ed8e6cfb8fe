package fetch

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"haulmail/config"
	"haulmail/fetch/pop3"
)

func TestProviderHint(t *testing.T) {
	for host, want := range map[string]string{
		"pop.gmail.com":             "app password",
		"POP.Gmail.com.":            "myaccount.google.com",
		"outlook.office365.com":     `oauth = "microsoft"`,
		"pop-mail.outlook.com":      `oauth = "microsoft"`,
		"pop.mail.yahoo.com":        "app password",
		"pop.aol.com":               "app password",
		"imap.mail.me.com":          "IMAP alone",
		"pop.gmx.net":               "POP3 & IMAP",
		"pop3.web.de":               "POP3 & IMAP",
		"pop.qq.com":                "authorization code",
		"pop.exmail.qq.com":         "authorization code",
		"pop.163.com":               "authorization code",
		"pop.126.com":               "authorization code",
		"pop.yandex.ru":             "app password",
		"pop.example.org":           "",
		"notgmail.com":              "",
		"pop.gmail.com.example.org": "",
		"192.0.2.1":                 "",
	} {
		if got := providerHint(host); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: the hint is %q, want one with %q", host, got, want)
		}
	}
}

// No two providers claim a server, and a hint is one line.
func TestProviders(t *testing.T) {
	claimed := map[string]string{}
	for _, p := range providers {
		for _, domain := range p.domains {
			if other, taken := claimed[domain]; taken {
				t.Errorf("%s is %s's and %s's", domain, p.name, other)
			}
			claimed[domain] = p.name
		}
		if strings.ContainsAny(p.wants, "\n\r") || len(p.wants) > 160 {
			t.Errorf("%s: no single line: %q", p.name, p.wants)
		}
	}
}

// A refused login at a known provider says what that provider wants, also where it says that POP is switched off for the account.
func TestRefusedByAProvider(t *testing.T) {
	h := &haul{engine: &engine{}, a: &config.Account{Name: "me", Server: config.Server{Host: "pop.gmail.com"}}}
	for code, class := range map[string]Class{"AUTH": Login, "": Login, "SYS/PERM": Unavailable} {
		got, hint := h.classify(doing(doingLogin, &pop3.ServerError{Command: "AUTH PLAIN", Code: code}))
		if got != class || !strings.Contains(hint, "app password") {
			t.Errorf("%s: class %d, hint %q", code, got, hint)
		}
	}
	for code, err := range map[string]error{
		"IN-USE":   doing(doingLogin, &pop3.ServerError{Code: "IN-USE"}),
		"SYS/PERM": doing(doingList, &pop3.ServerError{Code: "SYS/PERM"}),
	} {
		if _, hint := h.classify(err); hint != "" {
			t.Errorf("%s: hint %q", code, hint)
		}
	}
	h.a.Auth = config.AuthExternal
	if _, hint := h.classify(doing(doingLogin, &pop3.ServerError{Code: "AUTH"})); !strings.Contains(hint, "tls_client_cert") {
		t.Errorf("a certificate is refused, and the hint is %q", hint)
	}
	h.a.Auth, h.a.OAuth = config.AuthAuto, "google"
	if _, hint := h.classify(doing(doingLogin, &pop3.ServerError{Code: "AUTH"})); strings.Contains(hint, "app password") {
		t.Errorf("a token is refused, and the hint is %q", hint)
	}
}

// oneService is a DNS in which every domain has its mail at one server of this machine.
type oneService struct{ *net.SRV }

func (s oneService) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", []*net.SRV{s.SRV}, nil
}

func (oneService) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// A domain whose mail is at a known provider gets that one's hint.
func TestRefusedBehindADomain(t *testing.T) {
	l := newLoginLab(t, loginRow{setUp: wrongSecret})
	l.options.Resolver = oneService{&net.SRV{Target: "pop.gmail.com.", Port: uint16(l.account.Server.Port)}}
	l.account.Server = config.Server{Kind: config.BySRV, Host: "example.org"}
	l.account.TLSServerName = "localhost"
	if e := errOf(t, l.want(0, 0, Login)); !strings.Contains(e.Hint, "myaccount.google.com") {
		t.Errorf("hint %q", e.Hint)
	}
}
