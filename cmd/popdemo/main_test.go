package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// start runs the command with a port file and gives its address; at the end of the test it must leave without error.
func start(t *testing.T, getenv func(string) string, args ...string) (addr string) {
	t.Helper()
	portFile := filepath.Join(t.TempDir(), "port")
	ctx, cancel := context.WithCancel(context.Background())
	var stdout bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- command(ctx, append([]string{"popdemo", "--port-file", portFile}, args...), getenv, &stdout)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("popdemo ended with %v", err)
		}
		if want := "listening on " + addr + "\n"; stdout.String() != want {
			t.Errorf("it printed %q, want %q", &stdout, want)
		}
	})
	for range 2000 {
		if port, err := os.ReadFile(portFile); err == nil {
			return "127.0.0.1:" + strings.TrimSuffix(string(port), "\n")
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no port file within 20 seconds")
	return ""
}

func noEnv(string) string { return "" }

// stat logs in and gives the answer to STAT.
func stat(t *testing.T, conn net.Conn, user, password string) string {
	t.Helper()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, "USER %s\r\nPASS %s\r\nSTAT\r\nQUIT\r\n", user, password)
	in := bufio.NewScanner(conn)
	var answers []string
	for in.Scan() {
		answers = append(answers, in.Text())
	}
	if len(answers) != 5 {
		t.Fatalf("the server said %q, %v", answers, in.Err())
	}
	return answers[3]
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestDemo(t *testing.T) {
	passwordFile := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(passwordFile, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fromEnv := func(name string) string { return map[string]string{"POPDEMO_PASSWORD": "from env"}[name] }
	for _, test := range []struct {
		name           string
		getenv         func(string) string
		args           []string
		user, password string
		want           string
	}{
		{"defaults", noEnv, nil, "demo", "demo", "+OK 240 "},
		{"wrong password", noEnv, nil, "demo", "x", "-ERR log in first"},
		{"few messages", noEnv, []string{"--messages", "7"}, "demo", "demo", "+OK 7 "},
		{"user", noEnv, []string{"--user", "me", "--delay", "1ms"}, "me", "demo", "+OK 240 "},
		{"password from the environment", fromEnv, nil, "demo", "from env", "+OK 240 "},
		{"password from a file", fromEnv, []string{"--password-file", passwordFile}, "demo", "from file", "+OK 240 "},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn := dial(t, start(t, test.getenv, test.args...))
			if got := stat(t, conn, test.user, test.password); !strings.HasPrefix(got, test.want) {
				t.Errorf("STAT gave %q, want %q", got, test.want)
			}
		})
	}
}

func TestDemoOverTLS(t *testing.T) {
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	conn := dial(t, start(t, noEnv, "--tls", "implicit", "--ca-out", caFile))
	ca, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatalf("no certificate in %q", ca)
	}
	secure := tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})
	if got := stat(t, secure, "demo", "demo"); !strings.HasPrefix(got, "+OK 240 ") {
		t.Errorf("STAT gave %q", got)
	}
}

func TestEndsByItself(t *testing.T) {
	var out bytes.Buffer
	if err := command(t.Context(), []string{"popdemo", "--for", "20ms"}, noEnv, &out); err != nil {
		t.Error(err)
	}
}

func TestWrongCommandLines(t *testing.T) {
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"--listen 0.0.0.0:1110", 64, "only loopback"},
		{"--listen [::]:1110", 64, "only loopback"},
		{"--listen 192.0.2.1:1110", 64, "only loopback"},
		{"--listen pop.example.org:110", 64, "want an IP address"},
		{"--listen :1110", 64, "want an IP address"},
		{"--tls yes", 64, "want none, implicit or starttls"},
		{"--tls implicit", 64, "needs --ca-out"},
		{"--ca-out x", 64, "needs --tls"},
		{"--messages -1", 64, "--messages -1"},
		{"--messages 100001", 64, "want 0 to 100000"},
		{"--for 0s", 64, "--for"},
		{"--delay -1s", 64, "--delay"},
		{"--nonsense", 64, "nonsense"},
		{"serve", 64, `unexpected argument "serve"`},
		{"help", 64, `unexpected argument "help"`},
		{"--password-file /nonexistent/x", 1, "read the password"},
		{"--port-file /nonexistent/x", 1, "write the port file"},
		{"--help", 0, "popdemo [flags]"},
	} {
		var out bytes.Buffer
		err := command(t.Context(), strings.Fields("popdemo "+test.args), noEnv, &out)
		if code := exitCode(err, &out); code != test.code || !strings.Contains(out.String(), test.says) {
			t.Errorf("popdemo %s: exit %d, %q; want %d, %q", test.args, code, &out, test.code, test.says)
		}
	}
}

// The help has each flag with its default, and fits a terminal of 80 columns.
func TestHelp(t *testing.T) {
	var text bytes.Buffer
	if err := command(context.Background(), []string{"popdemo", "--help"}, noEnv, &text); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	told := map[string]bool{"help": true}
	for _, match := range regexp.MustCompile(`(?m)^ +--([a-z-]+) `).FindAllStringSubmatch(text.String(), -1) {
		told[match[1]] = true
	}
	flags := new(demo).flags()
	for _, f := range flags {
		if !told[f.Names()[0]] {
			t.Errorf("it lacks --%s", f.Names()[0])
		}
	}
	if len(told) != len(flags)+1 {
		t.Errorf("it tells of %d flags, there are %d", len(told)-1, len(flags))
	}
}
