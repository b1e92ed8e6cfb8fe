package dial

import "crypto/tls"

// readClientCert loads our own certificate with its key.
func readClientCert(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := readRegular(certFile)
	if err != nil {
		return tls.Certificate{}, badClientCert("read client certificate "+plain(certFile), err, "check the path in tls_client_cert")
	}
	key, err := readRegular(keyFile)
	if err != nil {
		return tls.Certificate{}, badClientCert("read client key "+plain(keyFile), err, "check the path in tls_client_key")
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, badClientCert("use client certificate "+plain(certFile), err, "")
	}
	return pair, nil
}

func badClientCert(doing string, err error, hint string) *Error {
	return &Error{Kind: BadClientCert, Err: err, doing: doing, reason: why(cause(err)), hint: hint}
}
