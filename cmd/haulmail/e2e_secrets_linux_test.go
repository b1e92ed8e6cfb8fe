package main

import (
	"fmt"
	"strings"
	"testing"
)

// secretConfig is an account at one of sample's servers; the further lines say where its password comes from.
func secretConfig(addr string, lines ...string) string {
	return fmt.Sprintf("[account.work]\nserver = %q\ntls = \"none\"\nusername = \"me\"\nmaildir = \"Mail/work\"\n%s\n", addr, strings.Join(lines, "\n"))
}

// A password program may ask the person at the terminal, as a PIN entry does.
func TestPasswordCommandAsks(t *testing.T) {
	h := newHome(t, secretConfig(sample(t), `password_command = "printf 'PIN: ' >/dev/tty; read -r pin </dev/tty; echo $pin"`))
	h.binary = haulmailBinaryTB
	typed := false
	r, shown := h.talk(t, func(shown string) string {
		if !typed && strings.Contains(shown, "PIN: ") {
			typed = true
			return "secret\n"
		}
		return ""
	}, "fetch", "work")
	if r.exits(t, 0); !typed {
		t.Errorf("nothing was asked: %q", shown)
	}
}
