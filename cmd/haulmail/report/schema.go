package report

import _ "embed"

// Schema is the JSON Schema of the lines that --json writes: every event and every field, each with a description.
//
//go:embed schema.json
var Schema string
