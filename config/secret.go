package config

import (
	"fmt"
	"log/slog"
)

// Secret is a text that must not be shown. Every way of printing it that does
// not say Reveal gives "[secret]". The text hangs on a pointer so that even a
// Secret in someone's unexported field, where fmt cannot call methods, shows
// no more than an address.
//
// The zero value is no secret at all. Two Secrets are not comparable with ==
// in a useful way; compare what Reveal gives.
type Secret struct{ text *string }

// NewSecret hides text; an empty text gives the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal gives the text itself, "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == nil }

// Format writes "[secret]" for every verb, nothing for the zero Secret.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.hidden()) }

// MarshalText gives what Format writes: JSON and the like hide the text, too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.hidden()), nil }

// LogValue gives what Format writes.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.hidden()) }

func (s Secret) hidden() string {
	if s.IsZero() {
		return ""
	}
	return "[secret]"
}
