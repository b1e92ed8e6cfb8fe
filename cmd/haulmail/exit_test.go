package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"haulmail/config"
	"haulmail/fetch"
)

func resultsOf(classes ...fetch.Class) []fetch.Result {
	var results []fetch.Result
	for _, c := range classes {
		r := fetch.Result{Account: "a"}
		if c != fetch.None {
			r.Err = &fetch.Error{Account: "a", Doing: "work", Class: c, Err: errors.New("why")}
		}
		results = append(results, r)
	}
	return results
}

func TestExitCodeOfResults(t *testing.T) {
	list := func(c ...fetch.Class) []fetch.Class { return c }
	plain := fetch.Patience{Busy: true, Held: true}
	interrupted := &signalError{syscall.SIGINT}
	terminated := &signalError{syscall.SIGTERM}
	hungUp := &signalError{syscall.SIGHUP}
	for _, test := range []struct {
		classes []fetch.Class
		leave   fetch.Patience
		stopped error
		want    int
	}{
		{list(fetch.Busy, fetch.Held), plain, nil, 0},
		{list(fetch.Busy, fetch.Held), fetch.Patience{Held: true}, nil, 75},
		{list(fetch.Busy, fetch.Held), fetch.Patience{Busy: true}, nil, 75},
		{list(fetch.Held, fetch.Login), plain, nil, 77},
		{nil, plain, nil, 0},
		{list(fetch.None), plain, nil, 0},
		{list(fetch.Busy), plain, nil, 0},
		{list(fetch.Busy), fetch.Patience{}, nil, 75},
		{list(fetch.None, fetch.Busy), plain, nil, 0},
		{list(fetch.Temporary), plain, nil, 75},
		{list(fetch.Temporary, fetch.None, fetch.Busy), plain, nil, 75},
		{list(fetch.Temporary, fetch.Login), plain, nil, 77},
		{list(fetch.Poison), plain, nil, 65},
		{list(fetch.UnknownHost, fetch.Temporary), plain, nil, 68},
		{list(fetch.Unavailable), plain, nil, 69},
		{list(fetch.Protocol), plain, nil, 76},
		{list(fetch.CannotCreate), plain, nil, 73},
		{list(fetch.IO), plain, nil, 74},
		{list(fetch.Damaged), plain, nil, 65},
		{list(fetch.Config, fetch.Login), plain, nil, 78},
		{list(fetch.Internal, fetch.Config), plain, nil, 70},
		{list(fetch.Interrupted), plain, interrupted, 130},
		{list(fetch.Interrupted, fetch.None), plain, terminated, 143},
		{list(fetch.None), plain, hungUp, 129},
		{list(fetch.Interrupted), plain, nil, 75},
	} {
		if got := resultsCode(resultsOf(test.classes...), test.leave, test.stopped); got != test.want {
			t.Errorf("%v, patience %v, stopped %v: exit %d, want %d", test.classes, test.leave, test.stopped, got, test.want)
		}
	}
}

func TestExitCodeOfErrors(t *testing.T) {
	full := fmt.Errorf("write /dev/stdout: %w", syscall.ENOSPC)
	closed := fmt.Errorf("write /dev/stdout: %w", syscall.EPIPE)
	for _, test := range []struct {
		err     error
		written error
		want    int
		says    string
	}{
		{nil, nil, 0, ""},
		{&toldError{code: 77}, nil, 77, ""},
		{&usageError{"unknown flag", "try help"}, nil, 64, "haulmail: unknown flag\n  hint: try help\n"},
		{&noConfigError{"/x/config.toml"}, nil, 66, "haulmail: no config file /x/config.toml\n  hint: name another file with -c FILE, or begin with"},
		{&noConfigError{"/my x/config.toml"}, nil, 66, "haulmail: no config file /my x/config.toml\n  hint: name another file with -c FILE, or begin with a sample: mkdir -p '/my x' &&"},
		{config.Errors{{File: "c", Line: 1, Col: 2, Source: "ab", Start: 1, Len: 1, Message: "bad"}}, nil, 78, "haulmail: c:1:2: bad\n"},
		{&unreadableError{errors.New("is a directory"), ""}, nil, 66, "haulmail: is a directory\n"},
		{&signalError{syscall.SIGINT}, nil, 130, "haulmail: stopped by SIGINT\n"},
		{errors.New("something else"), nil, 70, "haulmail: something else\n"},
		{nil, full, 74, "haulmail: write standard output: write /dev/stdout: no space left on device\n"},
		{nil, closed, 0, ""},
		{&toldError{code: 77}, closed, 77, ""},
		{&toldError{code: 3, well: true}, closed, 3, ""},
		{&toldError{code: 3, well: true}, full, 74, "haulmail: write standard output"},
		{&toldError{code: 77}, full, 77, "haulmail: write standard output"},
	} {
		var stderr bytes.Buffer
		got := conclude(test.err, test.written, &stderr, false)
		if got != test.want || !strings.HasPrefix(stderr.String(), test.says) || test.says == "" && stderr.Len() > 0 {
			t.Errorf("%v, %v: exit %d, want %d, says\n%s", test.err, test.written, got, test.want, stderr.String())
		}
	}
}

func TestDefectIsTold(t *testing.T) {
	var stderr bytes.Buffer
	if code := tellDefect(&stderr, "index \x1b out of range"); code != 70 {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{`haulmail: a defect of haulmail: index \x1b out of range`, "report it", "TestDefectIsTold"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("should say %q:\n%s", want, stderr.String())
		}
	}
}
