package main

import "fmt"

func haulmailClient(binary string) client {
	return client{
		name:      "haulmail",
		needs:     []string{binary},
		configure: configureHaulmail,
		command:   func(j job) []string { return []string{binary, "-c", j.file("config.toml")} },
	}
}

func configureHaulmail(j job) error {
	lines := []string{fmt.Sprintf("state_dir = %q", j.file("state"))}
	if n := len(j.users); n > 1 {
		lines = append(lines, fmt.Sprintf("jobs = %d", n), fmt.Sprintf("per_server = %d", n))
	}
	mode := "none"
	if j.tls {
		mode = "implicit"
	}
	deletion := "never"
	if j.deletes {
		deletion = "fetched"
	}
	for _, user := range j.users {
		lines = append(lines,
			fmt.Sprintf("[account.%s]", user),
			fmt.Sprintf(`server = "%s:%d"`, j.host, j.port),
			fmt.Sprintf("tls = %q", mode),
			fmt.Sprintf("username = %q", user),
			fmt.Sprintf("password = %q", j.password),
			fmt.Sprintf("maildir = %q", j.maildir(user)),
			fmt.Sprintf("delete = %q", deletion),
		)
		if j.tls {
			lines = append(lines, fmt.Sprintf("tls_ca_file = %q", j.ca))
		}
	}
	return j.write("config.toml", lines...)
}
