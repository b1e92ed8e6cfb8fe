package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"haulmail/fetch/pop3/pop3test"
)

const password = "growth"

// body is every message: small, so that what is measured is the cost of a message and not that of its octets.
var body = []byte("From: lab@example.org\r\nTo: you@example.org\r\nSubject: growth\r\n\r\n" + strings.Repeat("A line of a small message.\r\n", 5))

// serveCommand is the server, in a process of its own so that its memory and its time count for nobody else.
func serveCommand() *cli.Command {
	return &cli.Command{
		Name: "serve", Hidden: true, HideHelp: true,
		Flags: []cli.Flag{&cli.IntFlag{Name: "accounts"}, &cli.IntFlag{Name: "messages"}},
		Action: func(c *cli.Context) error {
			return serve(c.Int("accounts"), c.Int("messages"), os.Stdin, os.Stdout)
		},
	}
}

// serve serves mailboxes of so many messages until its standard input ends.
func serve(accounts, messages int, in io.Reader, out io.Writer) error {
	server := &pop3test.Server{Users: map[string]pop3test.User{}}
	for account := range accounts {
		box := pop3test.NewMailbox()
		for i := range messages {
			box.Add(pop3test.Message{UID: fmt.Sprintf("%08x%08x", i+1, 0x5f3c2a11), Data: body})
		}
		server.Users[userName(account)] = pop3test.User{Password: password, Mailbox: box}
	}
	addr, err := server.Start()
	if err != nil {
		return err
	}
	defer server.Close()
	if _, err := fmt.Fprintln(out, addr); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

func userName(account int) string { return "user" + strconv.Itoa(account+1) }

// startServer runs serve in a process of its own; stop ends it.
func startServer(ctx context.Context, accounts, messages int) (addr string, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, self, "serve", "--accounts", strconv.Itoa(accounts), "--messages", strconv.Itoa(messages))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() error { return errors.Join(stdin.Close(), cmd.Wait()) }
	if _, err := fmt.Fscanln(stdout, &addr); err != nil {
		return "", nil, errors.Join(fmt.Errorf("the server did not start: %w", err), stop())
	}
	return addr, stop, nil
}
