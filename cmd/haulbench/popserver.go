package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// popServer is the private Dovecot that scripts/dovecot has started.
type popServer struct {
	host               string
	plainPort, tlsPort int
	ca                 string // PEM file
	password           string // of every user
	mailUser           string // whose files the mail is
	maildirs, mboxes   maildrops
	messagesEverPut    int
}

// maildrops are the users whose mail the server keeps in one way: NAME1, NAME2, …, each with a folder.
type maildrops struct {
	root, name   string
	there, given int
}

// next gives a user that nobody else has, with an empty maildrop.
func (m *maildrops) next() (user string, err error) {
	if m.given == m.there {
		return "", fmt.Errorf("the POP3 server has only %d users %s1, …", m.there, m.name)
	}
	m.given++
	return fmt.Sprint(m.name, m.given), nil
}

func openMaildrops(root, name string) (maildrops, error) {
	users, err := os.ReadDir(root)
	if err != nil {
		return maildrops{}, fmt.Errorf("find the POP3 server's users: %w", err)
	}
	return maildrops{root: root, name: name, there: len(users)}, nil
}

// lookTime bounds a look at a maildrop; the first one has the server read all of its mail.
const lookTime = 10 * time.Minute

// openServer reads what scripts/dovecot tells of its server in DIR/env.
func openServer(dir string) (*popServer, error) {
	text, err := os.ReadFile(filepath.Join(dir, "env"))
	if err != nil {
		return nil, fmt.Errorf("find the POP3 server: %w", err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[name] = value
	}
	password, err := os.ReadFile(env["PASSWORD_FILE"])
	if err != nil {
		return nil, fmt.Errorf("find the POP3 server's password: %w", err)
	}
	s := &popServer{host: env["HOST"], ca: env["CA"], password: string(password), mailUser: env["MAIL_USER"]}
	if s.maildirs, err = openMaildrops(env["MAIL_ROOT"], "user"); err != nil {
		return nil, err
	}
	if s.mboxes, err = openMaildrops(env["MBOX_ROOT"], "mbox"); err != nil {
		return nil, err
	}
	var badPlain, badTLS error
	s.plainPort, badPlain = strconv.Atoi(env["PORT_PLAIN"])
	s.tlsPort, badTLS = strconv.Atoi(env["PORT_TLS"])
	if err := errors.Join(badPlain, badTLS); err != nil {
		return nil, fmt.Errorf("find the POP3 server's ports: %w", err)
	}
	return s, nil
}

// put adds a mailbox's messages to a Maildir of the server, in their order, as links.
func (s *popServer) put(user string, m *mailbox) error {
	dir := filepath.Join(s.maildirs.root, user, "new")
	for _, name := range m.files {
		s.messagesEverPut++ // a name that was there before would puzzle the server
		// The seconds begin the name, and the server takes messages in their order.
		unique := fmt.Sprintf("%d.M%dP1.lab", 1_700_000_000+s.messagesEverPut, s.messagesEverPut)
		err := os.Link(filepath.Join(m.dir, name), filepath.Join(dir, unique))
		if err != nil {
			return fmt.Errorf("fill the maildrop: %w", err)
		}
	}
	return nil
}

// putMbox makes an mbox of the server from a mailbox's messages. No line of theirs begins with "From ", so none has to be
// quoted.
func (s *popServer) putMbox(user string, m *mailbox, owner *syscall.Credential) error {
	f, err := os.OpenFile(filepath.Join(s.mboxes.root, user, "inbox"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("fill the maildrop: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<16)
	for _, name := range m.files {
		text, broken := os.ReadFile(filepath.Join(m.dir, name))
		fmt.Fprintf(w, "From lab@example.org Sat Nov 14 08:00:00 2026\n%s\n", text)
		err = errors.Join(err, broken)
	}
	if owner != nil { // the server notes in it what it has seen
		err = errors.Join(err, f.Chown(int(owner.Uid), int(owner.Gid)))
	}
	if err = errors.Join(err, w.Flush(), f.Close()); err != nil {
		return fmt.Errorf("fill the maildrop: %w", err)
	}
	return nil
}

// look logs in and lists a maildrop, so that the server has its indexes and caches warm, and gives the number of
// messages.
func (s *popServer) look(user string) (messages int, err error) {
	conn, err := net.Dial("tcp", net.JoinHostPort(s.host, strconv.Itoa(s.plainPort)))
	if err != nil {
		return 0, fmt.Errorf("look at the maildrop of %s: %w", user, err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(lookTime))
	in := bufio.NewReaderSize(conn, 1<<16)
	for _, command := range []string{"", "USER " + user, "PASS " + s.password, "LIST", "UIDL", "QUIT"} {
		lines, err := ask(conn, in, command)
		if err != nil {
			return 0, fmt.Errorf("look at the maildrop of %s: %.4s: %w", user, command, err)
		}
		messages = max(messages, lines)
	}
	return messages, nil
}

// ask sends a command ("" for the greeting) and reads its answer; of a listing it gives the number of lines.
func ask(conn net.Conn, in *bufio.Reader, command string) (lines int, err error) {
	if command != "" {
		if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
			return 0, err
		}
	}
	answer, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if !strings.HasPrefix(answer, "+OK") {
		return 0, fmt.Errorf("the server says %q", answer)
	}
	if command != "LIST" && command != "UIDL" {
		return 0, nil
	}
	for ; ; lines++ {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return lines, err
		}
	}
}
