package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// server is a private Dovecot, started by scripts/dovecot.
type server struct {
	dir      string
	plain    string // HOST:PORT, with STLS
	tls      string // HOST:PORT, TLS from the first byte
	ca       string // PEM file
	password string // the file that holds every user's password
	given    int    // mailboxes that are in use
}

// newDovecot starts a Dovecot with so many mailboxes, which ends with the test. More are further flags of the script.
func newDovecot(t *testing.T, users int, more ...string) *server {
	t.Helper()
	return newDovecotWith(t, users, nil, more...)
}

// newDovecotWith prepares the Dovecot's folder before it starts.
func newDovecotWith(t *testing.T, users int, prepare func(dir string), more ...string) *server {
	t.Helper()
	need(t, "dovecot", "dovecot-core dovecot-pop3d")
	need(t, "openssl", "openssl")
	// Not t.TempDir: Dovecot's mail user has to reach it.
	dir, err := os.MkdirTemp("", "haulmail-dovecot-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &server{dir: filepath.Join(dir, "pop")}
	if prepare != nil {
		prepare(s.dir)
	}
	dovecotScript(t, append([]string{"start", s.dir, "--users", strconv.Itoa(users), "--minutes", "15"}, more...)...)
	t.Cleanup(func() { dovecotScript(t, "stop", s.dir) })
	text, err := os.ReadFile(filepath.Join(s.dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[name] = value
	}
	s.plain = net.JoinHostPort(env["HOST"], env["PORT_PLAIN"])
	s.tls = net.JoinHostPort(env["HOST"], env["PORT_TLS"])
	s.ca, s.password = env["CA"], env["PASSWORD_FILE"]
	return s
}

func dovecotScript(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command(filepath.Join("..", "..", "scripts", "dovecot"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("scripts/dovecot %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// mailbox is one user's mail at the Dovecot.
type mailbox struct {
	at   *server
	user string
	dir  string // Dovecot's own Maildir of the user
	put  int
}

// mailbox gives the next mailbox, empty and used by nobody else.
func (s *server) mailbox() *mailbox {
	s.given++
	user := "user" + strconv.Itoa(s.given)
	return &mailbox{at: s, user: user, dir: filepath.Join(s.dir, "mail", user)}
}

// add puts mail into the mailbox, in this order, as a local delivery would.
func (m *mailbox) add(t *testing.T, mail ...[]byte) {
	t.Helper()
	for _, data := range mail {
		m.put++
		name := fmt.Sprintf("%d.M%dP1.lab", 1700000000+m.put, m.put)
		tmp := filepath.Join(m.dir, "tmp", name)
		if err := os.WriteFile(tmp, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(m.dir, "new", name)); err != nil {
			t.Fatal(err)
		}
	}
}

// account is the config of this mailbox in one of the three TLS modes.
func (m *mailbox) account(name, mode, deletion string) string {
	lines := []string{
		"[account." + name + "]",
		fmt.Sprintf("username = %q", m.user),
		fmt.Sprintf("password_file = %q", m.at.password),
		fmt.Sprintf("maildir = %q", "Mail/"+name),
		fmt.Sprintf("delete = %q", deletion),
		fmt.Sprintf("tls = %q", mode),
	}
	switch mode {
	case "implicit":
		lines = append(lines, fmt.Sprintf("server = %q", m.at.tls), fmt.Sprintf("tls_ca_file = %q", m.at.ca))
	case "starttls":
		lines = append(lines, fmt.Sprintf("server = %q", m.at.plain), fmt.Sprintf("tls_ca_file = %q", m.at.ca))
	default:
		lines = append(lines, fmt.Sprintf("server = %q", m.at.plain))
	}
	return strings.Join(lines, "\n") + "\n"
}

// served is what the server has for the user, by the reference client: contents in the order of the listing.
func (m *mailbox) served(t *testing.T) [][]byte {
	t.Helper()
	password, err := os.ReadFile(m.at.password)
	if err != nil {
		t.Fatal(err)
	}
	mail, err := referenceFetch(m.at.plain, m.user, string(password))
	if err != nil {
		t.Fatalf("reference client: %v", err)
	}
	return mail
}

// referenceFetch is the plainest POP3 client there is: one command at a time, each message read whole. It shares no
// code with haulmail, so that the two can be wrong in the same way only by having misread the RFC alike.
func referenceFetch(addr, user, password string) (mail [][]byte, err error) {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(conn, 1<<16)
	say := func(command string) (string, error) {
		if command != "" {
			fmt.Fprintf(conn, "%s\r\n", command)
		}
		line, err := r.ReadString('\n')
		if err == nil && !strings.HasPrefix(line, "+OK") {
			err = fmt.Errorf("%.4s: %q", command, line)
		}
		return line, err
	}
	for _, command := range []string{"", "USER " + user, "PASS " + password} {
		if _, err := say(command); err != nil {
			return nil, err
		}
	}
	stat, err := say("STAT")
	if err != nil {
		return nil, err
	}
	count, err := strconv.Atoi(strings.Fields(stat)[1])
	if err != nil {
		return nil, err
	}
	for n := 1; n <= count; n++ {
		if _, err := say(fmt.Sprintf("RETR %d", n)); err != nil {
			return nil, fmt.Errorf("message %d: %w", n, err)
		}
		data, err := referenceBody(r)
		if err != nil {
			return nil, err
		}
		mail = append(mail, data)
	}
	_, err = say("QUIT")
	return mail, err
}

// referenceBody reads to CRLF.CRLF, takes the stuffing out and turns CRLF to LF (RFC 1939 §3).
func referenceBody(r *bufio.Reader) ([]byte, error) {
	raw := []byte("\r\n")
	for !bytes.HasSuffix(raw, []byte("\r\n.\r\n")) {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		raw = append(raw, line...)
	}
	raw = bytes.TrimSuffix(raw, []byte(".\r\n"))
	raw = bytes.ReplaceAll(raw, []byte("\r\n."), []byte("\r\n"))
	raw = bytes.TrimPrefix(raw, []byte("\r\n"))
	return bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), nil
}

// asServed is what becomes of a file on its way through Dovecot 2.3 and a right client: each line end is CRLF on the
// wire, whatever it was in the file, and LF in the Maildir; a last line without an end gets one, and so does a message
// of zero bytes. A bare CR, NUL and 8-bit bytes stay as they are.
func asServed(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	if !bytes.HasSuffix(data, []byte("\n")) {
		data = append(data, '\n')
	}
	return data
}

func allAsServed(mail [][]byte) [][]byte {
	var out [][]byte
	for _, data := range mail {
		out = append(out, asServed(data))
	}
	return out
}

// The reference client and Dovecot's ways are pinned here: the other tests rest on them.
func TestDovecotServesAsWeThink(t *testing.T) {
	pop := newDovecot(t, 1)
	box := pop.mailbox()
	mail := awkwardMail()
	box.add(t, mail...)
	sameMail(t, "put in", allAsServed(mail), "read by the reference client", box.served(t))
	log, err := os.ReadFile(filepath.Join(pop.dir, "log"))
	if err != nil || bytes.Contains(log, []byte("Error")) {
		t.Errorf("Dovecot's log (%v): %s", err, clip(string(log)))
	}
}
