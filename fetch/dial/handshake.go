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
// Errors: *Error with Kind TimedOut, Lost, BadCertificate or HandshakeFailed. A cancelled ctx: an error that is
// context.Canceled.
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
		return nil, fmt.Errorf("TLS with %s: %w", plain(cfg.ServerName), ctx.Err())
	}
	e := handshakeError(err, cfg, time.Since(start))
	e.Host, e.Err = cfg.ServerName, err
	e.doing = "TLS with " + plain(cfg.ServerName)
	return nil, e
}

// handshakeError sorts a failed handshake. crypto/tls has no types for the alerts of a peer, so their texts decide; a text
// that changes costs the hint, not the verdict.
func handshakeError(err error, cfg *tls.Config, took time.Duration) *Error {
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return certificateError(bad, cfg)
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
	case strings.Contains(text, "protocol version"):
		return &Error{
			Kind: HandshakeFailed, reason: "the server speaks no TLS 1.2 or newer",
			hint: "older versions are not safe; ask the provider for another server",
		}
	case strings.Contains(text, "handshake failure"):
		return &Error{
			Kind: HandshakeFailed, reason: "the server refused the handshake (" + plain(tlsText(text)) + ")",
			hint: "it may offer only ciphers that are no longer safe, or know no host of this name",
		}
	}
	return &Error{Kind: HandshakeFailed, reason: plain(tlsText(text))}
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
	e.hint = `set tls = "starttls" (usual port 110), or tls = "none" if the connection may be read by others`
	if first := string(head.RecordHeader[:]); strings.HasPrefix(first, "+OK") || strings.HasPrefix(first, "-ERR") {
		e.reason += " (it greets in plain POP3)"
	} else {
		e.reason += " (it starts with " + strconv.Quote(first) + ")"
	}
	return e
}
