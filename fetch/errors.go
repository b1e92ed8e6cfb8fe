package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"al.essio.dev/pkg/shellescape"

	"haulmail/config"
	"haulmail/fetch/dial"
	"haulmail/fetch/pop3"
	"haulmail/fetch/secret"
	"haulmail/fetch/seen"
	"haulmail/fetch/token"
	"haulmail/maildir"
)

// stepError says what was being done when err came up.
type stepError struct {
	doing string
	local bool // on this machine's disk, as opposed to with the server
	err   error
}

func (e *stepError) Error() string { return e.doing + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// doing wraps an error with what was being done; nil stays nil.
func doing(what string, err error) error {
	if err == nil {
		return nil
	}
	return &stepError{doing: what, err: err}
}

// onDisk is doing for what is done on this machine's disk.
func onDisk(what string, err error) error {
	if err == nil {
		return nil
	}
	return &stepError{doing: what, local: true, err: err}
}

// also joins two errors in one line, in the step of the first; either may be nil.
func also(err, second error) error {
	if err == nil || second == nil {
		return cmp.Or(err, second)
	}
	switch e := err.(type) {
	case *stepError:
		return &stepError{doing: e.doing, local: e.local || isLocal(second), err: fmt.Errorf("%w; %w", e.err, second)}
	case *troubledError:
		return &troubledError{also(e.err, second), e.told, e.held}
	}
	return fmt.Errorf("%w; %w", err, second)
}

// poisonError is a run that had to leave messages behind.
type poisonError struct{ failed int }

func (e *poisonError) Error() string {
	if e.failed == 1 {
		return "1 message could not be fetched whole, and will be tried again"
	}
	return fmt.Sprintf("%d messages could not be fetched whole, and will be tried again", e.failed)
}

// unreachableError is a Maildir with open intents that is not there now.
type unreachableError struct{ err error }

func (e *unreachableError) Error() string {
	return fmt.Sprintf("an earlier run was cut off and its Maildir is not there now: %v", e.err)
}
func (e *unreachableError) Unwrap() error { return e.err }

// explain makes an *Error of whatever ended an account's run: its class, what was being done, and a hint.
func (h *haul) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t, troubled := err.(*troubledError)
		if troubled {
			err = t.err
		}
		e = &Error{Account: h.a.Name, Doing: doingRetrieve, Err: err}
		if step, ok := err.(*stepError); ok { // and no part of several
			e.Doing, e.Err = step.doing, step.err
		}
		e.Class, e.Hint = h.classify(err)
		if troubled {
			e.Err = &troubledError{e.Err, t.told, t.held}
			if t.held && e.Class == Temporary {
				e.Class = Held
			}
		}
	}
	// A disk that failed stays what it is, whoever asked to stop meanwhile.
	if ctx.Err() != nil && e.Class < Poison {
		return &Error{Account: h.a.Name, Doing: e.Doing, Class: Interrupted, Err: context.Cause(ctx)}
	}
	return e
}

// classify is the one place where an error becomes a class and a hint. Where a disk failed beside a server, the heavier one is told.
func (h *haul) classify(err error) (Class, string) {
	class, hint := h.classifyFirst(err)
	if isLocal(err) {
		if local, localHint, _ := h.classifyLocal(err); local > class {
			return local, localHint
		}
	}
	return class, hint
}

// classifyFirst classifies an error, or the server's of two.
func (h *haul) classifyFirst(err error) (Class, string) {
	if isType[*postponedError](err) && !isLocal(err) {
		return Temporary, ""
	}
	if e, ok := errors.AsType[*pop3.ServerError](err); ok {
		return h.classifyServer(err, e)
	}
	if e, ok := errors.AsType[*dial.Error](err); ok {
		return classifyDial(e), e.Hint()
	}
	if dial.RefusesOurCertificate(err) {
		return Unavailable, dial.ClientCertHint(h.a.TLSClientCert != "")
	}
	if e, ok := errors.AsType[*secret.Error](err); ok {
		if errors.Is(err, secret.ErrTimeout) || errors.Is(err, context.Canceled) {
			return Temporary, e.Hint
		}
		if errors.Is(err, secret.ErrNotKept) {
			return Config, "put it there with: " + h.typed("login")
		}
		return Config, e.Hint
	}
	if e, ok := errors.AsType[*token.Error](err); ok {
		return h.classifyToken(e)
	}
	if class, hint, ok := h.classifyLocal(err); ok {
		return class, hint
	}
	if class, hint, ok := h.classifyLogin(err); ok {
		return class, hint
	}
	if isType[*noTopError](err) {
		return Unavailable, "set headers_only = false, to fetch whole messages"
	}
	if isType[*poisonError](err) {
		if h.OneOff != nil {
			return Poison, "see which with: " + h.typed("list")
		}
		return Poison, "see why with: " + h.typed("seen list --failed")
	}
	if isType[*pop3.TooLongError](err) || isType[*shortError](err) {
		return Poison, ""
	}
	if isType[*noMessageError](err) {
		return Poison, "see what is there with: " + h.typed("list")
	}
	if isType[*pop3.ProtocolError](err) {
		return Protocol, "see the dialogue with: " + h.typed("fetch -vv")
	}
	if late, ok := errors.AsType[*pop3.TimeoutError](err); ok && late.Doing == "greeting" && h.a.TLS != config.TLSImplicit {
		return Temporary, "does it speak TLS from the start? " + h.implicitTLS()
	}
	// What is left came from the connection: a time-out, an end, a reset.
	return Temporary, ""
}

// classifyLocal classifies what the state and the Maildir say.
func (h *haul) classifyLocal(err error) (Class, string, bool) {
	if e, ok := errors.AsType[*earlyError](err); ok {
		if e.server {
			return Busy, "have cron start it no more often than that", true
		}
		return Busy, "set a shorter min_interval to fetch more often", true
	}
	if errors.Is(err, seen.ErrLocked) {
		return Busy, "that run does the work; try again when it has ended", true
	}
	if e, ok := errors.AsType[*seen.IdentityError](err); ok {
		another := fmt.Sprintf("give the account another name than %q", h.a.Name)
		if h.OneOff != nil {
			another = "name another --maildir"
		}
		return Config, fmt.Sprintf("if it is the same mailbox: %s; if not: %s (state: %s)", h.typed("fetch --adopt"), another, e.Path), true
	}
	if e, ok := errors.AsType[*seen.DamagedError](err); ok {
		return Damaged, fmt.Sprintf("move it away, to have it rebuilt: mv %[1]s %[1]s.damaged", shellescape.Quote(e.Path)), true
	}
	if isType[*forgottenError](err) {
		return Damaged, "have the state know them: " + h.typed("seen rebuild"), true
	}
	if isType[*seen.TextError](err) {
		return Damaged, "nothing was changed", true
	}
	if isType[*strangerError](err) {
		return Config, "its first line says so; if it was only renamed, change that line", true
	}
	if isType[*unreachableError](err) {
		return Temporary, "is its disk mounted? nothing is fetched until it is back", true
	}
	if errors.Is(err, maildir.ErrMissing) {
		return Temporary, fmt.Sprintf("is its disk mounted? for a new Maildir there: mkdir -p %[1]s/new %[1]s/cur %[1]s/tmp", shellescape.Quote(h.a.Maildir)), true
	}
	if isType[*maildir.NotMaildirError](err) {
		return CannotCreate, h.inConfig("set \"maildir\" to an empty or new folder, or to a Maildir"), true
	}
	if isType[*maildir.CreateError](err) {
		return CannotCreate, cmp.Or(diskHint(err), h.inConfig("set \"maildir\" to a folder that can be made; see: "+h.typed("config show"))), true
	}
	if stepOf(err) == doingOpenState {
		return IO, cmp.Or(diskHint(err), h.inConfig("set state_dir to a folder that can be made; see haulmail config path")), true
	}
	if isLocal(err) || isType[*pop3.SinkError](err) {
		return IO, diskHint(err), true
	}
	return None, "", false
}

// diskHint says what to do about a disk.
func diskHint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room; what was told of is safe, and the next run goes on from there"
	case errors.Is(err, syscall.EROFS):
		return "is the disk mounted read-only after an error? see dmesg"
	case errors.Is(err, fs.ErrPermission):
		return "who runs haulmail has no right to it: ls -ld it, and the folders above"
	}
	return ""
}

// classifyServer classifies a -ERR: by its response code (RFC 2449 §8, RFC 3206), and without one by the step it answers.
func (h *haul) classifyServer(err error, e *pop3.ServerError) (Class, string) {
	if relayed(e) {
		return Unavailable, "somebody, or a proxy, stands between; it did not get the password"
	}
	if temporary(e) {
		return Temporary, ""
	}
	switch e.Code {
	case "SYS/PERM":
		if stepOf(err) == doingLogin {
			return Unavailable, h.providerHint()
		}
		return Unavailable, ""
	case "AUTH":
		return Login, h.loginHint()
	}
	switch stepOf(err) {
	case doingConnect:
		return Temporary, ""
	case doingStartTLS:
		return Unavailable, "if it speaks TLS from the start, " + h.implicitTLS() + " (port 995)"
	case doingLogin:
		if soundsTemporary(e) {
			return Temporary, ""
		}
		return Login, h.loginHint()
	}
	return Protocol, ""
}

// inConfig gives a hint about folders in the config. A one-off has none, and its state lies beside its Maildir.
func (h *haul) inConfig(hint string) string {
	if h.OneOff != nil {
		return "name another --maildir: an empty or new folder, or a Maildir"
	}
	return hint
}

// implicitTLS says how to have TLS from the first byte.
func (h *haul) implicitTLS() string {
	if h.OneOff != nil {
		return "write pops://"
	}
	return "set tls = \"implicit\""
}

// typed gives a command for the account as it can be typed.
func (h *haul) typed(words string) string {
	if h.OneOff != nil {
		words = "haulmail " + words
		for _, word := range h.OneOff {
			words += " " + shellescape.Quote(word)
		}
		return words
	}
	if h.Config != "" {
		words += " -c " + shellescape.Quote(h.Config)
	}
	if h.State != "" {
		words += " --state-dir " + shellescape.Quote(h.State)
	}
	return "haulmail " + words + " " + shellescape.Quote(h.a.Name)
}

// isLocal tells whether the disk has to do with an error, in whatever step it came up.
func isLocal(err error) bool {
	step, ok := errors.AsType[*stepError](err)
	return ok && (step.local || isLocal(step.err))
}

func stepOf(err error) string {
	if step, ok := errors.AsType[*stepError](err); ok {
		return step.doing
	}
	return ""
}

func isType[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}
