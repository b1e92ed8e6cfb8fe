package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"haulmail/config"
	"haulmail/fetch/dial"
)

// noteServerKey is the state's note of the key of a server that is trusted since its first use: its SHA-256.
const noteServerKey = "server-key"

// trust says whom the account believes that it is the server.
func (h *haul) trust() (dial.TLSOptions, error) {
	o := dial.TLSOptions{
		CAFile: h.a.TLSCAFile, ClientCert: h.a.TLSClientCert, ClientKey: h.a.TLSClientKey, Now: h.Now,
	}
	if h.a.TLSMinVersion == config.TLS13 {
		o.MinVersion = tls.VersionTLS13
	}
	for _, pin := range h.a.TLSPins {
		o.Pins = append(o.Pins, dial.Pin(pin))
	}
	if !h.a.TLSFirstUse {
		return o, nil
	}
	known, err := h.knownKey()
	if err != nil || known == nil || h.AcceptKey {
		o.AnyKey = true
		return o, err
	}
	o.Pins = []dial.Pin{*known}
	return o, nil
}

// knownKey is the pin of the server's key that was remembered; nil for none.
func (h *haul) knownKey() (*dial.Pin, error) {
	note, err := h.store.Note(noteServerKey)
	if err != nil || note == nil {
		return nil, onDisk("read the state", err)
	}
	pin := &dial.Pin{Key: true}
	copy(pin.Sum[:], note) // a note of any other length fits no key
	return pin, nil
}

// rememberKey notes the key of a server that is trusted on first use, and tells of it once. A dry run learns nothing,
// and whoever makes one hears that any key would have done.
func (h *haul) rememberKey(own *x509.Certificate) error {
	if !h.a.TLSFirstUse {
		return nil
	}
	known, err := h.knownKey()
	if err != nil {
		return err
	}
	pin := dial.KeyPin(own)
	switch {
	case h.DryRun && known == nil:
		h.warn("the server's key is not known yet, and this run remembers none: %s", pin)
		return nil
	case h.DryRun:
		return nil
	case known == nil:
		h.warn("the server's key is trusted from now on: %s", pin)
	case *known == pin:
		return nil
	default:
		h.warn("the server's key is accepted: %s in place of %s", pin, known)
	}
	return onDisk("note the server's key", h.store.SetNote(noteServerKey, pin.Sum[:]))
}

// distrust adds to the error of a handshake what the account can do about it.
func (s *session) distrust(err error) error {
	e, ok := errors.AsType[*dial.Error](err)
	if !ok {
		return err
	}
	_, otherHost := errors.AsType[x509.HostnameError](err)
	_, stranger := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case e.Kind == dial.WrongKey && s.h.a.TLSFirstUse:
		e.Advise("if its owner confirms the new key: " + s.h.typed("fetch --accept-key"))
	case e.Kind == dial.BadCertificate && otherHost && s.aim.foreign != "":
		e.Advise(fmt.Sprintf("if that is your provider (DNS can be forged): tls_server_name = %q", s.aim.foreign))
	case e.Kind == dial.BadCertificate && stranger && e.Hint() == "":
		e.Advise(fmt.Sprintf("if you trust it, %s: %s shows it", s.h.pinning(), s.h.typed("check --connect")))
	}
	return err
}

// pinning says how to trust a server without an authority.
func (h *haul) pinning() string {
	if h.OneOff != nil {
		return "give its pin by --tls-fingerprint"
	}
	return "name its certificate's file in tls_ca_file, or paste the pin"
}

// chainOf gives the certificates of a server that was not trusted.
func chainOf(err error) []*x509.Certificate {
	if e, ok := errors.AsType[*dial.Error](err); ok {
		return e.Chain
	}
	return nil
}

// classifyDial classifies what connecting says.
func classifyDial(e *dial.Error) Class {
	switch e.Kind {
	case dial.UnknownHost:
		return UnknownHost
	case dial.BadCertificate, dial.WrongKey, dial.HandshakeFailed, dial.NoService, dial.ProxyRefused:
		return Unavailable
	case dial.BadCAFile, dial.BadClientCert, dial.BadCommand:
		return Config
	}
	return Temporary
}
