package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A disk that fills up on the way: exit 74, nothing of half a message is delivered, nothing undelivered is deleted on the
// server; once there is room, the next run brings the rest.
func TestDiskFull(t *testing.T) {
	need(t, "unshare", "util-linux")
	if os.Geteuid() != 0 {
		lacking(t, "a small file system of one's own needs root")
	}
	box := newDovecot(t, 1).mailbox()
	var mail [][]byte
	for n := range 40 {
		mail = append(mail, fmt.Appendf(nil, "Subject: %d\n\n%s\n", n, strings.Repeat("x", 100<<10)))
	}
	box.add(t, mail...)
	h := newHome(t, box.account("lab", "none", "fetched"))
	if err := os.MkdirAll(filepath.Join(h.dir, "Mail"), 0o700); err != nil {
		t.Fatal(err)
	}

	// The small disk lives in a mount namespace and goes with it; what it held in the end is copied out.
	script := `mount -t tmpfs -o size=2m tmpfs Mail
		for try in 1 2; do
			"$@"; echo "exit $?"
			cp -r Mail "after-$try"
			mount -o remount,size=64m Mail
		done`
	wrapper := []string{"unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"}
	r := runToEnd(t, h.wrapped(t, wrapper), nil)

	if r.stdout != "exit 74\nexit 0\n" {
		t.Fatalf("want exit 74 on the full disk, then 0\n%v", r)
	}
	if !strings.Contains(r.stderr, "no space left") {
		t.Errorf("the reason is not told\n%v", r)
	}
	whole := counted(mail)
	for s, n := range counted(delivered(t, filepath.Join(h.dir, "after-1", "lab"))) {
		if n > whole[s] {
			t.Error("a message that is not whole, or there twice, was delivered on the full disk")
		}
	}
	sameMail(t, "put in", mail, "delivered in the end", delivered(t, filepath.Join(h.dir, "after-2", "lab")))
	sameMail(t, "to be kept", nil, "on the server afterwards", box.served(t))
}
