package main

import (
	"fmt"
	"path/filepath"
)

func mpopClient() client {
	return client{
		name:      "mpop",
		needs:     []string{"mpop"},
		packages:  []string{"mpop"},
		configure: configureMpop,
		command:   callMpop,
		first:     firstMpop,
	}
}

// -a takes one account after another, as mpop does.
func callMpop(j job) []string { return []string{"mpop", "-q", "-C", j.file("config"), "-a"} }

// firstMpop delivers to memory. mpop calls fsync for each message: there it costs nothing, and the UIDs that mpop writes
// down at the end are the same.
func firstMpop(j job) []string {
	return append(callMpop(j), "--delivery=mbox,"+filepath.Join(j.scratch, "mbox"))
}

// configureMpop leaves pipelining at auto: the server announces it, and mpop uses it. AUTH PLAIN takes mpop one round trip
// less than USER and PASS.
func configureMpop(j job) error {
	lines := []string{
		"defaults",
		"host " + j.host,
		fmt.Sprintf("port %d", j.port),
		"tls " + onOff(j.tls),
		"tls_starttls off",
		"auth plain",
		"keep " + onOff(!j.deletes),
		"received_header off",
		"uidls_file " + j.file("uidls-%U"),
	}
	if j.tls {
		lines = append(lines, "tls_trust_file "+j.ca)
	}
	for _, user := range j.users {
		lines = append(lines, "account "+user, "user "+user, "password "+j.password, "delivery maildir "+j.maildir(user))
	}
	return j.write("config", lines...)
}
