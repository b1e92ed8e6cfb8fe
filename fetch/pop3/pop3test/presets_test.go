package pop3test

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// ordinary plays two sessions, with and without pipelining, and gives what the server said and what it then holds.
func ordinary(t *testing.T, faults []Fault) string {
	var said strings.Builder
	synctest.Test(t, func(t *testing.T) {
		s, box := twoMails(t)
		s.Faults = faults
		for session := range 2 {
			begin := time.Now()
			conn := s.Pipe()
			spoken := make(chan struct{})
			go func() {
				defer close(spoken)
				commands := []string{"CAPA", "USER joe", "PASS a b", "STAT", "UIDL", "LIST", "RETR 1", "RETR 1", "RETR 2", "DELE 1", "QUIT"}
				say(conn, commands, session == 1)
			}()
			conn.SetReadDeadline(time.Now().Add(time.Hour))
			_, err := io.Copy(&said, io.LimitReader(conn, 64<<10))
			fmt.Fprintln(&said, err, time.Since(begin), box.UIDs())
			conn.Close()
			<-spoken
		}
		s.Close()
	})
	return said.String()
}

func say(conn net.Conn, commands []string, together bool) {
	if together {
		conn.Write([]byte(strings.Join(commands, "\r\n") + "\r\n"))
		return
	}
	for _, c := range commands {
		time.Sleep(time.Millisecond)
		if _, err := conn.Write([]byte(c + "\r\n")); err != nil {
			return
		}
	}
}

// Each preset makes a session go otherwise than a good server's, and no two are alike in name.
func TestPresets(t *testing.T) {
	good := ordinary(t, nil)
	if good != ordinary(t, nil) {
		t.Fatal("a good server does not say the same twice")
	}
	seen := map[string]bool{}
	for _, p := range slices.Concat(Cuts(), Stalls(), Refusals("a b"), Floods(), Lies()) {
		if seen[p.Name] {
			t.Errorf("the name %q comes twice", p.Name)
		}
		seen[p.Name] = true
		if ordinary(t, p.Faults) == good {
			t.Errorf("%s: nothing happened", p.Name)
		}
	}
}
