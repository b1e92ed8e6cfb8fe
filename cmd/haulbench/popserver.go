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
	"time"
)

// popServer is the private Dovecot that scripts/dovecot has started.
type popServer struct {
	host               string
	plainPort, tlsPort int
	ca                 string // PEM file
	password           string // of every user
	mailRoot           string
	mailUser           string // whose files the mail is
	users, usersGiven  int
	messagesEverPut    int
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
	users, err := os.ReadDir(env["MAIL_ROOT"])
	if err != nil {
		return nil, fmt.Errorf("find the POP3 server's users: %w", err)
	}
	s := &popServer{
		host: env["HOST"], ca: env["CA"], password: string(password), mailRoot: env["MAIL_ROOT"], mailUser: env["MAIL_USER"],
		users: len(users),
	}
	var badPlain, badTLS error
	s.plainPort, badPlain = strconv.Atoi(env["PORT_PLAIN"])
	s.tlsPort, badTLS = strconv.Atoi(env["PORT_TLS"])
	if err := errors.Join(badPlain, badTLS); err != nil {
		return nil, fmt.Errorf("find the POP3 server's ports: %w", err)
	}
	return s, nil
}

// newUser gives a user that nobody else has, with an empty maildrop.
func (s *popServer) newUser() (string, error) {
	if s.usersGiven == s.users {
		return "", fmt.Errorf("the POP3 server has only %d users", s.users)
	}
	s.usersGiven++
	return fmt.Sprintf("user%d", s.usersGiven), nil
}

// put adds a mailbox's messages to a user's maildrop, in their order, as links.
func (s *popServer) put(user string, m *mailbox) error {
	dir := filepath.Join(s.mailRoot, user, "new")
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
