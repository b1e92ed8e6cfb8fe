package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// client is a program that fetches mail, told as data: what it needs, how it is configured for a job, how it is called.
type client struct {
	name string
	// needs are the programs it is made of; without one of them it cannot run.
	needs []string
	// packages are those of Debian that have the programs.
	packages []string
	// configure writes what it needs into the job's folder, besides the Maildirs, which are there.
	configure func(j job) error
	// command gives its call.
	command func(j job) []string
	// first gives another call for the run that makes all mail known before a known mailbox is timed, where the usual
	// one would take too long; nil is the usual one.
	first func(j job) []string
	// adds is what it puts above every message. All else has to be what was put in, octet by octet, with LF at line ends.
	adds string
	// nothingNew is the exit code that means so, besides 0.
	nothingNew int
	// slow ones run in fewer rounds.
	slow bool
}

// job is what a client has to do: fetch the mail of some users into a Maildir for each, in a folder of its own.
type job struct {
	dir      string // the job's folder
	host     string
	port     int
	tls      bool   // from the first byte
	ca       string // PEM file with the certificate authority
	users    []string
	password string
	deletes  bool
	scratch  string // a folder for what nobody looks at, in memory where there is such a file system
}

// maildir gives the Maildir of a user.
func (j job) maildir(user string) string { return filepath.Join(j.dir, "Mail", user) }

// file gives a file in the job's folder.
func (j job) file(name string) string { return filepath.Join(j.dir, name) }

// log gives a file of the benchmark's own, beside the job's folder.
func (j job) log(name string) string { return j.dir + "." + name }

func (j job) makeMaildirs() error {
	for _, user := range j.users {
		for _, part := range []string{"new", "cur", "tmp"} {
			if err := os.MkdirAll(filepath.Join(j.maildir(user), part), 0o700); err != nil {
				return fmt.Errorf("make a Maildir: %w", err)
			}
		}
	}
	return nil
}

func (j job) maildirs() []string {
	var all []string
	for _, user := range j.users {
		all = append(all, j.maildir(user))
	}
	return all
}

// write makes a config file of lines; it holds the password.
func (j job) write(name string, lines ...string) error {
	text := strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(j.file(name), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write a client's config: %w", err)
	}
	return nil
}

// onOff is how several clients spell a switch.
func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// allClients gives them in the order in which they run in a round. haulmail is the path of its binary.
func allClients(haulmail string) []client {
	return []client{mpopClient(), haulmailClient(haulmail), fetchmailClient(), getmailClient(), fdmClient()}
}

// baseline is the client that the others are compared with.
const baseline = "mpop"

// chooseClients gives those named in a list between commas, or all of them for "", and those of them that lack a program.
func chooseClients(list string, all []client) (chosen []client, missing []string, err error) {
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	if names, err = chooseNames(list, names); err != nil {
		return nil, nil, fmt.Errorf("--client: %w", err)
	}
	for _, c := range all {
		switch {
		case !slices.Contains(names, c.name):
		case c.lacks() != "":
			missing = append(missing, fmt.Sprintf("%s (%s is not installed)", c.name, c.lacks()))
		default:
			chosen = append(chosen, c)
		}
	}
	return chosen, missing, nil
}

// lacks gives a program that the client needs and that is not there, or "".
func (c client) lacks() string {
	for _, program := range c.needs {
		if _, err := exec.LookPath(program); err != nil {
			return program
		}
	}
	return ""
}

// compared says how what the client delivers is held against what was put in.
func (c client) compared() string {
	if c.adds == "" {
		return "every octet"
	}
	return fmt.Sprintf("every octet but %q, which it puts above each message", c.adds)
}
