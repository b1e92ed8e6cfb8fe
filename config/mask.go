package config

import (
	"regexp"
	"slices"
	"strings"

	"haulmail/config/nearest"
)

// An error shows the line it stands in. A line may hold a password, or the
// command that knows one, and may do so under a misspelt key or in a file too
// broken to be parsed. So what is masked is decided by the look of the text
// alone, and a mask too many is no harm.

// keyPattern finds what looks like a key in front of its "=".
var keyPattern = regexp.MustCompile(`([\pL\pN_-]+)["']?[ \t]*=`)

// urlLogin finds a URL that carries a login.
var urlLogin = regexp.MustCompile(`://.*@`)

// secretStart gives the offset in the line text[start:end] from which on it must
// not be shown, -1 if all of it may be.
func secretStart(text string, start, end int) int {
	line := text[start:end]
	cut := -1
	for _, m := range keyPattern.FindAllStringSubmatchIndex(line, -1) {
		if name := line[m[2]:m[3]]; secretive(name) || name == keyProxy && strings.Contains(line, "@") {
			cut = m[1]
			if strings.HasPrefix(line[cut:], " ") {
				cut++
			}
			break
		}
	}
	if cut < 0 && continuesSecret(text[:start], line) {
		return 0
	}
	if m := urlLogin.FindStringIndex(line); m != nil && (cut < 0 || m[0] < cut) {
		cut = m[0] + len("://")
	}
	return cut
}

// continuesSecret reports whether line may be a later line of a secret value
// that began in the text above it.
func continuesSecret(above, line string) bool {
	for {
		if strings.HasPrefix(strings.TrimSpace(line), "[") {
			return false // a table's header
		}
		if m := keyPattern.FindStringSubmatchIndex(line); m != nil {
			return secretive(line[m[2]:m[3]]) && goesOn(line[m[1]:])
		}
		if above == "" {
			return false
		}
		above = strings.TrimSuffix(above, "\n")
		i := strings.LastIndexByte(above, '\n') + 1
		above, line = above[:i], above[i:]
	}
}

// goesOn reports whether a value that begins like this has more lines.
func goesOn(value string) bool {
	value = strings.TrimSpace(value)
	for _, quotes := range []string{`"""`, `'''`} {
		if inside, ok := strings.CutPrefix(value, quotes); ok {
			return !strings.Contains(inside, quotes)
		}
	}
	return strings.HasPrefix(value, "[") && !strings.HasSuffix(value, "]")
}

// secretKeys are the keys whose values are, or may hold, a secret.
var secretKeys = []string{KeyPassword, KeyPasswordCommand, KeyTokenCommand, keyProxyCommand, keyClientSecret, keyClientSecretCommand}

// secretive reports whether the value of a key, known or not, may be a secret.
func secretive(key string) bool {
	key = strings.ToLower(key)
	known := append(accountKeyNames(), providerKeyNames()...)
	if slices.Contains(known, key) {
		return slices.Contains(secretKeys, key)
	}
	for _, part := range []string{"pass", "pwd", "secret", "token", "command"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return slices.Contains(secretKeys, nearest.To(key, known))
}
