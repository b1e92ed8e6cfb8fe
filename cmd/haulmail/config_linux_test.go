package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// strange gives "haulmail ARGS" as somebody without rights, whose home folder dir becomes.
func strange(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.ReadFile(haulmailBinary(t))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "haulmail"), program, 0o755)
	}
	if err == nil {
		err = os.Chmod(filepath.Dir(dir), 0o755) // of this test alone
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "haulmail"), args...)
	cmd.Env = []string{"HOME=" + dir}
	if os.Getuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

// A config in a folder that may not be entered is not said to be missing, and the hint names the folder.
func TestBarredConfig(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, ".config", "haulmail")
	for _, err := range []error{
		os.MkdirAll(folder, 0o755), os.WriteFile(filepath.Join(folder, "config.toml"), nil, 0o600), os.Chmod(folder, 0),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })

	out, err := strange(t, dir, "config", "path").Output()
	if want := fmt.Sprintf("config  %s/config.toml  (the usual place; cannot be read: permission denied)\n", folder); err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("%v, says %q, want %q", err, out, want)
	}
	if strings.Contains(string(out), "mistakes") {
		t.Errorf("nobody has read the config: %q", out)
	}
	cmd := strange(t, dir, "status")
	_, err = cmd.Output()
	exit, ok := err.(*exec.ExitError)
	want := fmt.Sprintf("haulmail: open %[1]s/config.toml: permission denied\n  hint: ls -ld %[1]s shows whom it belongs to\n", folder)
	if !ok || exit.ExitCode() != exitNoInput || string(exit.Stderr) != want {
		t.Errorf("%v, says %q, want %q", err, exit.Stderr, want)
	}
}
