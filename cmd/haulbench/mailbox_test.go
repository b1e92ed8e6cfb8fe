package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"testing"
)

// The mail of a mailbox, one message after another.
func content(t *testing.T, m *mailbox) []byte {
	t.Helper()
	var all bytes.Buffer
	for _, name := range m.files {
		text, err := os.ReadFile(filepath.Join(m.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.Bytes()
}

func newMailbox(t *testing.T, kind mailKind, messages, number int) *mailbox {
	t.Helper()
	m, err := makeMailbox(filepath.Join(t.TempDir(), "mailbox"), kind, messages, number)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The mail is the same on every machine and in every version: a change of it changes what all measurements mean.
func TestMailIsTheSameEveryTime(t *testing.T) {
	const want = "554aa53a4b599cd6"
	sum := sha256.Sum256(content(t, newMailbox(t, mixed, 30, 2)))
	if got := hex.EncodeToString(sum[:8]); got != want {
		t.Errorf("the mail is %s, want %s", got, want)
	}
	if bytes.Equal(content(t, newMailbox(t, small, 3, 1)), content(t, newMailbox(t, small, 3, 2))) {
		t.Error("two mailboxes hold the same mail")
	}
}

func TestMailIsOfItsKind(t *testing.T) {
	for _, kind := range []mailKind{tiny, small, mixed, large} {
		m := newMailbox(t, kind, 40, 0)
		var octets int64
		for n, name := range m.files {
			text, err := os.ReadFile(filepath.Join(m.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			octets += int64(len(text))
			low, high := kind.min, kind.max
			if kind.largeEach > 0 && (n+1)%kind.largeEach == 0 {
				low, high = kind.largeMin, kind.largeMax
			}
			if len(text) < low || len(text) > high {
				t.Errorf("%s: message %d has %d octets, want %d to %d", kind.name, n+1, len(text), low, high)
			}
			if m.holds[sha256.Sum256(text)] != 1 {
				t.Errorf("%s: message %d is not counted once", kind.name, n+1)
			}
			letter, err := mail.ReadMessage(bytes.NewReader(text))
			if err != nil || letter.Header.Get("From") == "" || letter.Header.Get("Message-ID") == "" {
				t.Errorf("%s: message %d: header %v, %v", kind.name, n+1, letter, err)
			}
			body, _ := io.ReadAll(letter.Body)
			if kind.min > tiny.max && !bytes.Contains(body, []byte("\n.")) {
				t.Errorf("%s: message %d has no line that begins with a dot", kind.name, n+1)
			}
			if bytes.ContainsAny(text, "\r\x00") || text[len(text)-1] != '\n' {
				t.Errorf("%s: message %d would be changed on its way", kind.name, n+1)
			}
		}
		if m.octets != octets || len(m.files) != 40 {
			t.Errorf("%s: told %d octets in %d files, want %d in 40", kind.name, m.octets, len(m.files), octets)
		}
	}
}
