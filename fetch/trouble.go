package fetch

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A failure that the next run may not meet is no news to somebody who is told of every run by cron. Where the account asks for it
// (error_after), such failures are held back until they have lasted for so many runs or so long; then they are told of once, and once
// more when they are over.

// noteTrouble is the state's note of the failures since the last success.
const noteTrouble = "trouble"

// trouble is how long an account has failed for reasons that may pass.
type trouble struct {
	since time.Time
	runs  int
	told  bool
}

func parseTrouble(note string) trouble {
	words := strings.Fields(note)
	if len(words) != 3 {
		return trouble{}
	}
	since, err := time.Parse(time.RFC3339, words[0])
	runs, err2 := strconv.Atoi(words[1])
	if err != nil || err2 != nil || runs < 1 {
		return trouble{}
	}
	return trouble{since, runs, words[2] == "told"}
}

func (t trouble) note() []byte {
	told := "held"
	if t.told {
		told = "told"
	}
	return []byte(t.since.UTC().Format(time.RFC3339) + " " + strconv.Itoa(t.runs) + " " + told)
}

func (t trouble) String() string {
	if t.runs == 1 {
		return "for the first time"
	}
	return fmt.Sprintf("for %d runs, since %s", t.runs, t.since.Local().Format("2006-01-02 15:04"))
}

// troubledError is a failure with how long it has lasted.
type troubledError struct {
	err  error
	told trouble
	held bool // not to be told of this time
}

func (e *troubledError) Error() string { return fmt.Sprintf("%v (%s)", e.err, e.told) }
func (e *troubledError) Unwrap() error { return e.err }

// holdBack decides about a run's failure whether it is time to tell of it, and counts it.
func (h *haul) holdBack(ctx context.Context, err error) error {
	if h.DryRun || h.a.ErrorAfter.IsZero() || ctx.Err() != nil {
		return err
	}
	note, noted := h.store.Note(noteTrouble)
	if noted != nil {
		return also(err, onDisk("read the state", noted))
	}
	t := parseTrouble(string(note))
	if class := h.classOf(err); class != Temporary {
		if class == None && t.told {
			h.tell(Healed{Account: h.a.Name, Runs: t.runs, Since: t.since})
		}
		if class == Busy || len(note) == 0 {
			return err
		}
		return also(err, onDisk("write a note into the state", h.store.SetNote(noteTrouble, nil)))
	}
	now := h.Now()
	if t.runs++; t.since.IsZero() || t.since.After(now) {
		t.since = now
	}
	due := h.a.ErrorAfter.IsOver(t.runs, now.Sub(t.since))
	held := t.told || !due
	t.told = t.told || due
	noted = onDisk("write a note into the state", h.store.SetNote(noteTrouble, t.note()))
	return also(&troubledError{err, t, held}, noted)
}

// classOf is the class that explain will give an error.
func (h *haul) classOf(err error) Class {
	if err == nil {
		return None
	}
	class, _ := h.classify(err)
	return class
}
