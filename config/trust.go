package config

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// Trust says whom to believe that it is the server: the system's authorities
// where neither a file of authorities, nor pins, nor the first use is named.
type Trust struct {
	TLSCAFile     string // absolute; "" is the system's authorities
	TLSPins       []Pin  // one of them has to fit
	TLSFirstUse   bool   // the key of the first connection is remembered
	TLSServerName string // the name or address to expect in the certificate; "" is the server's
	TLSMinVersion TLSVersion
	TLSClientCert string // absolute; "" is none
	TLSClientKey  string // absolute; the file of TLSClientCert where none is named
}

// Pin is the SHA-256 of a server's certificate, or of the public key in it
// (its SubjectPublicKeyInfo, as in RFC 7469 §2.4), which outlives a renewal.
type Pin struct {
	Key bool
	Sum [32]byte
}

// TLSVersion is a version of TLS.
type TLSVersion int

// The values of the key "tls_min_version".
const (
	TLS12 TLSVersion = iota
	TLS13
)

var tlsVersions = []string{"1.2", "1.3"}

// String gives the word that stands in the file.
func (v TLSVersion) String() string { return word(tlsVersions, int(v)) }

// What stands in front of a pin.
const (
	pinCert = "sha256:"
	pinKey  = "spki-sha256:"
	pinHint = `write what "haulmail check --connect" shows: "spki-sha256:…" is of the key, "sha256:…" of the certificate`
)

var trustWords = []string{"system", "first-use"}

func (d *document) readTrust(v value, a *Account) {
	i, ok := d.oneOf(v, trustWords)
	a.TLSFirstUse = ok && i == 1
}

// readPins reads one fingerprint or an array of them.
func (d *document) readPins(v value, a *Account) {
	list, ok := v.data.([]any)
	if !ok {
		list = []any{v.data}
	}
	a.TLSPins = nil
	for _, one := range list {
		s, ok := one.(string)
		if !ok {
			d.failValue(v, fmt.Sprintf("%s must be a string or an array of strings, not %s", v.key(), typeName(one)), pinHint)
			return
		}
		pin, problem, hint := parsePin(s)
		if problem != "" {
			d.failValue(v, fmt.Sprintf("%s %q %s", v.key(), s, problem), hint)
			return
		}
		a.TLSPins = append(a.TLSPins, pin)
	}
	if len(a.TLSPins) == 0 {
		d.failValue(v, v.key()+" is empty", pinHint)
	}
}

// parsePin reads "sha256:HEX", "spki-sha256:HEX" or "spki-sha256:BASE64"; the
// hex may have colons, as other programs print it.
func parsePin(s string) (pin Pin, problem, hint string) {
	rest, ok := strings.CutPrefix(s, pinCert)
	if !ok {
		rest, pin.Key = strings.CutPrefix(s, pinKey)
	}
	if !ok && !pin.Key {
		problem, hint = noPin(s)
		return Pin{}, problem, hint
	}
	sum, err := hex.DecodeString(strings.ReplaceAll(rest, ":", ""))
	if err != nil && pin.Key {
		sum, err = base64.StdEncoding.DecodeString(rest)
	}
	if err != nil || len(sum) != len(pin.Sum) {
		return Pin{}, "is not the 32 bytes of a SHA-256", pinHint
	}
	copy(pin.Sum[:], sum)
	return pin, "", ""
}

// noPin knows what other programs call a fingerprint.
func noPin(s string) (problem, hint string) {
	digits := strings.ToLower(strings.ReplaceAll(s, ":", ""))
	if strings.Trim(digits, "0123456789abcdef") == "" {
		switch len(digits) {
		case 64:
			return "does not say of what it is the SHA-256", `of a certificate: "` + pinCert + `…"; of its public key: "` + pinKey + `…"`
		case 40, 32:
			return "is an SHA-1 or MD5, which can be forged", pinHint
		}
	}
	return "is not a fingerprint", pinHint
}

// readServerName reads the name that the certificate has to be for.
func (d *document) readServerName(v value, a *Account) {
	const hint = `write a host or an address without a port: "pop.example.org"`
	s, ok := d.plain(v, hint)
	if !ok {
		return
	}
	name, problem, _ := parseHost(s)
	if problem != "" {
		d.failValue(v, fmt.Sprintf("tls_server_name %q is not a host", s), hint)
		return
	}
	a.TLSServerName = name
}

func (d *document) readTLSVersion(v value, a *Account) {
	s, isString := v.data.(string)
	s = strings.TrimPrefix(strings.ToUpper(s), "TLS")
	switch s = strings.TrimLeft(s, "V "); {
	case !isString:
		d.failValue(v, "tls_min_version must be a string, not "+typeName(v.data), `write "1.2" or "1.3"`)
	case s == "1.0" || s == "1.1" || s == "1":
		d.failValue(v, "TLS "+s+" is not safe, and is never used", `write "1.2", which is the default, or "1.3"`)
	default:
		if i, ok := d.oneOf(v, tlsVersions); ok {
			a.TLSMinVersion = TLSVersion(i)
		}
	}
}
