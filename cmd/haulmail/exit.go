package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"al.essio.dev/pkg/shellescape"

	"haulmail/cmd/haulmail/report"
	"haulmail/config"
	"haulmail/fetch"
)

// The exit codes, those of sysexits.h.
const (
	exitOK          = 0
	exitUsage       = 64
	exitData        = 65
	exitNoInput     = 66
	exitNoHost      = 68
	exitUnavailable = 69
	exitSoftware    = 70
	exitCantCreate  = 73
	exitIO          = 74
	exitTemporary   = 75
	exitProtocol    = 76
	exitNoPerm      = 77
	exitConfig      = 78
	exitSignal      = 128 // plus the signal's number
)

// usageError is a command line that cannot be meant.
type usageError struct {
	message string
	hint    string
}

func (e *usageError) Error() string { return e.message }

// noConfigError is a config file that is not there.
type noConfigError struct{ path string }

func (e *noConfigError) Error() string { return fmt.Sprintf("no config file %s", e.path) }

// hint gives a line for the shell that makes the file.
func (e *noConfigError) hint() string {
	return fmt.Sprintf("name another file with -c FILE, or begin with a sample: mkdir -p %s && (umask 077; haulmail config example > %s)",
		shellescape.Quote(filepath.Dir(e.path)), shellescape.Quote(e.path))
}

// toldError is a failure that the report has told already: only its exit code is left to use.
type toldError struct {
	code int
	well bool // no failure: the code tells of new mail
}

func (e *toldError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// classCode gives the exit code of the worst class of a run.
func classCode(c fetch.Class) int {
	switch c {
	case fetch.None:
		return exitOK
	case fetch.Busy, fetch.Held, fetch.Temporary, fetch.Interrupted:
		return exitTemporary
	case fetch.Poison, fetch.Damaged:
		return exitData
	case fetch.UnknownHost:
		return exitNoHost
	case fetch.Unavailable:
		return exitUnavailable
	case fetch.Protocol:
		return exitProtocol
	case fetch.CannotCreate:
		return exitCantCreate
	case fetch.IO:
		return exitIO
	case fetch.Login:
		return exitNoPerm
	case fetch.Config:
		return exitConfig
	}
	return exitSoftware
}

// resultsCode gives the exit code of a run. A signal that stopped the run outweighs everything.
func resultsCode(results []fetch.Result, patience fetch.Patience, stopped error) int {
	if s, ok := errors.AsType[*signalError](stopped); ok {
		return exitSignal + int(s.signal)
	}
	return classCode(fetch.Worst(results, patience))
}

// errorCode gives the exit code of an error that came outside of an account's run, and what to do about it.
func errorCode(err error) (code int, hint string) {
	if e, ok := errors.AsType[*usageError](err); ok {
		return exitUsage, e.hint
	}
	if e, ok := errors.AsType[*noConfigError](err); ok {
		return exitNoInput, e.hint()
	}
	if _, ok := errors.AsType[config.Errors](err); ok {
		return exitConfig, ""
	}
	if e, ok := errors.AsType[*signalError](err); ok {
		return exitSignal + int(e.signal), ""
	}
	if e, ok := errors.AsType[*unreadableError](err); ok {
		return exitNoInput, e.hint
	}
	if e, ok := errors.AsType[*fetch.Error](err); ok {
		return classCode(e.Class), report.Hint(e)
	}
	return exitSoftware, ""
}

// errorClass gives the class of such an error in JSON.
func errorClass(err error) string {
	if e, ok := errors.AsType[*fetch.Error](err); ok {
		return e.Class.String()
	}
	switch code, _ := errorCode(err); code {
	case exitUsage:
		return report.ClassUsage
	case exitNoInput, exitConfig:
		return fetch.Config.String()
	case exitSoftware:
		return fetch.Internal.String()
	}
	return fetch.Interrupted.String()
}

// conclude tells err, unless that is done, and gives the exit code. written is the first failure to write to standard output.
func conclude(err, written error, stderr io.Writer, colors report.Colors) int {
	code, well := exitOK, err == nil
	if told, ok := errors.AsType[*toldError](err); ok {
		code, well = told.code, told.well
	} else if err != nil {
		var hint string
		code, hint = errorCode(err)
		if errs, ok := errors.AsType[config.Errors](err); ok {
			report.ConfigErrors(stderr, colors, errs)
		} else {
			report.Error(stderr, colors, err, hint)
		}
	}
	if failed := tellUnwritten(written, stderr, colors); failed != exitOK && well {
		return failed
	}
	return code
}

// tellUnwritten tells what kept standard output from saying all, and gives the exit code of that alone. A closed pipe is no failure:
// whoever closed it (head, a pager that was left) knows it, and the mail has come all the same.
func tellUnwritten(written error, stderr io.Writer, colors report.Colors) int {
	if written == nil || errors.Is(written, syscall.EPIPE) {
		return exitOK
	}
	if format, ok := errors.AsType[*report.FormatError](written); ok {
		report.Error(stderr, colors, format, "haulmail help fetch tells of templates")
		return exitUsage
	}
	report.Error(stderr, colors, fmt.Errorf("write standard output: %w", written), "make room where it goes; mail is not touched by this")
	return exitIO
}

// tellDefect tells of a panic, and gives its exit code.
func tellDefect(w io.Writer, defect any) int {
	report.Error(w, false, fmt.Errorf("a defect of haulmail: %v", defect), "please report it with the lines below; no mail is lost by it")
	_, _ = w.Write(debug.Stack()) // who would hear of it?
	return exitSoftware
}
