package fetch

import (
	"cmp"
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

// loginTime is how the time of a login is told.
const loginTime = "15:04:05 on 2006-01-02"

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
	return fmt.Sprintf("too early: %s %s, and the next login may be at %s", who, config.Duration(e.wanted), e.next.Local().Format(loginTime))
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
	return h.noteLoginNow(announcedDelay(caps))
}

// noteTooEarly writes down when a server has refused a login as too early. When the one was that it counts from, it does not say.
func (h *haul) noteTooEarly(caps pop3.Capabilities, err error) error {
	if refused, ok := errors.AsType[*pop3.ServerError](err); !ok || refused.Code != "LOGIN-DELAY" {
		return nil
	}
	return h.noteLoginNow(cmp.Or(announcedDelay(caps), refusedDelay))
}

func (h *haul) noteLoginNow(announced time.Duration) error {
	if h.DryRun || h.store == nil || announced == 0 && h.a.MinInterval == 0 {
		return nil
	}
	h.nextLogin = h.Now().Add(max(announced, time.Duration(h.a.MinInterval)))
	note := h.Now().UTC().Format(time.RFC3339) + " " + strconv.Itoa(int(announced/time.Second))
	return onDisk("write a note into the state", h.store.SetNote(noteLogin, []byte(note)))
}

// postponedError is what another session of the run would have done, and the next run has to do.
type postponedError struct{ next time.Time }

func (e *postponedError) Error() string {
	return "the next login may be at " + e.next.Local().Format(loginTime)
}

// postpone leaves it to the next run to get further than a session that broke, since it is too early for another login. As another session
// of this run would, the next run asks for one message at a time if sending commands ahead may have been what broke.
func (h *haul) postpone(broken *brokenSession) error {
	why := &postponedError{h.nextLogin}
	if !broken.ahead {
		return why
	}
	learnt := h.rememberOneByOne(broken)
	over, err := h.noteIsOver(noteOneByOne)
	if over && err == nil {
		err = h.noteFor(noteOneByOne, h.nextLogin.Sub(h.Now())+untilNextRun)
	}
	return also(also(why, learnt), err)
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
