package report

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"haulmail/config"
)

// Who may give a value, as words of JSON.
const (
	ByDefault     = "default"
	ByFile        = "file"
	ByDefaults    = "defaults"
	ByFlag        = "flag"
	ByEnvironment = "environment"
)

// Setting is a key as it counts.
type Setting struct {
	config.Setting
	By   string // ByFlag or ByEnvironment, in place of what the file says; "" is the file's, or the default
	Name string // of the flag, or of the variable with a dollar sign
}

// Section is the settings of one table.
type Section struct {
	Table    string // as in config.Key; "" for what stands above the tables
	Name     string // of the account or the provider
	Settings []Setting
}

// Place is where something is, and why there.
type Place struct {
	What     string // "config", "state"
	Path     string // "" where no home folder is known
	By, Name string // as in Setting; with ByFile, Name is the key
	Doubt    string // what speaks against it, if anything
	Exists   bool
	Barred   string // why it cannot be read, or why nobody knows whether it exists; "" for neither
}

func (s Setting) by() string {
	switch {
	case s.By != "":
		return s.By
	case s.From == config.FromFile:
		return ByFile
	case s.From == config.FromDefaults:
		return ByDefaults
	}
	return ByDefault
}

// origin says it for a person.
func (s Setting) origin(file string) string {
	at := fmt.Sprintf("%s:%d", filepath.Base(file), s.Line)
	switch by := s.by(); by {
	case ByFile:
		return at
	case ByDefaults:
		return "[defaults], " + at
	case ByDefault:
		return "default"
	}
	return s.Name
}

// Settings prints sections as TOML, with the origin of each value in a comment.
func Settings(out *Output, file string, sections []Section) {
	var text strings.Builder
	fmt.Fprintf(&text, "# %s\n", file)
	for _, section := range sections {
		if section.Table == "" {
			text.WriteString("\n")
		} else {
			fmt.Fprintf(&text, "\n%s\n", config.Header(section.Table, section.Name))
		}
		key, value := 0, 0
		const most = 40 // columns for a value; what is longer stands over
		for _, s := range section.Settings {
			key = max(key, len(s.Key.Name))
			if n := utf8.RuneCountInString(s.TOML()); n <= most {
				value = max(value, n)
			}
		}
		for _, s := range section.Settings {
			fmt.Fprintf(&text, "%-*s = %-*s  # %s\n", key, s.Key.Name, value, s.TOML(), s.origin(file))
		}
	}
	_, _ = out.Write([]byte(EscapeBlock(text.String()))) // Output remembers its failure
}

// Places prints a line for each place.
func Places(out *Output, places []Place) {
	for _, p := range places {
		why := "the usual place"
		switch p.By {
		case ByFlag, ByEnvironment:
			why = "by " + p.Name
		case ByFile:
			why = p.Name + " in the config"
		}
		path := p.Path
		switch {
		case path == "":
			path, why = "-", "no home folder is known"
		case p.Barred != "":
			why += "; cannot be read: " + p.Barred
		case !p.Exists:
			why += "; does not exist"
		}
		if p.Doubt != "" {
			why += "; " + p.Doubt
		}
		fmt.Fprintf(out, "%-6s  %s  (%s)\n", p.What, Escape(path), Escape(why))
	}
}

type (
	jsonSetting struct {
		jsonHead
		Account  string `json:"account,omitempty"`
		Provider string `json:"provider,omitempty"` // of the table [oauth.NAME]; neither: above the tables
		Key      string `json:"key"`
		Value    any    `json:"value"`
		Origin   string `json:"origin"`
		Name     string `json:"name,omitempty"` // of the flag or the variable
		File     string `json:"file,omitempty"`
		Line     int    `json:"line,omitempty"`
	}
	jsonPlace struct {
		jsonHead
		What   string `json:"what"`
		Path   string `json:"path"`
		Origin string `json:"origin"`
		Name   string `json:"name,omitempty"` // of the flag, the variable or the key
		Exists bool   `json:"exists"`
		Error  string `json:"error,omitempty"`
	}
)

// SettingsJSON prints a "setting" line for each.
func SettingsJSON(out *Output, file string, sections []Section) {
	j := answerJSON(out)
	for _, section := range sections {
		for _, s := range section.Settings {
			line := jsonSetting{jsonHead: j.head("setting"), Key: s.Key.Name, Value: jsonValue(s.Value), Origin: s.by(), Name: s.Name}
			switch section.Table {
			case config.TableAccount:
				line.Account = text(section.Name)
			case config.TableOAuth:
				line.Provider = text(section.Name)
			}
			if line.Origin == ByFile || line.Origin == ByDefaults {
				line.File, line.Line = text(file), s.Line
			}
			j.print(line)
		}
	}
}

// jsonValue makes texts fit for JSON.
func jsonValue(v any) any {
	switch v := v.(type) {
	case string:
		return text(v)
	case []string:
		return texts(v)
	}
	return v
}

// PlacesJSON prints a "place" line for each.
func PlacesJSON(out *Output, places []Place) {
	j := answerJSON(out)
	for _, p := range places {
		j.print(jsonPlace{j.head("place"), p.What, text(p.Path), p.By, p.Name, p.Exists, text(p.Barred)})
	}
}
