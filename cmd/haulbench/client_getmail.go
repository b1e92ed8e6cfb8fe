package main

import (
	"errors"
	"fmt"
)

func getmailClient() client {
	return client{
		name:      "getmail6",
		needs:     []string{"getmail"},
		packages:  []string{"getmail6"},
		configure: configureGetmail,
		command:   callGetmail,
		adds:      "Return-Path: <unknown>\n",
		slow:      true,
	}
}

// callGetmail has it take one account after another, as getmail does.
func callGetmail(j job) []string {
	call := []string{"getmail", "--quiet", "--getmaildir", j.dir}
	for _, user := range j.users {
		call = append(call, "--rcfile", "rc-"+user)
	}
	return call
}

func configureGetmail(j job) (err error) {
	kind := "SimplePOP3Retriever"
	if j.tls {
		kind = "SimplePOP3SSLRetriever"
	}
	for _, user := range j.users {
		lines := []string{
			"[retriever]", "type = " + kind, "server = " + j.host, fmt.Sprintf("port = %d", j.port),
			"username = " + user, "password = " + j.password,
		}
		if j.tls {
			lines = append(lines, "ca_certs = "+j.ca)
		}
		lines = append(lines,
			"[destination]", "type = Maildir", "path = "+j.maildir(user)+"/",
			"[options]", "read_all = false", fmt.Sprintf("delete = %v", j.deletes), "received = false", "delivered_to = false",
		)
		err = errors.Join(err, j.write("rc-"+user, lines...))
	}
	return err
}
