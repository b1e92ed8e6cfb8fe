package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"haulmail/cmd/haulmail/report"
)

// schema is what report/schema.json says of the events, compiled one by one: the errors are better than those of the whole.
type schema struct {
	compiler *jsonschema.Compiler
	events   []string
}

func newSchema() (*schema, error) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(report.Schema))
	if err != nil {
		return nil, err
	}
	s := &schema{compiler: jsonschema.NewCompiler()}
	s.compiler.AssertFormat()
	if err := s.compiler.AddResource("schema.json", document); err != nil {
		return nil, err
	}
	for _, ref := range document.(map[string]any)["oneOf"].([]any) {
		s.events = append(s.events, strings.TrimPrefix(ref.(map[string]any)["$ref"].(string), "#/$defs/"))
	}
	_, err = s.compiler.Compile("schema.json")
	return s, err
}

// check tells what is wrong with a line of --json.
func (s *schema) check(line []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		return fmt.Errorf("%s: %w", line, err)
	}
	object, _ := value.(map[string]any)
	event, _ := object["event"].(string)
	if !slices.Contains(s.events, event) {
		return fmt.Errorf("%s: schema.json knows no such event", line)
	}
	compiled, err := s.compiler.Compile("schema.json#/$defs/" + event)
	if err != nil {
		return err
	}
	if err := compiled.Validate(value); err != nil {
		return fmt.Errorf("%s: %w", line, err)
	}
	return nil
}

// checkAll is check for each line of a whole output.
func (s *schema) checkAll(output []byte) error {
	for line := range bytes.Lines(output) {
		if err := s.check(line); err != nil {
			return err
		}
	}
	return nil
}

// unchecked is the environment variable by which a test script says that its standard output is a case of its own.
const unchecked = "HAULMAIL_TEST_UNCHECKED"

// checkedMain is main for test scripts: what it writes with --json has to be as schema.json says, or it exits with 99.
func checkedMain() {
	stdout := os.Stdout
	info, err := stdout.Stat()
	if !slices.Contains(os.Args, "--json") || os.Getenv(unchecked) != "" || err != nil || info.Mode()&fs.ModeCharDevice != 0 {
		main()
	}
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	var said bytes.Buffer
	copied := make(chan error)
	go func() {
		_, err := io.Copy(io.MultiWriter(stdout, &said), r)
		copied <- err
	}()
	os.Stdout = w
	code := run(os.Args)
	_ = w.Close()
	if err := <-copied; err != nil {
		panic(err)
	}
	s, err := newSchema()
	if err == nil {
		err = s.checkAll(said.Bytes())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 99
	}
	os.Exit(code)
}

// The golden files of package report are JSON lines as they should be.
func TestGoldenLinesConform(t *testing.T) {
	s, err := newSchema()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("report/testdata/*json*.golden")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files (%v)", err)
	}
	for _, file := range files {
		golden, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, stdout, _ := bytes.Cut(golden, []byte("== stdout\n"))
		stdout, _, _ = bytes.Cut(stdout, []byte("== stderr\n"))
		if len(stdout) == 0 {
			t.Errorf("%s holds no JSON", file)
		}
		if err := s.checkAll(stdout); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// The schema refuses what it should.
func TestSchemaIsStrict(t *testing.T) {
	s, err := newSchema()
	if err != nil {
		t.Fatal(err)
	}
	const good = `{"v":1,"event":"delete","time":"2026-11-23T11:00:01Z","account":"work","uid":"1"}`
	if err := s.check([]byte(good)); err != nil {
		t.Error(err)
	}
	for _, change := range []struct{ old, bad string }{
		{`"v":1`, `"v":2`},
		{`"event":"delete"`, `"event":"nothing"`},
		{`2026-11-23T11:00:01Z`, `yesterday`},
		{`"uid":"1"`, `"uid":1`},
		{`"uid":"1"`, `"uid":"1","more":true`},
		{`"account":"work",`, ``},
		{`}`, ``},
	} {
		if s.check([]byte(strings.Replace(good, change.old, change.bad, 1))) == nil {
			t.Errorf("%s may stand for %s", change.bad, change.old)
		}
	}
}

// Every event and field that package report can write stands in the schema, and everything there is described.
func TestSchemaIsWhole(t *testing.T) {
	var document struct {
		Defs map[string]struct {
			Description string
			Properties  map[string]map[string]any
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(report.Schema), &document); err != nil {
		t.Fatal(err)
	}
	fields := map[string]bool{}
	for name, def := range document.Defs {
		if def.Description == "" {
			t.Errorf("%s is not described", name)
		}
		for field, property := range def.Properties {
			fields[field] = true
			if property["description"] == nil && property["$ref"] == nil {
				t.Errorf("the field %s of %s is not described", field, name)
			}
			for field := range nested(property) {
				fields[field] = true
			}
		}
	}
	s, err := newSchema()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, event := range s.events {
		known[event] = true
	}
	if written := inReport(t, `(?:\.of|\.head)\("([a-z_]+)"`); !maps.Equal(written, known) {
		t.Errorf("report writes the events %v\nthe schema has   %v", slices.Sorted(maps.Keys(written)), slices.Sorted(maps.Keys(known)))
	}
	if written := inReport(t, `json:"([a-z_]+)`); !maps.Equal(written, fields) {
		t.Errorf("report writes the fields %v\nthe schema has   %v", slices.Sorted(maps.Keys(written)), slices.Sorted(maps.Keys(fields)))
	}
}

// nested gives the fields of an object within a property, or of those that it lists.
func nested(property map[string]any) map[string]any {
	if items, ok := property["items"].(map[string]any); ok {
		property = items
	}
	fields, _ := property["properties"].(map[string]any)
	return fields
}

// inReport gives the words that a pattern finds in the source of package report.
func inReport(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("report/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source of package report (%v)", err)
	}
	words := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(pattern).FindAllSubmatch(source, -1) {
			words[string(match[1])] = true
		}
	}
	return words
}
