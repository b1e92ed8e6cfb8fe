package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Every message of the corpus, byte for byte, in each way to connect and each way to treat the server's copy.
func TestFetchAwkwardMail(t *testing.T) {
	pop := newDovecot(t, 9)
	mail := awkwardMail()
	want := allAsServed(mail)
	for _, mode := range []string{"none", "starttls", "implicit"} {
		for _, deletion := range []string{"never", "fetched", "1h"} {
			t.Run(mode+"/"+deletion, func(t *testing.T) {
				box := pop.mailbox()
				box.add(t, mail...)
				sameMail(t, "put in", want, "read by the reference client", box.served(t))
				h := newHome(t, box.account("lab", mode, deletion))

				h.run(t).ok(t)
				sameMail(t, "put in", want, "delivered", delivered(t, h.maildir("lab")))
				noSpool(t, h.maildir("lab"))
				if deletion == "fetched" {
					h.deletesAll(t, box)
				} else {
					sameMail(t, "to be kept", want, "on the server afterwards", box.served(t))
				}

				before := snapshot(t, h.dir)
				h.run(t).ok(t)
				unchanged(t, "a run with nothing new", h.dir, before)
			})
		}
	}
}

// deletesAll checks that the server's copies go. LIST says 0 octets for the zero-byte message, and then 2 come: such a
// message is not deleted in the run that fetches it, but in the next one. The run after that notes in the state that all
// have vanished from the listing. The Maildir stays as it is.
func (h *home) deletesAll(t *testing.T, box *mailbox) {
	t.Helper()
	if left := box.served(t); len(left) > 1 || len(left) == 1 && string(left[0]) != "\n" {
		t.Errorf("%d messages are left on the server, the first is %.60q", len(left), left[0])
	}
	before := snapshot(t, h.maildir("lab"))
	h.run(t).ok(t)
	sameMail(t, "to be kept", nil, "on the server after the next run", box.served(t))
	h.run(t).ok(t)
	unchanged(t, "a run with nothing new", h.maildir("lab"), before)
}

func TestFetchOnlyNewMail(t *testing.T) {
	box := newDovecot(t, 1).mailbox()
	h := newHome(t, box.account("lab", "none", "never"))
	var want [][]byte
	for round := range 4 {
		mail := smallMail(fmt.Sprint("round ", round), 3+round)
		box.add(t, mail...)
		want = append(want, allAsServed(mail)...)
		h.run(t).ok(t)
		sameMail(t, "put in so far", want, "delivered", delivered(t, h.maildir("lab")))
	}
}

// A reader that moves mail about or deletes it must not bring it back.
func TestFetchAfterReader(t *testing.T) {
	box := newDovecot(t, 1).mailbox()
	h := newHome(t, box.account("lab", "none", "never"))
	box.add(t, smallMail("first", 10)...)
	h.run(t).ok(t)
	files := mailFiles(t, h.maildir("lab"))
	if len(files) != 10 {
		t.Fatalf("%d of 10 delivered", len(files))
	}
	for i, file := range files {
		if i%2 == 0 {
			readMail(t, file)
		} else if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	h.run(t).ok(t)
	if files := mailFiles(t, h.maildir("lab")); len(files) != 5 {
		t.Errorf("a reader kept 5 messages and deleted 5; now there are %d", len(files))
	}
}

// readMail does what a mail reader does with new mail.
func readMail(t *testing.T, path string) {
	t.Helper()
	maildir, name := filepath.Dir(filepath.Dir(path)), filepath.Base(path)
	if err := os.Rename(path, filepath.Join(maildir, "cur", name+":2,S")); err != nil {
		t.Fatal(err)
	}
}

func TestDeleteByAge(t *testing.T) {
	const age = 5 * time.Second
	box := newDovecot(t, 1).mailbox()
	h := newHome(t, box.account("lab", "none", "5s"))
	old, young := smallMail("old", 20), smallMail("young", 7)

	box.add(t, old...)
	started := time.Now()
	h.run(t).ok(t)
	fetched := time.Now()
	h.run(t).ok(t)
	if time.Since(started) < age {
		sameMail(t, "too young to go", allAsServed(old), "on the server", box.served(t))
	} else {
		t.Log("the machine is too slow to look before the mail is old enough")
	}

	time.Sleep(time.Until(fetched.Add(age + time.Second)))
	box.add(t, young...)
	h.run(t).ok(t)
	sameMail(t, "young enough to stay", allAsServed(young), "on the server", box.served(t))
	sameMail(t, "put in", allAsServed(append(old, young...)), "delivered", delivered(t, h.maildir("lab")))
}

// A lost state is rebuilt from the Maildir: nothing comes twice, new mail comes.
func TestStateLost(t *testing.T) {
	for _, deletion := range []string{"never", "fetched"} {
		t.Run(deletion, func(t *testing.T) {
			box := newDovecot(t, 1).mailbox()
			h := newHome(t, box.account("lab", "none", "never"))
			first, second := smallMail("first", 30), smallMail("second", 4)
			box.add(t, first...)
			h.run(t).ok(t)
			readMail(t, mailFiles(t, h.maildir("lab"))[3])
			if err := os.RemoveAll(h.state); err != nil {
				t.Fatal(err)
			}

			box.add(t, second...)
			h.configure(t, box.account("lab", "none", deletion))
			r := h.run(t).exits(t, 0)
			if strings.Count(r.stderr, "\n") != 1 {
				t.Errorf("one line should say what was recognised\n%v", r)
			}
			sameMail(t, "put in", allAsServed(append(first, second...)), "delivered", delivered(t, h.maildir("lab")))
			h.run(t).ok(t)
			sameMail(t, "put in", allAsServed(append(first, second...)), "delivered", delivered(t, h.maildir("lab")))
		})
	}
}

// What only looks changes nothing: not here, not on the server.
func TestLookingChangesNothing(t *testing.T) {
	box := newDovecot(t, 1).mailbox()
	h := newHome(t, box.account("lab", "none", "fetched"))
	mail := smallMail("look", 12)
	box.add(t, mail...)
	look := func() {
		before := snapshot(t, h.dir)
		for _, args := range [][]string{{"list"}, {"fetch", "--dry-run"}, {"-n"}, {"list", "--json"}, {"check"}, {"check", "--connect"}, {"version"}} {
			if r := h.run(t, args...).exits(t, 0); r.stderr != "" {
				t.Errorf("a run that went well is not silent on stderr\n%v", r)
			}
			unchanged(t, strings.Join(args, " "), h.dir, before)
		}
		sameMail(t, "put in", allAsServed(mail), "on the server", box.served(t))
	}
	t.Log("before the first fetch")
	look()
	h.configure(t, box.account("lab", "none", "never"))
	h.run(t).ok(t)
	h.configure(t, box.account("lab", "none", "fetched"))
	t.Log("with a state and mail due for deletion")
	look()
}

// Each line of --json is one JSON object; a message is named only when its file is there.
func TestJSONNamesWhatIsOnDisk(t *testing.T) {
	box := newDovecot(t, 1).mailbox()
	h := newHome(t, box.account("lab", "none", "fetched"))
	mail := smallMail("json", 700)
	box.add(t, mail...)

	cmd := h.command(t, "fetch", "--json")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var line struct {
			V     int    `json:"v"`
			Event string `json:"event"`
			Path  string `json:"path"`
			Size  int64  `json:"size"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.V != 1 || line.Event == "" {
			t.Fatalf("not a line of version 1 (%v): %s", err, lines.Text())
		}
		if line.Event != "message" {
			continue
		}
		info, err := os.Stat(line.Path)
		if err != nil {
			t.Errorf("told before it is on disk: %v", err)
		} else if info.Size() != line.Size {
			t.Errorf("%s: told as %d bytes, has %d", line.Path, line.Size, info.Size())
		}
		named[line.Path] = true
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(named) != len(mail) {
		t.Errorf("%d messages told, want %d", len(named), len(mail))
	}
	sameMail(t, "put in", allAsServed(mail), "delivered", delivered(t, h.maildir("lab")))
}

// One account that cannot be reached keeps no other from its mail; the exit code is the worst one's.
func TestOneBrokenAccount(t *testing.T) {
	pop := newDovecot(t, 4)
	boxes := []*mailbox{pop.mailbox(), pop.mailbox(), pop.mailbox(), pop.mailbox()}
	names := []string{"first", "wrongpassword", "refused", "last"}
	var config string
	for i, box := range boxes {
		box.add(t, smallMail(names[i], 15)...)
		text := box.account(names[i], "none", "never")
		switch names[i] {
		case "wrongpassword":
			text = strings.Replace(text, "password_file =", `password = "wrong" #`, 1)
		case "refused":
			text = strings.Replace(text, pop.plain, refusing, 1)
		}
		config += text
	}
	h := newHome(t, config)
	r := h.run(t).exits(t, 77)
	for _, name := range names {
		told := strings.Contains(r.stderr, "haulmail: "+name+": ")
		if broken := name == "wrongpassword" || name == "refused"; told != broken {
			t.Errorf("%s: told as broken: %v\n%v", name, told, r)
		} else if !broken {
			sameMail(t, "put in", allAsServed(smallMail(name, 15)), "delivered", delivered(t, h.maildir(name)))
		}
	}
	h.run(t, "first", "last").ok(t)
	h.run(t, "refused").exits(t, 75)
}

// Dovecot 2.3 does not stuff a dot that begins a message. What it sends then is not what it has: of a first line ".x" the
// dot is lost, and a first line "." ends the message at once, with the rest behind it. Whatever such a message does, all
// other mail comes in the same run, nothing comes twice or in part, and nothing is deleted that did not come.
func TestMessageBeginsWithDot(t *testing.T) {
	pop := newDovecot(t, 4)
	for _, first := range []string{".x\n", ".\nrest\n", ".\n+OK 3 octets\n.\n", "."} {
		t.Run(fmt.Sprintf("%q", first), func(t *testing.T) {
			box := pop.mailbox()
			good := smallMail("good", 20)
			box.add(t, good[:10]...)
			box.add(t, []byte(first))
			box.add(t, good[10:]...)
			h := newHome(t, box.account("lab", "none", "fetched"))
			for range 3 {
				r := h.run(t)
				if r.code != 0 && r.code != 65 {
					t.Error(r)
				}
				have := counted(delivered(t, h.maildir("lab")))
				for n, mail := range good {
					if count := have[sha256.Sum256(mail)]; count != 1 {
						t.Errorf("message %d was delivered %d times\n%v", n, count, r)
					}
					delete(have, sha256.Sum256(mail))
				}
				delete(have, sha256.Sum256([]byte("x\n"))) // all that can be known of ".x"
				if len(have) > 0 {
					t.Errorf("%d files are no message\n%v", len(have), r)
				}
				// The reference client would lose its way here as well.
				gone := 1 + len(good) - len(mailFiles(t, box.dir))
				if came := len(delivered(t, h.maildir("lab"))); gone > came {
					t.Errorf("%d messages are deleted on the server, %d have come", gone, came)
				}
			}
		})
	}
}
