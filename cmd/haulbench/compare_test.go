package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const returnPath = "Return-Path: <unknown>\n"

func TestComparison(t *testing.T) {
	put := []string{"From: a\n\none\n", "From: a\n\ntwo\n", "From: a\n\nthe same\n", "From: a\n\nthe same\n"}
	for _, test := range []struct {
		name      string
		delivered []string
		adds      string
		want      string // part of the error; "" is no error
	}{
		{"all", put, "", ""},
		{"another order", []string{put[2], put[1], put[3], put[0]}, "", ""},
		{"nothing", nil, "", "4 missing, 0 too many, 0 changed"},
		{"missing", put[1:], "", "1 missing, 0 too many, 0 changed"},
		{"one of two equal ones missing", put[:3], "", "1 missing, 0 too many, 0 changed"},
		{"doubled", append(put, put[0]), "", "0 missing, 1 too many, 0 changed"},
		{"one missing, another doubled", []string{put[0], put[0], put[2], put[3]}, "", "1 missing, 1 too many, 0 changed"},
		{"an octet changed", []string{"From: a\n\nonE\n", put[1], put[2], put[3]}, "", "1 missing, 0 too many, 1 changed"},
		{"cut short", []string{"From: a\n\none", put[1], put[2], put[3]}, "", "1 missing, 0 too many, 1 changed"},
		{"CRLF", []string{"From: a\r\n\r\none\r\n", put[1], put[2], put[3]}, "", "1 missing, 0 too many, 1 changed"},
		{"foreign", append(put, "From: b\n\n"), "", "0 missing, 0 too many, 1 changed"},
		{"empty file", append(put, ""), "", "0 missing, 0 too many, 1 changed"},
		{"with what it adds", []string{returnPath + put[0], put[1], returnPath + put[2], put[3]}, returnPath, ""},
		{"with it twice", []string{returnPath + returnPath + put[0], put[1], put[2], put[3]}, returnPath, "1 changed"},
		{"with what another adds", []string{returnPath + put[0], put[1], put[2], put[3]}, "", "1 changed"},
		{"doubled with what it adds", append(put, returnPath+put[0]), returnPath, "1 too many"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want, err := tallyFiles("", maildirWith(t, put))
			if err != nil {
				t.Fatal(err)
			}
			delivered, err := tallyFiles(test.adds, maildirWith(t, test.delivered))
			if err != nil {
				t.Fatal(err)
			}
			switch err := want.compare(delivered); {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// maildirWith makes a Maildir with these messages, in new/ and cur/ by turns.
func maildirWith(t *testing.T, mail []string) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"new", "cur", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, part), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for n, text := range mail {
		file := filepath.Join(dir, []string{"new", "cur"}[n%2], strconv.Itoa(n))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := countFiles(dir); n != len(mail) || err != nil {
		t.Fatalf("%d messages counted, %v; want %d", n, err, len(mail))
	}
	return dir
}

func TestMaildirThatIsNotThere(t *testing.T) {
	if _, err := tallyFiles("", filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error of a Maildir that is not there")
	}
}

func TestFingerprintShowsEveryWrite(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"a new file":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "new", "x"), nil, 0o600) },
		"a file gone": func(dir string) error { return os.Remove(filepath.Join(dir, "new", "0")) },
		"a file moved": func(dir string) error {
			return os.Rename(filepath.Join(dir, "new", "0"), filepath.Join(dir, "cur", "0"))
		},
		"the same file written again": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "new", "0"), []byte("From: a\n\n"), 0o600)
		},
		"a file made and removed": func(dir string) error {
			file := filepath.Join(dir, "tmp", "x")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				return err
			}
			return os.Remove(file)
		},
	} {
		dir := maildirWith(t, []string{"From: a\n\n"})
		before, err := fingerprint(dir)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := fingerprint(dir); err != nil || again != before {
			t.Errorf("a look changes the fingerprint, %v", err)
		}
		time.Sleep(50 * time.Millisecond) // the kernel's clock for files is coarse
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		if after, err := fingerprint(dir); err != nil || after == before {
			t.Errorf("%s is not seen, %v", name, err)
		}
	}
}
