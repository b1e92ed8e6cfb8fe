package dial

import (
	"crypto/tls"
	"errors"
	"os"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// readClientCert loads our own certificate with its key. The key must be its owner's alone.
func readClientCert(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := readRegular(certFile)
	if err != nil {
		return tls.Certificate{}, badClientCert("read client certificate "+plain(certFile), err, pathHint(err, "tls_client_cert"))
	}
	if err := secretFile(keyFile); err != nil {
		return tls.Certificate{}, badClientCert("read client key "+plain(keyFile), err, "chmod 600 "+plain(shellescape.Quote(keyFile)))
	}
	key, err := readRegular(keyFile)
	if err != nil {
		return tls.Certificate{}, badClientCert("read client key "+plain(keyFile), err, pathHint(err, "tls_client_key"))
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, badClientCert("use client certificate "+plain(certFile), err, clientCertHint(err, string(key)))
	}
	return pair, nil
}

// errOthersRead is a key that is no secret.
var errOthersRead = errors.New("it can be read by others")

// secretFile refuses a file that others can read. One that cannot be looked at is left to whoever reads it.
func secretFile(path string) error {
	const othersRead = 0o044
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&othersRead != 0 {
		return errOthersRead
	}
	return nil
}

func badClientCert(doing string, err error, hint string) *Error {
	reason := why(cause(err))
	return &Error{Kind: BadClientCert, Err: err, doing: doing, reason: strings.TrimPrefix(reason, "tls: "), hint: hint}
}

// clientCertHint knows what goes wrong with certificates and keys. crypto/tls has no types for it.
func clientCertHint(err error, key string) string {
	switch {
	case strings.Contains(key, "ENCRYPTED"):
		return "nobody can type its passphrase: openssl pkey -in KEY -out PLAIN.key"
	case strings.Contains(err.Error(), "does not match"):
		return "tls_client_key is the key of another certificate"
	}
	return `PEM begins with "-----BEGIN CERTIFICATE-----" or "-----BEGIN … KEY-----"`
}
