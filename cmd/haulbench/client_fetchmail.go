package main

import "fmt"

// fetchmailClient is fetchmail with procmail, for it does not write Maildirs by itself: a procmail is run for each
// message.
func fetchmailClient() client {
	return client{
		name:       "fetchmail",
		needs:      []string{"fetchmail", "procmail"},
		packages:   []string{"fetchmail", "procmail"},
		configure:  configureFetchmail,
		command:    callFetchmail,
		nothingNew: 1,
		slow:       true,
	}
}

func callFetchmail(j job) []string {
	return []string{"fetchmail", "--nodetach", "--daemon", "0", "--silent", "-f", j.file("fetchmailrc")}
}

// configureFetchmail asks for all sizes by one LIST instead of one for each message, and keeps the header as it is. fetchmail
// does not look for IP addresses in a certificate, so it is told the name.
func configureFetchmail(j job) error {
	lines := []string{
		fmt.Sprintf("set idfile %q", j.file("fetchids")),
		fmt.Sprintf("set pidfile %q", j.file("pid")),
		"set no bouncemail",
		"set invisible",
		fmt.Sprintf(`poll lab via "%s" service %d protocol pop3 auth password uidl`, j.host, j.port),
	}
	for _, user := range j.users {
		line := fmt.Sprintf(`  user %q with password %q is root here no rewrite fetchsizelimit 0 mda "procmail -m DEFAULT=%s/ /dev/null"`,
			user, j.password, j.maildir(user))
		if !j.deletes {
			line += " keep"
		}
		if j.tls {
			line += fmt.Sprintf(" ssl sslproto tls1.2+ sslcertck sslcertfile %q sslcommonname localhost", j.ca)
		} else {
			line += ` sslproto ""`
		}
		lines = append(lines, line)
	}
	return j.write("fetchmailrc", lines...)
}
