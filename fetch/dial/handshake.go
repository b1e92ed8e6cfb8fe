package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Handshake makes conn a TLS connection by a configuration of TLSConfig, and ends with ctx (after 60 s where ctx has no
// deadline), however slowly the server drips. It reads conn directly: crypto/tls fills its own buffer by reads of about
// 32 KiB, and a wider buffer below it halves the system calls but costs a copy of everything, measured as no gain.
//
// On failure the caller still closes conn; where ctx ended, conn is closed already, since nothing else stops a handshake.
// Errors: *Error with Kind TimedOut, Lost, BadCertificate, WrongKey or HandshakeFailed; the *Error of what conn itself is,
// such as a proxy command that has ended. A cancelled ctx: an error that is context.Canceled.
func Handshake(ctx context.Context, conn net.Conn, cfg *tls.Config) (*tls.Conn, error) {
	limited := ctx
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
	}
	start := time.Now()
	client := tls.Client(conn, cfg)
	err := client.HandshakeContext(limited)
	if err == nil {
		return client, nil
	}
	if ctx.Err() != nil && !isTimeout(ctx.Err()) {
		return nil, fmt.Errorf("TLS with %s: %w", peer(cfg), ctx.Err())
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return nil, e
	}
	e := handshakeError(err, cfg, time.Since(start))
	e.Host, e.Err = cfg.ServerName, err
	e.doing = "TLS with " + peer(cfg)
	return nil, e
}

// peer names the other side for an error line.
func peer(cfg *tls.Config) string {
	if cfg.ServerName == "" {
		return "the server"
	}
	return plain(cfg.ServerName)
}

// handshakeError sorts a failed handshake. crypto/tls has no types for the alerts of a peer, so their texts decide; a text
// that changes costs the hint, not the verdict.
func handshakeError(err error, cfg *tls.Config, took time.Duration) *Error {
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		e := certificateError(bad, cfg)
		e.Chain = bad.UnverifiedCertificates
		return e
	}
	if wrong, ok := errors.AsType[*pinError](err); ok {
		return wrong.explain()
	}
	if head, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return notTLS(head)
	}
	text := err.Error()
	switch {
	case isTimeout(err):
		return &Error{Kind: TimedOut, reason: within(took), hint: "try again later, or check the port and tls"}
	case lost(err):
		return &Error{Kind: Lost, reason: "the server ended the connection during the handshake"}
	case RefusesOurCertificate(err):
		return &Error{Kind: HandshakeFailed, reason: plain(tlsText(text)), hint: ClientCertHint(len(cfg.Certificates) > 0)}
	case strings.Contains(text, "protocol version"):
		return tooOld(cfg)
	case strings.Contains(text, "handshake failure"):
		return &Error{
			Kind: HandshakeFailed, reason: "the server refused the handshake (" + plain(tlsText(text)) + ")",
			hint: "are its ciphers unsafe? or it wants another name, or a tls_client_cert",
		}
	}
	return &Error{Kind: HandshakeFailed, reason: plain(tlsText(text))}
}

// tooOld is a server that knows only versions of TLS which are not spoken.
func tooOld(cfg *tls.Config) *Error {
	e := &Error{Kind: HandshakeFailed, reason: "the server speaks no TLS 1.2 or newer"}
	e.hint = "older versions are not safe; ask the provider for another server"
	if cfg.MinVersion > tls.VersionTLS12 {
		e.reason = "the server does not speak " + tls.VersionName(cfg.MinVersion)
		e.hint = `tls_min_version = "1.2" would do with less, if the server has that`
	}
	return e
}

// RefusesOurCertificate tells whether an error is the alert of a server that wants a certificate of ours, or another one
// (RFC 8446 §6.2). With TLS 1.3 it comes after the handshake, at the first read.
func RefusesOurCertificate(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" {
		return false
	}
	for _, alert := range []string{
		"certificate required", "bad certificate", "unknown certificate", "certificate authority", "expired certificate",
		"revoked certificate", "access denied",
	} {
		if strings.Contains(op.Err.Error(), alert) {
			return true
		}
	}
	return false
}

// ClientCertHint says what to do about a server that refuses the certificate we have shown, or wants one.
func ClientCertHint(shown bool) string {
	if !shown {
		return "it wants a certificate of yours: set tls_client_cert and tls_client_key"
	}
	return "it does not take tls_client_cert: has it expired, or is it for another?"
}

// tlsText drops the prefixes of crypto/tls, which the line says already.
func tlsText(text string) string {
	text = strings.TrimPrefix(text, "remote error: ")
	return strings.TrimPrefix(text, "tls: ")
}

// lost covers the ways in which a peer goes away.
func lost(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// notTLS is the answer of a port that speaks something else; a POP3 greeting is named as such.
func notTLS(head tls.RecordHeaderError) *Error {
	e := &Error{Kind: HandshakeFailed, reason: "the server does not speak TLS on this port"}
	e.hint = `set tls = "starttls" (port 110); or "none", if others may read along`
	if first := string(head.RecordHeader[:]); strings.HasPrefix(first, "+OK") || strings.HasPrefix(first, "-ERR") {
		e.reason += " (it greets in plain POP3)"
	} else {
		e.reason += " (it starts with " + strconv.Quote(first) + ")"
	}
	return e
}
