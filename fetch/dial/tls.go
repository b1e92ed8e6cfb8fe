package dial

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"time"
)

// TLSOptions say whom to trust, and who we are.
type TLSOptions struct {
	// ServerName is the name or the address the certificate has to be for, usually the host connected to. It may be ""
	// where Pins or AnyKey stand in for it.
	ServerName string
	// OtherName is one the certificate may be for instead; "" is none.
	OtherName string
	// CAFile is a PEM file of authorities. Where it is set, only these are trusted, not the system's. A server's own
	// self-signed certificate may stand in it.
	CAFile string
	// Pins take the place of the chain, of the names and of the dates: one of them has to fit the server's own
	// certificate. That the server holds its key is proved by the handshake, as ever.
	Pins []Pin
	// AnyKey takes any certificate, whose key the caller remembers and asks for by Pins from then on.
	AnyKey bool
	// MinVersion is the oldest version of TLS to speak; 0 is TLS 1.2, and older ones are never spoken.
	MinVersion uint16
	// ClientCert and ClientKey are PEM files, which may be one; "" is no certificate of our own.
	ClientCert, ClientKey string
	// Roots replaces the system's authorities where CAFile is "" (tests); nil is the system's.
	Roots *x509.CertPool
	// Now is the clock certificates are checked by; nil is time.Now.
	Now func() time.Time
}

// TLSConfig makes a client's configuration: TLS 1.2 or newer, the certificate verified for ServerName (a trailing dot and
// an IPv6 zone are dropped, an address is checked against the certificate's addresses) unless pins stand in for that. No
// ALPN is offered: a server that does not know the registered name "pop3" has to refuse the handshake (RFC 7301 §3.2), and
// one that does needs no name. Errors: *Error with Kind BadCAFile or BadClientCert; a plain error for an empty ServerName.
func TLSConfig(o TLSOptions) (*tls.Config, error) {
	cfg := &tls.Config{
		ServerName: certName(o.ServerName), MinVersion: max(o.MinVersion, tls.VersionTLS12), RootCAs: o.Roots, Time: o.Now,
	}
	if o.CAFile != "" {
		roots, err := readCAFile(o.CAFile)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = roots
	}
	if o.ClientCert != "" {
		own, err := readClientCert(o.ClientCert, o.ClientKey)
		if err != nil {
			return nil, err
		}
		cfg.Certificates = []tls.Certificate{own}
	}
	switch {
	case len(o.Pins) > 0:
		cfg.InsecureSkipVerify, cfg.VerifyConnection = true, pinned(o.Pins)
	case o.AnyKey:
		cfg.InsecureSkipVerify = true
	case cfg.ServerName == "":
		return nil, errors.New("TLS needs the server's name to verify")
	case o.OtherName != "":
		cfg.InsecureSkipVerify, cfg.VerifyConnection = true, named(cfg, certName(o.OtherName))
	}
	return cfg, nil
}

// certName gives a host as certificates name it.
func certName(host string) string {
	name := strings.TrimSuffix(host, ".")
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.WithZone("").String()
	}
	return name
}

// named verifies a chain as crypto/tls does, for the configuration's own name or another.
func named(cfg *tls.Config, other string) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		sent := state.PeerCertificates
		o := x509.VerifyOptions{Roots: cfg.RootCAs, Intermediates: x509.NewCertPool()}
		if cfg.Time != nil {
			o.CurrentTime = cfg.Time()
		}
		for _, cert := range sent[1:] {
			o.Intermediates.AddCert(cert)
		}
		if _, err := sent[0].Verify(o); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: sent, Err: err}
		}
		if sent[0].VerifyHostname(other) == nil {
			return nil
		}
		if err := sent[0].VerifyHostname(cfg.ServerName); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: sent, Err: err}
		}
		return nil
	}
}

// readCAFile loads a PEM file. A damaged certificate beside good ones is passed over, as system bundles need; a file
// without a good one is an error.
func readCAFile(path string) (*x509.CertPool, error) {
	data, err := readRegular(path)
	if err != nil {
		return nil, badCAFile(path, why(cause(err)), pathHint(err, "tls_ca_file"), err)
	}
	pool, good := x509.NewCertPool(), 0
	var damage error
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			damage = err
			continue
		}
		pool.AddCert(cert)
		good++
	}
	switch {
	case good > 0:
		return pool, nil
	case damage != nil:
		return nil, badCAFile(path, "the certificate in it is damaged: "+plain(damage.Error()), "", damage)
	}
	return nil, badCAFile(path, "no certificate in it", caFileHint(data), nil)
}

// readRegular reads a file of bounded size; a pipe or device could block for ever.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCAFile+1))
	if err == nil && len(data) > maxCAFile {
		err = fmt.Errorf("larger than %d MiB", maxCAFile>>20)
	}
	return data, err
}

// cause drops the path an *fs.PathError repeats.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// pathHint is what to do about a file that a key names and that cannot be read.
func pathHint(err error, key string) string {
	if errors.Is(err, fs.ErrPermission) {
		return "who runs haulmail may not read it: ls -ld it, and the folders above"
	}
	return "check the path in " + key
}

func badCAFile(path, reason, hint string, err error) *Error {
	return &Error{Kind: BadCAFile, Err: err, doing: "read CA file " + plain(path), reason: reason, hint: hint}
}

// caFileHint knows the two files people take for a PEM certificate.
func caFileHint(data []byte) string {
	if _, err := x509.ParseCertificate(data); err == nil {
		return "it is in DER form: openssl x509 -inform der -in FILE -out FILE.pem"
	}
	return `a certificate in PEM form starts with "-----BEGIN CERTIFICATE-----"`
}
