package config

import (
	_ "embed"
	"fmt"
	"strings"
)

// exampleFrame is the example without the keys that the tables tell of: they
// take the place of its lines @file, @oauth and @account.
//
//go:embed example.toml
var exampleFrame string

// Example gives a commented sample file: real mailboxes, and below them every
// key there is with its meaning. It loads without an error, also once any key
// that is commented out is set.
func Example() string {
	keys := map[string]*strings.Builder{"": {}, TableAccount: {}, TableOAuth: {}}
	group := ""
	for _, k := range Reference() {
		if k.Table == TableOAuth && k.Required {
			continue // stands in the frame
		}
		if k.Group != group && k.Group != "" {
			fmt.Fprintf(keys[k.Table], "# --- %s\n\n", k.Group)
		}
		group = k.Group
		fmt.Fprintf(keys[k.Table], "%s#%s = %s\n\n", commented(k.told()), k.Name, k.Example)
	}
	return strings.TrimSuffix(strings.NewReplacer(
		"@file\n", keys[""].String(), "@oauth\n", keys[TableOAuth].String(), "@account\n", keys[TableAccount].String(),
	).Replace(exampleFrame), "\n")
}

// told gives what to know of a key: its meaning, its words, its default.
func (k Key) told() string {
	text := k.Meaning
	if len(k.Words) > 0 {
		text += " " + k.Values() + "."
	}
	if k.Default != "" {
		text += " Default: " + strings.Trim(k.Default, `"`) + "."
	}
	return text
}

// Values gives what a key takes, such as `"never", "fetched" or an age`.
func (k Key) Values() string {
	var all []string
	for _, w := range k.Words {
		all = append(all, fmt.Sprintf("%q", w))
	}
	if k.Takes != "" {
		all = append(all, k.Takes)
	}
	return listed(all)
}

// listed gives "a", "b" or "c" without the quotes.
func listed(all []string) string {
	last := len(all) - 1
	if last < 1 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

// commented gives text as lines of a comment, 78 columns wide.
func commented(text string) string {
	const width = 78
	var lines strings.Builder
	line := "#"
	for word := range strings.FieldsSeq(text) {
		if len([]rune(line))+1+len([]rune(word)) > width {
			lines.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	lines.WriteString(line + "\n")
	return lines.String()
}
