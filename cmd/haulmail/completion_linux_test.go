package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A person types the beginning of a line into a real shell, presses TAB and Enter, and haulmail gets the words that were meant.
func TestCompletionInShells(t *testing.T) {
	lines := []struct{ typed, means string }{
		{"haulmail fetc", "fetch"},
		{"haulmail fetch --no-s", "fetch|--no-state"},
		{"haulmail seen retry wo", "seen|retry|work"},
		{"haulmail my", "my account"},
		{"haulmail \"my", "my account"},
		{"haulmail 'my", "my account"},
		{`haulmail my\ a`, "my account"},
		{"haulmail me@ex", "me@example.org"},
		{"haulmail Jü", "Jürgen"},
		{"haulmail --tls st", "--tls|starttls"},
		{"haulmail --tls=im", "--tls=implicit"},
		{"haulmail -c oth", "-c|other.toml"},
		{"haulmail --config=oth", "--config=other.toml"},
		{"haulmail list -c other.toml el", "list|-c|other.toml|elsewhere"},
		{"haulmail list -c ~/other.toml el", "list|-c|HOME/other.toml|elsewhere"},
		{"haulmail --maildir mai", "--maildir|mails"},
		{"haulmail --maildir=mai", "--maildir=mails"},
		{"haulmail xyz", "xyz"},
		{"true; haulmail fetc", "fetch"},
	}
	for _, shell := range []struct {
		name, start string // a script that it reads at its start
		argv        []string
	}{
		{"bash", `PS1="ready> "; source <(haulmail completion bash)`, []string{"--noprofile", "--rcfile", "START", "-i"}},
		{"zsh", `PS1="ready> "; bindkey -e; haulmail completion zsh >$HOME/_haulmail; fpath+=$HOME; autoload -Uz compinit; compinit -u -D`, []string{"-i"}},
		{"fish", `function fish_prompt; echo -n "ready> "; end; haulmail completion fish | source`, []string{"--no-config", "-i", "-C", "source START"}},
	} {
		t.Run(shell.name, func(t *testing.T) {
			s := startShell(t, need(t, shell.name, shell.name), shell.start, shell.argv)
			for _, l := range lines {
				want := strings.ReplaceAll(l.means, "HOME", s.home)
				if got := strings.TrimSuffix(s.args(t, l.typed), "/"); got != want {
					t.Errorf("%s: TAB makes %q of it, want %q", l.typed, got, want)
				}
			}
		})
	}
}

// typedShell is a shell at a terminal.
type typedShell struct {
	master *os.File
	home   string // its home folder, in which it runs
}

func startShell(t *testing.T, shell, start string, argv []string) *typedShell {
	t.Helper()
	home := t.TempDir()
	accounts := func(names ...string) (config string) {
		for _, name := range names {
			config += strings.ReplaceAll("[account.NAME]\nserver = 'pop.example.org'\nusername = NAME\nmaildir = NAME\n", "NAME", "'"+name+"'")
		}
		return config
	}
	for name, text := range map[string]string{
		"config.toml": accounts("work", "me@example.org", "my account", "Jürgen"),
		"other.toml":  accounts("elsewhere"),
		".zshrc":      start,
		"haulmail": "#!/bin/sh\ncase $1 in __complete | completion) exec " + haulmailBinary(t) + " \"$@\" ;; esac\n" +
			"(IFS='|'; echo \"$*\") >$HOME/typed.new; mv $HOME/typed.new $HOME/typed\n",
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(home, "mails"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range argv {
		argv[i] = strings.ReplaceAll(argv[i], "START", filepath.Join(home, ".zshrc"))
	}
	master, tty := newTerminal(t)
	cmd := exec.Command(shell, argv...)
	cmd.Dir = home
	cmd.Env = []string{
		"HOME=" + home, "TERM=dumb", "LC_ALL=C.UTF-8", "HAULMAIL_CONFIG=" + filepath.Join(home, "config.toml"),
		"PATH=" + home + ":" + os.Getenv("PATH"),
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	readUntil(t, master, "ready> ")
	return &typedShell{master, home}
}

// args types a line, TAB and Enter, and gives the words that haulmail gets.
func (s *typedShell) args(t *testing.T, line string) string {
	t.Helper()
	if _, err := s.master.WriteString(line + "\t\r"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.home, "typed")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(path); err == nil {
			readUntil(t, s.master, "ready> ")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			return strings.TrimSuffix(string(text), "\n")
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q: nothing comes of it", line)
		}
	}
}
