package fetch

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"haulmail/config"
	"haulmail/fetch/pop3"
)

// How a run keeps its distance: it obeys the least time between logins that the server announces (LOGIN-DELAY, RFC 2449 §6.5) or the
// account asks for (min_interval), and a refusal that says of itself that it will pass is tried again after a pause.

// noteLogin is the state's note of the last login: its time, and the seconds that the server wants between two of them.
const noteLogin = "last-login"

// mostDelay bounds what a server may ask for: no run must be kept away for good.
const mostDelay = 24 * time.Hour

// firstPause is the time before the first retry; each further one is three times as long.
const firstPause = 2 * time.Second

// earlyError is a run that comes too soon after the one before.
type earlyError struct {
	next   time.Time
	wanted time.Duration
	server bool // it is the server that wants so much time between logins, and not the account
}

func (e *earlyError) Error() string {
	who := "min_interval is"
	if e.server {
		who = "the server asks for a login at most every"
	}
	return fmt.Sprintf("too early: %s %s, and the next login may be at %s", who, config.Duration(e.wanted), e.next.Local().Format("15:04:05 on 2006-01-02"))
}

// mayLogIn is an *earlyError if the last login was too short a while ago. A dry run is a person's: the server may tell them.
func (h *haul) mayLogIn() error {
	if h.DryRun {
		return nil
	}
	note, err := h.store.Note(noteLogin)
	if err != nil {
		return onDisk("read the state", err)
	}
	last, announced := parseLogin(string(note))
	early := &earlyError{wanted: time.Duration(h.a.MinInterval)}
	if announced > early.wanted {
		early.wanted, early.server = announced, true
	}
	early.next = last.Add(early.wanted)
	// A last login in the future was written by a clock that was wrong.
	if now := h.Now(); now.Before(early.next) && !now.Before(last) {
		return doing(doingLogin, early)
	}
	return nil
}

// noteLoggedIn writes down when the run has logged in, if anybody wants to know the next time.
func (h *haul) noteLoggedIn(caps pop3.Capabilities) error {
	announced := announcedDelay(caps)
	if h.DryRun || h.store == nil || announced == 0 && h.a.MinInterval == 0 {
		return nil
	}
	h.nextLogin = h.Now().Add(max(announced, time.Duration(h.a.MinInterval)))
	note := h.Now().UTC().Format(time.RFC3339) + " " + strconv.Itoa(int(announced/time.Second))
	return onDisk("write a note into the state", h.store.SetNote(noteLogin, []byte(note)))
}

// parseLogin reads a note of the last login; what it cannot read was long ago.
func parseLogin(note string) (last time.Time, announced time.Duration) {
	at, seconds, _ := strings.Cut(note, " ")
	last, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return time.Time{}, 0
	}
	return last, delaySeconds(seconds)
}

// announcedDelay is the least time between two logins that a server announces, 0 for none.
func announcedDelay(caps pop3.Capabilities) time.Duration {
	if words := caps["LOGIN-DELAY"]; len(words) > 0 {
		return delaySeconds(words[0])
	}
	return 0
}

func delaySeconds(text string) time.Duration {
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, mostDelay)
}

// patientSession is a session that is begun again, after longer and longer pauses, while the server refuses entry for reasons that pass.
func (h *haul) patientSession(ctx context.Context, password config.Secret, pipelining bool) error {
	pause := firstPause
	for left := h.a.Retries; ; left-- {
		err := h.session(ctx, password, pipelining)
		if left == 0 || !passes(err) {
			return err
		}
		h.tell(Retrying{Account: h.a.Name, Err: err, In: pause, Left: left})
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause *= 3
	}
}

// passes tells whether entry was refused for a reason that may have passed in a moment: another session that is just ending, a backend
// that is starting again. LOGIN-DELAY lasts longer, and so does most of what is wrong with a network.
func passes(err error) bool {
	refused, ok := errors.AsType[*pop3.ServerError](err)
	return ok && refusedEntry(err) && (refused.Code == "IN-USE" || refused.Code == "SYS/TEMP")
}
