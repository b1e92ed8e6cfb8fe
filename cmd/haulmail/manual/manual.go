// Package manual holds haulmail's manual pages, so that the program carries them with it.
//
// They are written by hand, in mdoc(7), but for the fields of JSON, which are as the schema has them. The tests of package main see that
// every command, flag, key, exit code and variable stands in them, and nothing that does not exist.
package manual

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed haulmail.1
var command string

// Config is haulmail.toml(5).
//
//go:embed haulmail.toml.5
var Config string

// fieldsMark is the line of haulmail.1 in whose place the fields of JSON stand.
const fieldsMark = ".\\\" FIELDS\n"

// Command gives haulmail(1). schema is the JSON Schema of the lines of --json.
func Command(schema string) (string, error) {
	fields, err := fieldsOf(schema)
	if err != nil {
		return "", fmt.Errorf("read the schema of JSON: %w", err)
	}
	return strings.Replace(command, fieldsMark, fields, 1), nil
}
