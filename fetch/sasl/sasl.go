// Package sasl knows the SASL mechanisms (RFC 4422) that an account can log in by, and chooses among those that a server
// announces. The mechanisms themselves are github.com/emersion/go-sasl's; package fetch hands the chosen one to its POP3 client.
package sasl

import "github.com/emersion/go-sasl"

// Mechanism is the client's side of one login. Start gives the mechanism's name and its initial response, Next answers a
// challenge. It serves one login and one goroutine.
type Mechanism = sasl.Client

// Choose gives the best mechanism for a user name and a password among those announced, and its name. It gives nil where there is
// none, and the login has to go by USER and PASS.
//
// PLAIN (RFC 4616) is preferred to USER and PASS because it takes one round trip and not two; neither hides the password, TLS
// does.
func Choose(announced func(mechanism string) bool, user, password string) (Mechanism, string) {
	if announced(sasl.Plain) {
		return sasl.NewPlainClient("", user, password), sasl.Plain
	}
	return nil, ""
}
