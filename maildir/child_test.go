package maildir

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// childVar holds, for a process that a test starts of this test binary, which of
// the children to be and its arguments, blank between them.
const childVar = "HAULMAIL_MAILDIR_CHILD"

var children = map[string]func(args []string) error{
	"deliver": deliverChild,
	"journal": journalChild,
}

func TestMain(m *testing.M) {
	words := strings.Fields(os.Getenv(childVar))
	if len(words) == 0 {
		os.Exit(m.Run())
	}
	if err := children[words[0]](words[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child prepares a run of this test binary as the named child, by way of the
// program in wrap if there is one.
func child(t *testing.T, wrap []string, words ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := append(wrap[:len(wrap):len(wrap)], exe)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), childVar+"="+strings.Join(words, " "))
	return cmd
}

// deliverChild: PATH MESSAGES BATCH delivers small messages as a run does.
func deliverChild(args []string) error {
	messages, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	batch, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	b, err := Open(args[0], "child", Options{Create: true, Hostname: "host.example.org"})
	if err != nil {
		return err
	}
	body := bytes.Repeat([]byte("A line of a message, as long as lines are, or a bit more.\n"), 5000/58)
	for done := 0; done < messages; done += batch {
		if err := deliverBatch(b, min(batch, messages-done), body); err != nil {
			return err
		}
	}
	return b.Close()
}

func deliverBatch(b *Box, n int, body []byte) error {
	var files []*File
	for i := range n {
		f, err := b.Create(Hash{byte(i), byte(i >> 8)})
		if err != nil {
			return err
		}
		if _, err := f.Write(body); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		files = append(files, f)
	}
	if err := b.Sync(files); err != nil {
		return err
	}
	return b.Deliver(files)
}
