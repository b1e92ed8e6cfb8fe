package fetch

import (
	"cmp"
	"context"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"haulmail/config"
	"haulmail/fetch/dial"
	"haulmail/fetch/pop3"
)

// endsSoon is how long before its end a certificate is warned of: renewals come a month ahead, and one that is this late has failed.
const endsSoon = 14 * 24 * time.Hour

// Check connects to the accounts' servers and logs in, tells what they show and offer, and does nothing else but to remember the key of
// a server that is trusted on first use.
func Check(ctx context.Context, accounts []*config.Account, o Options) []Result {
	e := newEngine(o)
	return e.each(ctx, accounts, (*haul).check)
}

// CheckFiles reads the files that the accounts name (authorities, certificates, keys, passwords) and connects to nothing.
func CheckFiles(ctx context.Context, accounts []*config.Account, o Options) []Result {
	e := newEngine(o)
	return e.each(ctx, accounts, (*haul).checkFiles)
}

// check connects and logs in, and leaves again.
func (h *haul) check(ctx context.Context) (err error) {
	h.looking = true
	if h.a.TLSFirstUse {
		if err := h.openState(ctx); err != nil {
			return err
		}
		defer func() { err = also(err, h.close()) }()
	}
	password, err := h.password(ctx)
	if err != nil {
		return err
	}
	s, err := h.loggedIn(ctx, password, h.a.Pipelining != config.PipeliningOff)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.tellOffer(); err != nil {
		return err
	}
	return s.quit()
}

// checkFiles does what connecting would do with files.
func (h *haul) checkFiles(ctx context.Context) error {
	if h.a.TLS != config.TLSNone {
		options := dial.TLSOptions{
			CAFile: h.a.TLSCAFile, ClientCert: h.a.TLSClientCert, ClientKey: h.a.TLSClientKey, AnyKey: true,
		}
		if _, err := dial.TLSConfig(options); err != nil {
			return doing("check the files", err)
		}
	}
	if h.a.Password.Key() != config.KeyPasswordFile {
		return nil
	}
	_, err := h.password(ctx)
	return err
}

// show tells what the server shows of itself, if that was asked for, and warns of what ends soon.
func (h *haul) show(chain []*x509.Certificate, trusted bool) {
	if !h.looking || len(chain) == 0 {
		return
	}
	shown := Shown{Account: h.a.Name, Pin: dial.KeyPin(chain[0]).String(), Trusted: trusted}
	for i, c := range chain {
		names := slices.Clone(c.DNSNames)
		for _, ip := range c.IPAddresses {
			names = append(names, ip.String())
		}
		shown.Chain = append(shown.Chain, Certificate{
			Subject: cmp.Or(c.Subject.CommonName, c.Subject.String()), Issuer: cmp.Or(c.Issuer.CommonName, c.Issuer.String()),
			Names: names, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		})
		whose := "the server's certificate"
		if i > 0 {
			whose = "the certificate of its issuer, " + shown.Chain[i].Subject + ","
		}
		if trusted {
			h.warnOfEnd(whose, c.NotAfter)
		}
	}
	h.tell(shown)
}

// warnOfEnd warns of a certificate that ends soon, or has: a pin takes the place of its dates.
func (h *haul) warnOfEnd(whose string, end time.Time) {
	left, day := end.Sub(h.Now()), end.UTC().Format(time.DateOnly)
	switch {
	case left < 0:
		h.warn("%s ended on %s; its owner has to renew it", whose, day)
	case left < endsSoon:
		h.warn("%s ends on %s, in %d days; its owner has to renew it", whose, day, int(left.Hours()/24))
	}
}

// tellOffer tells what the server announces to whoever is logged in, with the mechanisms that it announced before.
func (s *session) tellOffer() error {
	caps, err := s.client.Capa()
	if err != nil {
		return doing("ask for the capabilities", err)
	}
	offered := Offered{
		Account: s.h.a.Name, Mechanisms: s.offered["SASL"],
		Expire: arguments(caps, s.offered, "EXPIRE"), LoginDelay: arguments(caps, s.offered, "LOGIN-DELAY"),
	}
	for name, words := range caps {
		offered.Capabilities = append(offered.Capabilities, strings.Join(append([]string{name}, words...), " "))
	}
	slices.Sort(offered.Capabilities)
	s.h.tell(offered)
	return nil
}

// arguments are those of a capability, as it is after the login or else before (RFC 2449 §6.5, §6.7).
func arguments(after, before pop3.Capabilities, name string) string {
	return cmp.Or(strings.Join(after[name], " "), strings.Join(before[name], " "))
}
