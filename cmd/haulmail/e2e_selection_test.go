package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// agedMail gives mail that reached the mailbox so many days ago, the first Received line says; the others are older.
func agedMail(days ...int) (mail [][]byte) {
	for i, d := range days {
		at := time.Now().Add(-time.Duration(d) * 24 * time.Hour).Format(time.RFC1123Z)
		mail = append(mail, fmt.Appendf(nil,
			"Received: by mx.example.org;\n\t%s\nReceived: by old.example.org; Mon, 1 Jan 2001 00:00:00 +0000\n"+
				"From: =?GBK?B?suLK1A==?= <%d@example.org>\nSubject: number %d\n\nbody of %d\n", at, i, i, i))
	}
	return mail
}

// headerOf gives a message's header, with the empty line behind it.
func headerOf(data []byte) []byte {
	return data[:bytes.Index(data, []byte("\n\n"))+2]
}

// Each run takes its share of a real server's mail, in its order, and all runs together take everything once.
func TestSelectAtDovecot(t *testing.T) {
	pop := newDovecot(t, 4)
	for _, deletion := range []string{"never", "fetched"} {
		t.Run("oldest/"+deletion, func(t *testing.T) {
			box := pop.mailbox()
			mail := smallMail("mail", 10)
			box.add(t, mail...)
			h := newHome(t, box.account("lab", "none", deletion)+"max_messages = 4\n")
			for _, had := range []int{4, 8, 10} {
				h.run(t).ok(t)
				sameMail(t, "first", allAsServed(mail[:had]), "delivered", delivered(t, h.maildir("lab")))
			}
			before := snapshot(t, h.dir)
			if deletion == "never" {
				h.run(t).ok(t)
				unchanged(t, "a run with nothing new", h.dir, before)
			} else {
				sameMail(t, "to be kept", nil, "on the server afterwards", box.served(t))
			}
		})
		t.Run("newest/"+deletion, func(t *testing.T) {
			box := pop.mailbox()
			mail := smallMail("mail", 10)
			box.add(t, mail...)
			h := newHome(t, box.account("lab", "none", deletion))
			h.run(t, "fetch", "--newest", "--limit", "4").ok(t)
			sameMail(t, "newest", allAsServed(mail[6:]), "delivered", delivered(t, h.maildir("lab")))
			h.run(t, "fetch", "--newest", "--max-bytes", "1B").ok(t)
			sameMail(t, "newest", allAsServed(mail[5:]), "delivered", delivered(t, h.maildir("lab")))
			h.run(t).ok(t)
			sameMail(t, "put in", allAsServed(mail), "delivered", delivered(t, h.maildir("lab")))
		})
	}
}

func TestSinceAtDovecot(t *testing.T) {
	box := newDovecot(t, 1).mailbox()
	mail := agedMail(90, 1, 45, 2, 31, 29)
	box.add(t, mail...)
	h := newHome(t, box.account("lab", "none", "never")+`since = "30d"`+"\n")

	table := h.run(t, "list", "--headers")
	table.ok(t)
	for _, line := range []string{
		"lab            1      200 B    90d  skip    测试 <0@example.org>  number 0                                  older than since (30d)",
		"lab            2      200 B    24h  get     测试 <1@example.org>  number 1                                  new",
	} {
		if !strings.Contains(table.stdout, line) {
			t.Errorf("no line %q in\n%s", line, table.stdout)
		}
	}
	h.run(t).ok(t)
	young := [][]byte{mail[1], mail[3], mail[5]}
	sameMail(t, "young", allAsServed(young), "delivered", delivered(t, h.maildir("lab")))
	before := snapshot(t, h.dir)
	h.run(t).ok(t)
	unchanged(t, "a run with nothing new", h.dir, before)
	h.run(t, "fetch", "--since", "60d").ok(t)
	sameMail(t, "younger", allAsServed(append(young, mail[2], mail[4])), "delivered", delivered(t, h.maildir("lab")))
	h.run(t, "fetch", "--since", "none").ok(t)
	sameMail(t, "put in", allAsServed(mail), "delivered", delivered(t, h.maildir("lab")))
}

// What is too large is told of in one run, and left in all.
func TestMaxSizeAtDovecot(t *testing.T) {
	box := newDovecot(t, 1).mailbox()
	mail := smallMail("mail", 5)
	mail[2] = append(mail[2], strings.Repeat("a large message\n", 5000)...)
	box.add(t, mail...)
	h := newHome(t, box.account("lab", "none", "fetched")+`max_size = "50kB"`+"\n")
	first := h.run(t)
	if first.code != 0 || strings.Count(first.stderr, "larger than max_size (50kB)") != 1 {
		t.Errorf("the first run: %v", first)
	}
	second := h.run(t)
	second.ok(t)
	if second.stdout+second.stderr != "" {
		t.Errorf("the second run says %s%s", second.stdout, second.stderr)
	}
	sameMail(t, "too large", allAsServed(mail[2:3]), "on the server afterwards", box.served(t))
	h.run(t, "fetch", "--max-size", "none").ok(t)
	sameMail(t, "put in", allAsServed(mail), "delivered", delivered(t, h.maildir("lab")))
	sameMail(t, "to be kept", nil, "on the server afterwards", box.served(t))
}

// Headers alone are fetched, once; their messages stay, whatever is asked for later.
func TestHeadersOnlyAtDovecot(t *testing.T) {
	box := newDovecot(t, 1).mailbox()
	mail := agedMail(5, 4, 3, 2, 1)
	box.add(t, mail...)
	account := box.account("lab", "none", "never")
	h := newHome(t, account+"headers_only = true\n")
	h.run(t).ok(t)
	var headers [][]byte
	for _, data := range mail {
		headers = append(headers, headerOf(data))
	}
	sameMail(t, "headers", headers, "delivered", delivered(t, h.maildir("lab")))
	before := snapshot(t, h.dir)
	h.run(t).ok(t)
	unchanged(t, "a run with nothing new", h.dir, before)

	h.configure(t, strings.Replace(account, `"never"`, `"fetched"`, 1))
	h.run(t).ok(t)
	sameMail(t, "put in", mail, "on the server afterwards", box.served(t))

	// Nothing of it hangs on the state: what the Maildir has is recognised, and kept on the server as well.
	if err := os.RemoveAll(h.state); err != nil {
		t.Fatal(err)
	}
	if r := h.run(t); r.code != 0 || !strings.Contains(r.stderr, "the Maildir holds 5 already, 0 to get") {
		t.Errorf("with the state lost: %v", r)
	}
	sameMail(t, "put in", mail, "on the server afterwards", box.served(t))
}
