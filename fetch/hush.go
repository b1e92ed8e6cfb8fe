package fetch

import (
	"bytes"
	"encoding/base64"
	"fmt"
)

// hush takes the secret of an account's sessions out of UIDs that are shown, where a server has put it there. The UIDs that messages are
// known by stay what they are.
type hush struct{ secrets [][]byte }

// newHush hides texts, in clear and in base64.
func newHush(secrets []string) *hush {
	h := &hush{}
	for _, secret := range secrets {
		for _, form := range []string{base64.StdEncoding.EncodeToString([]byte(secret)), secret} {
			if len(form) >= leastHidden {
				h.secrets = append(h.secrets, []byte(form))
			}
		}
	}
	return h
}

// uid gives a UID as it may be shown.
func (h *hush) uid(uid []byte) []byte {
	if h == nil {
		return uid
	}
	for _, secret := range h.secrets {
		if bytes.Contains(uid, secret) {
			uid = bytes.ReplaceAll(uid, secret, []byte("[redacted]"))
		}
	}
	return uid
}

// hide has what is told from now on hold no secret of the account's.
func (h *haul) hide(secrets []string) { h.hidden.Store(newHush(secrets)) }

// tell tells of an event, with UIDs as they may be shown.
func (h *haul) tell(ev Event) {
	hidden := h.hidden.Load()
	switch e := ev.(type) {
	case Chosen:
		e.UID = hidden.uid(e.UID)
		ev = e
	case Delivered:
		e.UID = hidden.uid(e.UID)
		ev = e
	case Skipped:
		e.UID = hidden.uid(e.UID)
		ev = e
	case Removed:
		e.UID = hidden.uid(e.UID)
		ev = e
	}
	h.engine.tell(ev)
}

// warn tells of something odd that did not stop the run. Arguments that are octets are UIDs.
func (h *haul) warn(format string, args ...any) {
	for i, arg := range args {
		if uid, ok := arg.([]byte); ok {
			args[i] = h.hidden.Load().uid(uid)
		}
	}
	h.tell(Warning{Account: h.a.Name, Text: fmt.Sprintf(format, args...)})
}
