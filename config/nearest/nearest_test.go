package nearest

import (
	"strings"
	"testing"
)

func TestTo(t *testing.T) {
	names := []string{"cat", "fetch", "list", "check", "version", "help", "Büro", "ip", "n"}
	for word, want := range map[string]string{
		"fecth":                    "fetch",
		"lst":                      "list",
		"chekc":                    "check",
		"versoin":                  "version",
		"hlep":                     "help",
		"fetch":                    "fetch",
		"FETCH":                    "fetch",
		"büor":                     "Büro",
		"n":                        "",
		"xyz":                      "",
		"xy":                       "",
		"keep":                     "",
		"man":                      "",
		"verison":                  "version",
		"vresoin":                  "version",
		"":                         "",
		"personal":                 "",
		strings.Repeat("fetch", 9): "",
	} {
		if got := To(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
