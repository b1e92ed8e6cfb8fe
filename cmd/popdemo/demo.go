package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// maxMessages bounds the sample mail, which is made in memory: about 4 KB a message.
const maxMessages = 100_000

// demo is what the command line asks for.
type demo struct {
	listen       string
	messages     int
	user         string
	passwordFile string
	tls          string
	caOut        string
	portFile     string
	delay        time.Duration // before each message
	lasting      time.Duration
}

// check refuses what cannot be meant.
func (d *demo) check() error {
	_, err := d.address()
	switch {
	case err != nil:
		return err
	case d.tls != "none" && d.tls != "implicit" && d.tls != "starttls":
		return fmt.Errorf("--tls %q: want none, implicit or starttls", d.tls)
	case d.tls == "none" && d.caOut != "":
		return errors.New("--ca-out needs --tls implicit or starttls")
	case d.tls != "none" && d.caOut == "":
		return errors.New("--tls needs --ca-out FILE, for nobody can trust the server without it")
	case d.messages < 0 || d.messages > maxMessages:
		return fmt.Errorf("--messages %d: want 0 to %d", d.messages, maxMessages)
	case d.user == "":
		return errors.New("--user is empty")
	case d.delay < 0:
		return errors.New("--delay is negative")
	case d.lasting <= 0:
		return errors.New("--for must be longer than nothing")
	}
	return nil
}

// address refuses one that others can reach: the password of a demonstration is no secret.
func (d *demo) address() (netip.AddrPort, error) {
	addr, err := netip.ParseAddrPort(d.listen)
	if err != nil {
		return addr, fmt.Errorf("--listen %q: want an IP address and a port, such as 127.0.0.1:1110", d.listen)
	}
	if !addr.Addr().Unmap().IsLoopback() {
		return addr, fmt.Errorf("--listen %s: only loopback addresses, such as 127.0.0.1", d.listen)
	}
	return addr, nil
}

func (d *demo) password(getenv func(string) string) (string, error) {
	if d.passwordFile == "" {
		return cmp.Or(getenv("POPDEMO_PASSWORD"), "demo"), nil
	}
	data, err := os.ReadFile(d.passwordFile)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", fmt.Errorf("read the password: the first line of %s is empty", d.passwordFile)
	}
	return line, nil
}

// run serves until ctx or the time ends.
func (d *demo) run(ctx context.Context, getenv func(string) string, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, d.lasting)
	defer cancel()
	addr, err := d.address()
	if err != nil {
		return err
	}
	password, err := d.password(getenv)
	if err != nil {
		return err
	}
	server, err := d.server(password)
	if err != nil {
		return err
	}
	defer server.Close()
	listener, err := net.Listen("tcp", addr.String())
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := d.announce(listener.Addr().(*net.TCPAddr), stdout); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-served:
		return fmt.Errorf("accept connections: %w", err)
	}
}

// announce tells where the server listens.
func (d *demo) announce(addr *net.TCPAddr, stdout io.Writer) error {
	if d.portFile != "" {
		if err := writeFile(d.portFile, []byte(strconv.Itoa(addr.Port)+"\n")); err != nil {
			return fmt.Errorf("write the port file: %w", err)
		}
	}
	if _, err := fmt.Fprintln(stdout, "listening on", addr); err != nil {
		return fmt.Errorf("announce the address: %w", err)
	}
	return nil
}

func (d *demo) server(password string) (*pop3test.Server, error) {
	mailbox := pop3test.NewMailbox(pop3test.SampleMail(d.messages)...)
	server := &pop3test.Server{
		Users: map[string]pop3test.User{d.user: {Password: password, Mailbox: mailbox}},
		STLS:  d.tls == "starttls",
	}
	if d.delay > 0 {
		server.Faults = []pop3test.Fault{{On: "RETR", Do: pop3test.Stall, For: d.delay}}
	}
	if d.tls == "none" {
		return server, nil
	}
	ca, err := pop3test.NewCA(time.Now())
	if err != nil {
		return nil, err
	}
	if server.TLS, err = ca.TLS(pop3test.Cert{}); err != nil {
		return nil, err
	}
	if err := writeFile(d.caOut, ca.PEM()); err != nil {
		return nil, fmt.Errorf("write the certificate authority: %w", err)
	}
	return server, nil
}

// writeFile puts a whole file in place at once, so that a script that waits for it never reads a part.
func writeFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
