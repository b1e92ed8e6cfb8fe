// Package last keeps how the last run of an account ended, for whoever asks between or during runs: a small JSON file beside the
// account's state, whose time of change is the time of the run.
//
// It is kept apart from the state because a run holds the state's lock, and because a run that found nothing new must write nothing:
// a success like the one before touches the file's time and no more. Nothing is ever decided by it. So it is replaced without fsync,
// one that tells nothing is an unknown run, and that it cannot be written is no reason to fail.
package last

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

const (
	// version changes when a field gets another meaning.
	version = 1
	// most is the largest file that is read, in bytes, and mostText the longest text that is kept of an error.
	most     = 64 << 10
	mostText = 1 << 10
)

// OK is the Class of a run that went well.
const OK = "none"

// Run is what is known of an account's last run. Times are to the second; zero for never.
type Run struct {
	V     int       `json:"v"`
	At    time.Time `json:"-"`     // its end
	Class string    `json:"class"` // OK, or what kind of failure it was
	Step  string    `json:"step,omitempty"`
	Error string    `json:"error,omitempty"`

	FailingRuns  int       `json:"failing_runs,omitzero"`  // failed runs since the last success
	FailingSince time.Time `json:"failing_since,omitzero"` // the end of the first of them
	Success      time.Time `json:"success,omitzero"`       // the last success; in the file only for a failed run

	Mail      Mail      `json:"mail,omitzero"`
	Seen      int       `json:"seen"`                // messages known to have been fetched
	Failed    int       `json:"failed"`              // messages that could not be fetched whole
	NextLogin time.Time `json:"next_login,omitzero"` // when the server, or the account, allows another login
}

// Mail is what was done by the last run that fetched or deleted any.
type Mail struct {
	At       time.Time `json:"time"`
	Messages int       `json:"messages"` // fetched
	Bytes    int64     `json:"bytes"`    // octets of their files
	Deleted  int       `json:"deleted"`  // on the server
}

// Outcome is how one run ended.
type Outcome struct {
	At                time.Time
	Class             string
	Step, Error       string
	Messages, Deleted int
	Bytes             int64
	Listed            bool // the run came as far as a listing: Seen and Failed count
	Seen, Failed      int
	NextLogin         time.Time // zero where no login was made, or none is limited
}

// Then is what is known after one more run.
func (r Run) Then(o Outcome) Run {
	at := o.At.UTC().Truncate(time.Second)
	next := Run{
		V: version, At: at, Class: o.Class, Step: o.Step, Error: cut(o.Error), Success: r.Success,
		FailingRuns: r.FailingRuns + 1, FailingSince: r.FailingSince, Mail: r.Mail, Seen: r.Seen, Failed: r.Failed, NextLogin: r.NextLogin,
	}
	if o.Class == OK {
		next.Success, next.FailingRuns, next.FailingSince = at, 0, time.Time{}
	} else if r.FailingSince.IsZero() {
		next.FailingSince = at
	}
	if o.Messages+o.Deleted > 0 {
		next.Mail = Mail{At: at, Messages: o.Messages, Bytes: o.Bytes, Deleted: o.Deleted}
	}
	if o.Listed {
		next.Seen, next.Failed = o.Seen, o.Failed
	}
	if !o.NextLogin.IsZero() {
		next.NextLogin = o.NextLogin.UTC().Truncate(time.Second)
	}
	return next
}

// cut bounds an error's text, and leaves what JSON gives back as it is: another text would be news each time.
func cut(text string) string {
	if len(text) > mostText {
		text = text[:mostText] + "…"
	}
	return strings.ToValidUTF8(text, "\ufffd")
}

// Read gives the last run that the file tells of; known is false when there is no file, or it tells of none. Its error is the disk's.
func Read(path string) (r Run, known bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Run{}, false, nil
	}
	if err != nil {
		return Run{}, false, err
	}
	defer f.Close() // only read from
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > most {
		return Run{}, false, err
	}
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil || json.Unmarshal(data, &r) != nil || r.V != version || r.Class == "" {
		return Run{}, false, err
	}
	r.At = info.ModTime().UTC().Truncate(time.Second)
	if r.Class == OK {
		r.Success = r.At
	}
	return r, true, nil
}

// Note adds a run's outcome to what the file tells. Only what has changed is written; the time is set in any case.
func Note(path string, o Outcome) error {
	before, known, _ := Read(path) // what cannot be read is replaced
	now := before.Then(o)
	if known {
		if bytes.Equal(before.encode(), now.encode()) {
			return touch(path, now.At)
		}
	}
	fresh := path + ".new" // runs come one at a time; one that was killed leaves it to the next
	if err := os.WriteFile(fresh, now.encode(), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", fresh, err)
	}
	if err := touch(fresh, now.At); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

func touch(path string, at time.Time) error { return os.Chtimes(path, at, at) }

// encode gives the file's content. The time of the last success is that of the file where the run was one.
func (r Run) encode() []byte {
	if r.Class == OK {
		r.Success = time.Time{}
	}
	data, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("last: a run that cannot be JSON: %v", err)) // numbers, texts and times of this age can
	}
	return append(data, '\n')
}
