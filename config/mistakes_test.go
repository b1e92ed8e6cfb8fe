package config_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"haulmail/config"
)

var update = flag.Bool("update", false, "write what is reported into testdata")

// Each file of testdata/mistakes holds a config and all that is reported about
// it: message, excerpt and hint, as a person reads them.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("found %d files, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := report(t, archive.Files[0].Data, 0o600)
			if strings.Contains(got, "hunter2") || strings.Contains(got, "1234567") {
				t.Errorf("the password is shown:\n%s", got)
			}
			if *update {
				archive.Files = append(archive.Files[:1], txtar.File{Name: "reported", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(archive.Files[1].Data); got != want {
				t.Errorf("reported:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// report gives all that is wrong with text, as the command prints it.
func report(t *testing.T, text []byte, mode fs.FileMode) string {
	t.Helper()
	c, err := config.Parse("/home/me/.config/haulmail/config.toml", "/home/me", text, mode)
	var all config.Errors
	if !errors.As(err, &all) || c != nil {
		t.Fatalf("got %v and error %v, want mistakes", c, err)
	}
	var b strings.Builder
	for _, e := range all {
		short := *e
		short.File = filepath.Base(e.File)
		fmt.Fprintf(&b, "%v\n", &short)
		if excerpt := e.Excerpt(); excerpt != "" {
			fmt.Fprintf(&b, "%s\n", excerpt)
		}
		if e.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", e.Hint)
		}
	}
	return b.String()
}
