package manual

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// field is a property of an event, by what the schema says of it.
type field struct {
	name        string
	Description string
	Ref         string `json:"$ref"` // to a definition that several events share
	Items       struct{ Properties fields }
}

// fields are properties in the order of the schema.
type fields []field

// UnmarshalJSON keeps the order, which a map would lose.
func (all *fields) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(strings.NewReader(string(text)))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return fmt.Errorf("properties that are no object: %v", err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		f := field{name: fmt.Sprint(name)}
		if err := d.Decode(&f); err != nil {
			return err
		}
		*all = append(*all, f)
	}
	return nil
}

// inEveryLine are the fields that no event lists again.
var inEveryLine = []string{"v", "event", "time"}

// fieldsOf gives what mdoc shows of the schema: the fields of several events, then each event with the fields of its own.
func fieldsOf(schema string) (string, error) {
	var document struct {
		OneOf []field
		Defs  map[string]struct {
			Description string
			Properties  fields
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(schema), &document); err != nil {
		return "", err
	}
	shared, events := "", ""
	var told []string
	for _, e := range document.OneOf {
		name := definition(e.Ref)
		event := document.Defs[name]
		own, borrowed := "", []string{}
		for _, f := range event.Properties {
			switch {
			case f.Ref == "" && f.name != "event":
				own += item("Va", f.name, f.Description) + list(f.Items.Properties)
				continue
			case f.Ref != "" && !slices.Contains(inEveryLine, f.name):
				borrowed = append(borrowed, ".Va "+f.name)
			}
			if !slices.Contains(told, f.name) {
				told = append(told, f.name)
				shared += item("Va", f.name, f.Description+document.Defs[definition(f.Ref)].Description)
			}
		}
		events += item("Cm", name, event.Description) + enumeration(borrowed) + compact(own)
	}
	return ".Bl -tag -width uid_hex\n" + shared + ".El\n.Pp\nThe events, and the fields that only they have:\n.Bl -tag -width Ds\n" + events + ".El\n", nil
}

// definition gives the name that "#/$defs/name" refers to.
func definition(ref string) string { return strings.TrimPrefix(ref, "#/$defs/") }

func item(macro, name, text string) string {
	return ".It " + macro + " " + name + "\n" + sentences(text)
}

// list gives the fields of the objects in an array.
func list(all fields) string {
	items := ""
	for _, f := range all {
		items += item("Va", f.name, f.Description)
	}
	return compact(items)
}

func compact(items string) string {
	if items == "" {
		return ""
	}
	return ".Bl -tag -width Ds -compact\n" + items + ".El\n"
}

// enumeration gives "Has a, b and c." of macro lines.
func enumeration(macros []string) string {
	if len(macros) == 0 {
		return ""
	}
	text := "Has\n"
	for i, m := range macros {
		switch left := len(macros) - 1 - i; left {
		case 0:
			text += m + " .\n"
		case 1:
			text += m + "\nand\n"
		default:
			text += m + " ,\n"
		}
	}
	return text
}

var (
	sentenceEnd = regexp.MustCompile(`([.:]) ([A-Z])`)
	special     = strings.NewReplacer(`\`, `\e`, `"`, `\(dq`, "\n", " ")
)

// sentences gives text that roff takes for text, each sentence on a line of its own, as roff wants it.
func sentences(text string) string {
	text = sentenceEnd.ReplaceAllString(special.Replace(text), "$1\n$2")
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text + "\n"
}
