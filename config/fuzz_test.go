package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"haulmail/config"
)

// FuzzParse: no text makes Parse panic, and each mistake it reports stands
// inside the file and can be printed.
func FuzzParse(f *testing.F) {
	f.Add([]byte(config.Example()))
	f.Add([]byte("\ufeffx = 1\r\n[account.a]\r\na.b = { c = [ \"\"\"\r\n\"\"\" ] }\r\n"))
	files, err := filepath.Glob("testdata/mistakes/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(txtar.Parse(text).Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, origins, err := config.ExplainText("/etc/haul.toml", "/home/me", text, 0o644)
		if err == nil {
			checkConfig(t, c)
			for _, a := range c.Accounts {
				checkSettings(t, origins.Account(a), string(text))
			}
			return
		}
		var all config.Errors
		if !errors.As(err, &all) || len(all) == 0 {
			t.Fatalf("error %v", err)
		}
		for _, e := range all {
			checkPlace(t, e, strings.TrimPrefix(string(text), "\ufeff"))
		}
	})
}

func checkSettings(t *testing.T, all []config.Setting, text string) {
	for _, s := range all {
		if (s.From == config.FromDefault) != (s.Line == 0) || s.Line > strings.Count(text, "\n")+1 {
			t.Errorf("%s from %d, line %d", s.Key.Name, s.From, s.Line)
		}
	}
}

func checkConfig(t *testing.T, c *config.Config) {
	if len(c.Accounts) == 0 {
		t.Error("no account and no mistake")
	}
	for _, a := range c.Accounts {
		if a.Name == "" || strings.ContainsAny(a.Name, "/\x00\n") || a.Name[0] == '.' || a.Name[0] == '-' || len(a.Name) > 4*64 {
			t.Errorf("account name %q", a.Name)
		}
		if a.Server.Host == "" || !filepath.IsAbs(a.Maildir) || a.Timeout <= 0 {
			t.Errorf("account %+v", a)
		}
		port, one := a.Server.Port, a.Server.Kind == config.ByHost
		if one && (port < 1 || port > 65535) || !one && port != 0 || (a.TLS == config.TLSBySRV) && a.Server.Kind != config.BySRV {
			t.Errorf("server %+v", a)
		}
		if a.Server.Kind == config.BySRV && (a.TLS == config.TLSNone || a.Proxy.Kind != config.NoProxy) {
			t.Errorf("SRV %+v", a)
		}
		if a.Username == "" || strings.ContainsFunc(a.Username+a.Maildir+a.Server.Host, unicode.IsControl) ||
			strings.ContainsAny(a.Password.Literal.Reveal(), "\r\n\x00") {
			t.Errorf("a control character in %+v", a)
		}
	}
}

func checkPlace(t *testing.T, e *config.Error, text string) {
	lines := strings.Split(text, "\n")
	if e.Line < 1 || e.Line > len(lines) {
		t.Fatalf("%v: the file has %d lines", e, len(lines))
	}
	if e.Col < 1 || e.Col > utf8.RuneCountInString(lines[e.Line-1])+1 {
		t.Errorf("%v: the line is %q", e, lines[e.Line-1])
	}
	width := utf8.RuneCountInString(e.Source)
	if e.Start < 0 || e.Len < 1 || e.Start+e.Len > max(width, 1) {
		t.Errorf("%v: carets %d+%d under %q", e, e.Start, e.Len, e.Source)
	}
	printed := e.Error() + e.Excerpt() + e.Hint
	if !utf8.ValidString(printed) || strings.ContainsFunc(printed, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		t.Errorf("cannot be printed: %q", printed)
	}
	if strings.Contains(e.Message, "\n") {
		t.Errorf("message of several lines: %q", e.Message)
	}
}
