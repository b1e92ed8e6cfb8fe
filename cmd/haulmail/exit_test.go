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
	interrupted := &signalError{syscall.SIGINT}
	terminated := &signalError{syscall.SIGTERM}
	hungUp := &signalError{syscall.SIGHUP}
	for _, test := range []struct {
		classes []fetch.Class
		allBusy bool
		stopped error
		want    int
	}{
		{nil, false, nil, 0},
		{list(fetch.None), false, nil, 0},
		{list(fetch.Busy), false, nil, 0},
		{list(fetch.Busy), true, nil, 75},
		{list(fetch.None, fetch.Busy), false, nil, 0},
		{list(fetch.Temporary), false, nil, 75},
		{list(fetch.Temporary, fetch.None, fetch.Busy), false, nil, 75},
		{list(fetch.Temporary, fetch.Login), false, nil, 77},
		{list(fetch.Poison), false, nil, 65},
		{list(fetch.UnknownHost, fetch.Temporary), false, nil, 68},
		{list(fetch.Unavailable), false, nil, 69},
		{list(fetch.Protocol), false, nil, 76},
		{list(fetch.CannotCreate), false, nil, 73},
		{list(fetch.IO), false, nil, 74},
		{list(fetch.Damaged), false, nil, 65},
		{list(fetch.Config, fetch.Login), false, nil, 78},
		{list(fetch.Internal, fetch.Config), false, nil, 70},
		{list(fetch.Interrupted), false, interrupted, 130},
		{list(fetch.Interrupted, fetch.None), false, terminated, 143},
		{list(fetch.None), false, hungUp, 129},
		{list(fetch.Interrupted), false, nil, 75},
	} {
		if got := resultsCode(resultsOf(test.classes...), test.allBusy, test.stopped); got != test.want {
			t.Errorf("%v, all busy %v, stopped %v: exit %d, want %d", test.classes, test.allBusy, test.stopped, got, test.want)
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
		{&noConfigError{"/x/config.toml"}, nil, 66, "haulmail: no config file /x/config.toml\n  hint: "},
		{config.Errors{{File: "c", Line: 1, Col: 2, Source: "ab", Start: 1, Len: 1, Message: "bad"}}, nil, 78, "haulmail: c:1:2: bad\n"},
		{&unreadableError{errors.New("is a directory"), ""}, nil, 66, "haulmail: is a directory\n"},
		{&signalError{syscall.SIGINT}, nil, 130, "haulmail: stopped by SIGINT\n"},
		{errors.New("something else"), nil, 70, "haulmail: something else\n"},
		{nil, full, 74, "haulmail: write standard output: write /dev/stdout: no space left on device\n"},
		{nil, closed, 74, ""},
		{&toldError{code: 77}, full, 77, "haulmail: write standard output"},
	} {
		var stderr bytes.Buffer
		got := conclude(test.err, test.written, &stderr)
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
