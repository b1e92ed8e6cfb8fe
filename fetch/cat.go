package fetch

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"haulmail/config"
	"haulmail/fetch/pop3"
)

// A Wanted is one message of a maildrop, and how much of it.
type Wanted struct {
	// Word names it: a UID, as the server writes it or as Shown gives it; where no message has that UID, a number of this session's
	// listing; "#" and a number is always the latter.
	Word    string
	Shown   func(uid []byte) string // how a UID is shown to people
	Headers bool                    // its header alone, by TOP (RFC 1939 §7)
}

// noMessageError is a message that is not on the server.
type noMessageError struct{ word string }

func (e *noMessageError) Error() string { return fmt.Sprintf("no message %q is on the server", e.word) }

// Cat writes one message of an account to w as a file in the Maildir would have it: dot-stuffing undone, lines ending in LF. Nothing is
// recorded, nothing deleted, no lock taken; the mailbox itself may be in use. Once w has the whole message it returns nil; else it is an
// *Error, whatever w has got by then.
func Cat(ctx context.Context, a *config.Account, o Options, m Wanted, w io.Writer) error {
	o.DryRun = true
	h := newHaul(newEngine(o), a)
	return h.explain(ctx, h.cat(ctx, m, w))
}

func (h *haul) cat(ctx context.Context, m Wanted, w io.Writer) (err error) {
	if h.a.TLSFirstUse { // the key that was remembered is in the state
		if err := h.openState(ctx); err != nil {
			return err
		}
		defer func() { err = also(err, h.close()) }()
	}
	password, err := h.password(ctx)
	if err != nil {
		return err
	}
	s, err := h.loggedIn(ctx, password, false)
	if err != nil {
		return err
	}
	defer s.close()
	list, err := s.client.List(false)
	if err != nil {
		return doing(doingList, err)
	}
	i, ok := find(list, m)
	if !ok {
		return doing(doingList, &noMessageError{m.Word})
	}
	if err := s.stream(list, i, m.Headers, w); err != nil {
		return doing(doingRetrieve, err)
	}
	return s.quit()
}

// find gives the index of the message that is wanted.
func find(list *pop3.Listing, m Wanted) (i int, ok bool) {
	number, numbered := strings.CutPrefix(m.Word, "#")
	if !numbered {
		for i := range list.Len() {
			if uid := list.UID(i); uid != nil && (string(uid) == m.Word || m.Shown(uid) == m.Word) {
				return i, true
			}
		}
	}
	n, err := strconv.Atoi(number)
	for i := range list.Len() {
		if err == nil && list.Number(i) == n {
			return i, true
		}
	}
	return 0, false
}

// stream asks for the i-th message and checks that what came is all of it.
func (s *session) stream(list *pop3.Listing, i int, headers bool, w io.Writer) error {
	want := []pop3.Want{{Number: list.Number(i), Size: list.Size(i)}}
	walk := s.client.Retrieve
	if headers {
		want[0].Size, walk = -1, s.client.RetrieveHeaders
	}
	r := walk(want, false)
	if !r.Next() {
		return r.Err()
	}
	if refused := r.Refused(); refused != nil {
		s.abandon(r)
		return refused
	}
	octets, err := r.Body(w, bodyLimit(want[0].Size, policy{}))
	if err != nil {
		s.abandon(r)
		return cut(octets, want[0].Size, err)
	}
	if r.Next(); r.Err() != nil { // what follows the end has to be a status line, else it was not the end
		return cut(octets, want[0].Size, r.Err())
	}
	if octets < want[0].Size/2 {
		return &shortError{octets, want[0].Size}
	}
	return nil
}

// cut says of an error in the midst of a message how much there was of it.
func cut(octets, size int64, err error) error {
	if isType[*pop3.SinkError](err) {
		return err
	}
	if size < 0 {
		return fmt.Errorf("cut off after %d octets: %w", octets, err)
	}
	return fmt.Errorf("cut off after %d of %d octets: %w", octets, size, err)
}

// shortError is a message that is much shorter than the server's LIST has it.
type shortError struct{ octets, size int64 }

func (e *shortError) Error() string {
	return fmt.Sprintf("the server sent %d octets of a message that is to have %d", e.octets, e.size)
}
