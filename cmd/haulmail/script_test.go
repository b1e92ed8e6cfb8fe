package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"haulmail/fetch/pop3/pop3test"
)

var update = flag.Bool("update", false, "write what the test scripts compare with anew")

// The scripts in testdata/script run the command as a shell does, each against a POP3 server of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setUpScript,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Condition:           lacks,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"expand": expand,
			"hold":   hold,
		},
	})
}

// setUpScript starts the servers of a script: $POP without TLS, $POPS with it, whose authority is ca.pem, $SICK, which refuses to
// send two of the messages, and $STRICT, which keeps mail and logins apart by EXPIRE and LOGIN-DELAY. The maildrop of "me" has three messages, that of "you" two, that of "none" is empty; the password of all
// is "secret".
func setUpScript(env *testscript.Env) error {
	box := func(uids ...string) pop3test.User {
		drop := pop3test.NewMailbox()
		for _, uid := range uids {
			drop.Add(pop3test.Message{UID: uid, Data: []byte("Subject: " + uid + "\r\n\r\n.body of " + uid + "\r\n")})
		}
		return pop3test.User{Password: "secret", Mailbox: drop}
	}
	ca, err := pop3test.NewCA(time.Now())
	if err != nil {
		return err
	}
	tls, err := ca.TLS(pop3test.Cert{})
	if err != nil {
		return err
	}
	users := map[string]pop3test.User{"me": box("m1", "m2", "m3"), "you": box("y1", "y2\x1b[2J"), "none": box()}
	var faults []pop3test.Fault
	for _, uid := range []string{"m2", "y2\x1b[2J"} {
		faults = append(faults, pop3test.Fault{On: "RETR", UID: uid, Ignore: true, Text: "-ERR \x1b[2Jlost\r\n"})
	}
	for name, server := range map[string]*pop3test.Server{
		"POP": {Users: users}, "POPS": {Users: users, TLS: tls}, "SICK": {Users: users, Faults: faults},
		"STRICT": {Users: users, Caps: append(pop3test.DefaultCaps(), "EXPIRE 30", "LOGIN-DELAY 900")},
	} {
		addr, err := server.Start()
		if err != nil {
			return err
		}
		env.Defer(server.Close)
		env.Setenv(name, addr)
	}
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("TERM", "xterm")
	for _, name := range []string{"XDG_CONFIG_HOME", "XDG_STATE_HOME", "HAULMAIL_CONFIG", "HAULMAIL_STATE_DIR"} {
		env.Setenv(name, "")
	}
	return os.WriteFile(env.WorkDir+"/ca.pem", ca.PEM(), 0o600)
}

// lacks is the condition [lacks:PROGRAM] of a script that skips itself without it. Where everything has to run, that is a failure.
func lacks(condition string) (bool, error) {
	program, ok := strings.CutPrefix(condition, "lacks:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", condition)
	}
	if _, err := exec.LookPath(program); err == nil {
		return false, nil
	}
	if os.Getenv("CI") != "" {
		return true, fmt.Errorf("%s is missing (scripts/test installs it)", program)
	}
	return true, nil
}

// exits is the script command "exits CODE PROGRAM ARGS…": exec that demands an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGS…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// hold is the script command "hold FILE [TIME]": it holds the lock of a state file, as a run does, for a while or to the end of the script.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { _ = f.Close() })
	ts.Check(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
	if len(args) > 1 {
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		time.AfterFunc(d, func() { _ = f.Close() })
	}
}

// expand is the script command "expand FILE…": it puts the values of environment variables into files that only their owner
// may read then.
func expand(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		path := ts.MkAbs(name)
		text := os.Expand(ts.ReadFile(name), func(v string) string {
			if v == "" || strings.HasPrefix(v, "$") {
				return "$"
			}
			return ts.Getenv(v)
		})
		ts.Check(os.WriteFile(path, []byte(text), 0o600))
		ts.Check(os.Chmod(path, 0o600))
	}
}
