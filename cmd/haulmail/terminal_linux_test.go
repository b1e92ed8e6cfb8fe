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

// screen is a terminal with a haulmail on it that fetches from a server that takes its time for each message. Of its two accounts one cannot be reached.
type screen struct {
	cmd    *exec.Cmd
	master *os.File
	tty    *os.File
	all    bytes.Buffer // what came to the terminal; to be read once ended is closed
	seen   chan string  // the same as it comes
	ended  chan struct{}
}

func newScreen(t *testing.T, each time.Duration, columns int, env []string, args ...string) *screen {
	t.Helper()
	server := &pop3test.Server{
		Users:  map[string]pop3test.User{"me": {Password: "secret", Mailbox: pop3test.NewMailbox(pop3test.SampleMail(12)...)}},
		Faults: []pop3test.Fault{{On: "RETR", Do: pop3test.Stall, For: each}},
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
	s := &screen{seen: make(chan string, 1000), ended: make(chan struct{})}
	s.master, s.tty = newTerminal(t)
	if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	go s.read()
	s.cmd = exec.Command(haulmailBinary(t), append([]string{"-c", config}, args...)...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = s.tty, s.tty, s.tty
	s.cmd.Env = append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}, env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	return s
}

// read takes what comes to the terminal, until the last writer has closed.
func (s *screen) read() {
	defer close(s.ended)
	buf := make([]byte, 32<<10)
	for {
		n, err := s.master.Read(buf)
		if err != nil {
			return
		}
		s.all.Write(buf[:n])
		select {
		case s.seen <- string(buf[:n]):
		default: // nobody looks
		}
	}
}

// until waits for something to come to the terminal.
func (s *screen) until(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for all := ""; !strings.Contains(all, text); {
		select {
		case more := <-s.seen:
			all += more
		case <-deadline:
			t.Fatalf("%q does not come: %q", text, all)
		}
	}
}

// exits waits for haulmail to end with that code, and gives all that came to the terminal.
func (s *screen) exits(t *testing.T, want int) string {
	t.Helper()
	if code := ends(t, s.cmd, 30*time.Second); code != want {
		t.Errorf("exit %d, want %d", code, want)
	}
	s.tty.Close()
	<-s.ended
	return s.all.String()
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
			all := newScreen(t, 50*time.Millisecond, row.columns, row.env, row.args...).exits(t, 75)
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

// Who interrupts a download is told what is finished first, and gets the account's line in the end.
func TestInterruptAtATerminal(t *testing.T) {
	s := newScreen(t, 300*time.Millisecond, 80, []string{"TERM=xterm"})
	s.until(t, "/12")
	if _, err := s.master.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	all := s.exits(t, 130)
	var from int
	for _, text := range []string{
		"haulmail: stopping; what has arrived for work is made safe on disk first; a second signal stops at once",
		"work   ", " messages, ", ", then stopped",
		"haulmail: stopped by SIGINT; what was fetched is safe, the rest comes with the next run",
	} {
		at := strings.Index(all[from:], text)
		if at < 0 {
			t.Fatalf("%q is missing: %q", text, all)
		}
		from += at
	}
}

// A terminal that is made narrower during a download, which the kernel tells by SIGWINCH, gets narrower bars from then on, and the rows
// that it broke the old one into are erased.
func TestResizeDuringADownload(t *testing.T) {
	const narrow = 30
	for try := 1; ; try++ { // on a busy machine the download may be over before the terminal is made narrower
		s := newScreen(t, 200*time.Millisecond, 80, []string{"TERM=xterm"})
		s.until(t, "/12")
		if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: narrow}); err != nil {
			t.Fatal(err)
		}
		all := s.exits(t, 75)
		var widths []int
		for line := range strings.Lines(all) {
			if text := regexp.MustCompile(`\x1b\[[0-9]*[A-Zm]|\r|\n`).ReplaceAllString(line, ""); strings.ContainsAny(text, "░█") {
				widths = append(widths, len([]rune(text)))
			}
		}
		if n := len(widths); n > 1 && widths[0] > narrow && widths[n-1] < narrow && strings.Contains(all, strings.Repeat("\x1b[A\x1b[2K", 2)) {
			return
		} else if try == 3 {
			t.Fatalf("bars of %d columns: %q", widths, all)
		}
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
