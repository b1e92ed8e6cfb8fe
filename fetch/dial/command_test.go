package dial

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell is a program for sh.
func shell(line string) Program { return Program{Argv: []string{"sh", "-c", line}, Env: os.Environ()} }

// A program's input and output are a connection with deadlines.
func TestProgramCarries(t *testing.T) {
	noGoroutineLeft(t)
	conn, err := Run(shell("exec cat"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for _, line := range []string{"+OK ready\r\n", strings.Repeat("x", 1<<16) + "\n"} {
		go io.WriteString(conn, line)
		if got, err := r.ReadString('\n'); got != line || err != nil {
			t.Fatalf("%d octets come back of %d: %v", len(got), len(line), err)
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadByte(); !isTimeout(err) {
		t.Errorf("got %v, want a time-out", err)
	}
}

// Where the connection has to lead to stands in the environment, and nowhere else.
func TestProgramEnvironment(t *testing.T) {
	p := shell("echo $HAULMAIL_SERVER:$HAULMAIL_PORT; cat >/dev/null")
	p.Env = []string{"HAULMAIL_SERVER=pop.example.org", "HAULMAIL_PORT=995", "PATH=" + os.Getenv("PATH")}
	conn, err := Run(p)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if line, _ := bufio.NewReader(conn).ReadString('\n'); line != "pop.example.org:995\n" {
		t.Errorf("got %q", line)
	}
}

// A closed connection leaves no process, whatever the program does.
func TestProgramEnds(t *testing.T) {
	for name, line := range map[string]string{
		"at the end of its input": "cat >/dev/null",
		"when told to":            "sleep 1000",
		"with its children":       "sleep 1000 & sleep 1000 | cat; wait",
		"not before it is killed": "trap '' TERM; while :; do sleep 0.1; done",
		"already":                 "exit 0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pid := filepath.Join(t.TempDir(), "pid")
			conn, err := Run(shell("echo $$ >" + pid + "; echo started; " + line))
			if err != nil {
				t.Fatal(err)
			}
			bufio.NewReader(conn).ReadString('\n')
			began := time.Now()
			conn.Close()
			conn.Close()
			if took := time.Since(began); took > endWithin+10*time.Second || took > endWithin && !strings.HasPrefix(name, "not before") {
				t.Errorf("took %v", took)
			}
			text, err := os.ReadFile(pid)
			if err != nil {
				t.Fatal(err)
			}
			group, _ := strconv.Atoi(strings.TrimSpace(string(text)))
			for range 500 { // a killed child may wait for init to reap it
				if err = syscall.Kill(-group, 0); errors.Is(err, syscall.ESRCH) {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
			t.Errorf("something is left of group %d: %v", group, err)
		})
	}
}

// A program that cannot do it says so in the error of the first read, or of the first write.
func TestProgramsThatFail(t *testing.T) {
	for name, row := range map[string]struct {
		line string
		kind Kind
		says string
	}{
		"says why":         {"echo one >&2; echo 'ssh: no \x1bway' >&2; exit 255", ProxyFailed, `run proxy_command: exit status 255: ssh: no \x1bway`},
		"says the line":    {"ps -o args= -p $$ >&2; exit 1", ProxyFailed, "run proxy_command: exit status 1: sh -c […]"},
		"says nothing":     {"exit 3", ProxyFailed, "run proxy_command: exit status 3"},
		"ends well":        {"exit 0", ProxyFailed, "run proxy_command: it ended before the server said anything"},
		"is killed":        {"kill -9 $$", ProxyFailed, "run proxy_command: signal: killed"},
		"is not there":     {"no-such-program-here 2>/dev/null", BadCommand, "run proxy_command: exit status 127"},
		"floods its error": {"yes | head -c 300000 >&2; echo end >&2; exit 1", ProxyFailed, "run proxy_command: exit status 1: end"},
		"only hangs up":    {"exec >&-; sleep 1000", ProxyFailed, "run proxy_command: it closed its output before the server said anything"},
	} {
		for _, first := range []string{"read", "write"} {
			if first == "write" && name == "only hangs up" {
				continue // it could still take what is written
			}
			t.Run(name+", "+first, func(t *testing.T) {
				t.Parallel()
				conn, err := Run(shell(row.line))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if first == "read" {
					_, err = conn.Read(make([]byte, 1))
				}
				for err == nil { // until the pipe is known to be broken
					_, err = conn.Write([]byte("x"))
					time.Sleep(time.Millisecond)
				}
				if e := want(t, err, row.kind, row.says); e.Hint() == "" && row.kind == BadCommand {
					t.Error("no hint")
				}
			})
		}
	}
	_, err := Run(Program{Argv: []string{"no-such-program-here", "x"}})
	want(t, err, BadCommand, `run proxy_command: "no-such-program-here": executable file not found in $PATH`)
}
