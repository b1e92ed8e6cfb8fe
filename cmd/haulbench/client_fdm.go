package main

import "fmt"

func fdmClient() client {
	return client{
		name:      "fdm",
		needs:     []string{"fdm"},
		packages:  []string{"fdm"},
		configure: configureFdm,
		command:   func(j job) []string { return []string{"fdm", "-q", "-f", j.file("fdm.conf"), "fetch"} },
		slow:      true,
	}
}

// configureFdm leaves the number of accounts that are fetched at once to fdm: all of them. fdm reads the certificate
// authority from $SSL_CERT_FILE.
func configureFdm(j job) error {
	lines := []string{
		fmt.Sprintf("set lock-file %q", j.file("lock")),
		"set no-received",
		"set verify-certificates",
		"set maximum-size 1G",
	}
	kind := "pop3"
	if j.tls {
		kind = "pop3s"
	}
	for _, user := range j.users {
		account := fmt.Sprintf("account %q %s server %q port %d user %q pass %q new-only cache %q",
			user, kind, j.host, j.port, user, j.password, j.file("cache-"+user))
		if !j.deletes {
			account += " keep"
		}
		lines = append(lines,
			account,
			fmt.Sprintf("action %q maildir %q", user, j.maildir(user)),
			fmt.Sprintf("match account %q action %q", user, user),
		)
	}
	return j.write("fdm.conf", lines...)
}
