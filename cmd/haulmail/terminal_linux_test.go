package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"haulmail/fetch/pop3/pop3test"
)

// drawn runs haulmail on a terminal of that size against a server that takes its time, and gives what came to the terminal. Of its two
// accounts one cannot be reached.
func drawn(t *testing.T, columns int, env []string, args ...string) string {
	t.Helper()
	server := &pop3test.Server{
		Users:  map[string]pop3test.User{"me": {Password: "secret", Mailbox: pop3test.NewMailbox(pop3test.SampleMail(12)...)}},
		Faults: []pop3test.Fault{{On: "RETR", Do: pop3test.Stall, For: 50 * time.Millisecond}},
	}
	addr, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	dir := t.TempDir()
	config := filepath.Join(dir, "config.toml")
	text := fmt.Sprintf("state_dir = \"state\"\n[defaults]\ntls = \"none\"\nusername = \"me\"\npassword = \"secret\"\n"+
		"[account.work]\nserver = %q\nmaildir = \"work\"\n[account.away]\nserver = \"127.0.0.1:1\"\nmaildir = \"away\"\n", addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	master, tty := newTerminal(t)
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	read := make(chan struct{})
	go func() {
		_, _ = all.ReadFrom(master) // ends with EIO when the last writer has closed
		close(read)
	}()
	cmd := exec.Command(haulmailBinary(t), append([]string{"-c", config}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.Env = append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if code := ends(t, cmd, 30*time.Second); code != 75 {
		t.Errorf("exit %d", code)
	}
	tty.Close()
	<-read
	return all.String()
}

// Whether bars are drawn, and whether anything is coloured, by the terminal and by what a person wants.
func TestWhatATerminalGets(t *testing.T) {
	xterm, dumb := []string{"TERM=xterm-256color"}, []string{"TERM=dumb"}
	plain := append([]string{"NO_COLOR=1"}, xterm...)
	for _, row := range []struct {
		name    string
		columns int
		env     []string
		args    []string
		bars    bool
		colors  bool
	}{
		{"40 columns", 40, xterm, nil, true, true},
		{"80 columns", 80, xterm, nil, true, true},
		{"200 columns", 200, xterm, nil, true, true},
		{"NO_COLOR", 80, plain, nil, true, false},
		{"NO_COLOR, empty", 80, append([]string{"NO_COLOR="}, xterm...), nil, true, true},
		{"--color never", 80, xterm, []string{"--color", "never"}, true, false},
		{"NO_COLOR and --color always", 80, plain, []string{"--color=always"}, true, true},
		{"TERM=dumb", 80, dumb, nil, false, false},
		{"no TERM", 80, nil, nil, false, false},
		{"TERM=dumb --color always", 80, dumb, []string{"--color=always"}, false, true},
		{"-v", 80, xterm, []string{"-v"}, false, true},
		{"-q", 80, xterm, []string{"-q"}, false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			all := drawn(t, row.columns, row.env, row.args...)
			if bars := strings.Contains(all, "░"); bars != row.bars || !row.bars && strings.Contains(all, "\x1b[A") {
				t.Errorf("bars %v: %q", bars, all)
			}
			if colors := strings.Contains(all, "\x1b[31mhaulmail:\x1b[m away: "); colors != row.colors || !row.colors && regexp.MustCompile(`\x1b\[[0-9]*m`).MatchString(all) {
				t.Errorf("colors %v: %q", colors, all)
			}
			for line := range strings.Lines(all) {
				if text := regexp.MustCompile(`\x1b\[[0-9]*[A-Zm]|\r|\n`).ReplaceAllString(line, ""); strings.Contains(text, "░") && len([]rune(text)) >= row.columns {
					t.Errorf("%d columns are too few for %q", row.columns, text)
				}
			}
		})
	}
}

// Off a terminal nothing is coloured or drawn, unless a person says so.
func TestColorOffATerminal(t *testing.T) {
	for _, row := range []struct {
		args  []string
		want  string
		exits int
	}{
		{[]string{"--frobnicate"}, "haulmail: unknown flag \"--frobnicate\"\n  hint: haulmail help shows the flags\n", 64},
		{[]string{"-c", "/nowhere", "--color", "always"}, "\x1b[31mhaulmail:\x1b[m no config file /nowhere\n\x1b[2m  hint: ", 66},
		{[]string{"--color", "purple"}, "haulmail: --color cannot be \"purple\"\n  hint: write auto, always or never\n", 64},
	} {
		cmd := exec.Command(haulmailBinary(t), row.args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != row.exits || !strings.HasPrefix(stderr.String(), row.want) {
			t.Errorf("%v: exit %d, says %q", row.args, code, &stderr)
		}
	}
}
