package dial

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// certificateError words why a certificate was not trusted: for whom it is, since or until when, by whom.
func certificateError(bad *tls.CertificateVerificationError, cfg *tls.Config) *Error {
	e := &Error{Kind: BadCertificate}
	if wrong, ok := errors.AsType[x509.HostnameError](bad.Err); ok {
		e.reason = "the certificate is for " + certNames(wrong.Certificate) + ", not for " + plain(wrong.Host)
		e.hint = "check the server's name; tls_server_name names another one to expect"
		return e
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](bad.Err); ok && invalid.Reason == x509.Expired {
		now := time.Now
		if cfg.Time != nil {
			now = cfg.Time
		}
		e.reason, e.hint = notNow(invalid.Cert, bad.UnverifiedCertificates, now())
		return e
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](bad.Err); ok {
		e.reason = unknownAuthority(unknown.Cert, bad.UnverifiedCertificates)
		if cfg.RootCAs == nil && noSystemRoots() {
			e.hint = "no authorities are known here; install the package ca-certificates"
		}
		return e
	}
	e.reason = "the certificate is not valid: " + plain(strings.TrimPrefix(bad.Err.Error(), "x509: "))
	return e
}

// notNow words a certificate outside its time; in a chain it need not be the server's own.
func notNow(cert *x509.Certificate, sent []*x509.Certificate, now time.Time) (reason, hint string) {
	whose := "the certificate"
	if len(sent) > 0 && !cert.Equal(sent[0]) {
		whose = "the issuer's certificate (" + issuerName(cert.Subject.String()) + ")"
	}
	clock := "this machine's clock says " + now.UTC().Format(time.DateOnly)
	if now.Before(cert.NotBefore) {
		return whose + " is valid only from " + cert.NotBefore.UTC().Format(time.DateOnly) + " on", clock + "; is it right?"
	}
	return whose + " expired on " + cert.NotAfter.UTC().Format(time.DateOnly), clock + "; if right, its owner must renew it"
}

// unknownAuthority words a chain that ends nowhere: self-signed, by an unknown issuer, or sent without the middle. Whoever connects knows
// better what to do about it.
func unknownAuthority(cert *x509.Certificate, sent []*x509.Certificate) (reason string) {
	if cert == nil {
		return "the certificate is issued by an unknown authority"
	}
	if bytes.Equal(cert.RawIssuer, cert.RawSubject) {
		if len(sent) > 0 && cert.Equal(sent[0]) {
			return "the certificate is self-signed"
		}
		return "the certificate ends at an unknown authority: " + issuerName(cert.Subject.String())
	}
	reason = "the certificate is issued by an unknown authority: " + issuerName(cert.Issuer.String())
	if len(sent) == 1 {
		reason += " (the server sent no certificate of it)"
	}
	return reason
}

// noSystemRoots is true in small containers, where every certificate would look untrusted.
func noSystemRoots() bool {
	roots, err := x509.SystemCertPool()
	return err != nil || roots.Equal(x509.NewCertPool())
}

// issuerName bounds and escapes a name that the other side chose.
func issuerName(name string) string {
	if name == "" {
		return "(no name)"
	}
	return plain(name)
}

// certNames lists the first few names and addresses a certificate is for.
func certNames(cert *x509.Certificate) string {
	names := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no host at all (" + issuerName(cert.Subject.String()) + ")"
	}
	more := ""
	if len(names) > maxNamesShown {
		more = fmt.Sprintf(" and %d more", len(names)-maxNamesShown)
		names = names[:maxNamesShown]
	}
	for i, name := range names {
		names[i] = plain(name)
	}
	return strings.Join(names, ", ") + more
}
