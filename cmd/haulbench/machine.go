package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine tells in one line where this was measured, dir being on the disk in question, and with which programs, as Debian
// numbers their versions.
func machine(dir string, clients []client) string {
	parts := []string{
		fmt.Sprintf("%d × %s", runtime.NumCPU(), processor()),
		says("uname", "-sr"),
		"on " + lastWord(says("df", "--output=fstype", dir)),
		runtime.Version(),
		"Dovecot " + firstWord(says("dovecot", "--version")),
	}
	for _, c := range clients {
		for _, name := range c.packages {
			parts = append(parts, name+" "+says("dpkg-query", "-W", "-f=${Version}", name))
		}
	}
	return strings.Join(parts, ", ")
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // Linux has it
	for line := range strings.Lines(string(text)) {
		if name, model, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return runtime.GOARCH
}

// says gives what a command prints, or "?".
func says(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "?"
	}
	return strings.TrimSpace(string(out))
}

func firstWord(text string) string {
	first, _, _ := strings.Cut(text, " ")
	return first
}

func lastWord(text string) string {
	words := strings.Fields(text)
	return words[len(words)-1]
}
