package dial

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// Pin is the SHA-256 of a certificate, or of the public key in it (its SubjectPublicKeyInfo, RFC 7469 §2.4), which stays
// the same when a certificate is renewed with its old key.
type Pin struct {
	Key bool
	Sum [sha256.Size]byte
}

// KeyPin gives the pin of a certificate's public key.
func KeyPin(cert *x509.Certificate) Pin {
	return Pin{Key: true, Sum: sha256.Sum256(cert.RawSubjectPublicKeyInfo)}
}

// CertPin gives the pin of a whole certificate.
func CertPin(cert *x509.Certificate) Pin { return Pin{Sum: sha256.Sum256(cert.Raw)} }

// String gives "spki-sha256:BASE64" for a key and "sha256:HEX" for a certificate, as the key tls_fingerprint takes them.
func (p Pin) String() string {
	if p.Key {
		return "spki-sha256:" + base64.StdEncoding.EncodeToString(p.Sum[:])
	}
	return "sha256:" + hex.EncodeToString(p.Sum[:])
}

// of gives what a certificate's pin would be in p's notation.
func (p Pin) of(cert *x509.Certificate) Pin {
	if p.Key {
		return KeyPin(cert)
	}
	return CertPin(cert)
}

// pinned lets only a server pass whose own certificate one of the pins fits.
func pinned(pins []Pin) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		own := state.PeerCertificates[0]
		if slices.ContainsFunc(pins, func(p Pin) bool { return p == p.of(own) }) {
			return nil
		}
		return &pinError{pins: pins, sent: state.PeerCertificates}
	}
}

// pinError is a server with another key than it is known by.
type pinError struct {
	pins []Pin
	sent []*x509.Certificate
}

func (e *pinError) Error() string {
	shown := e.pins[0].of(e.sent[0])
	var known []string
	for _, p := range e.pins[:min(len(e.pins), maxNamesShown)] {
		if p.Key != shown.Key {
			shown = KeyPin(e.sent[0]) // of pins of both sorts, the key's says most
		}
		known = append(known, p.String())
	}
	return "the server shows " + shown.String() + ", not " + strings.Join(known, " or ")
}

func (e *pinError) explain() *Error {
	return &Error{
		Kind: WrongKey, Chain: e.sent, reason: e.Error(),
		hint: "if the server's owner confirms the new one, set it as tls_fingerprint",
	}
}
