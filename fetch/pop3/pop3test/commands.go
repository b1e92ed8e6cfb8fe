package pop3test

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// commands holds what each command does. An error ends the session behind the reply. The state a command needs is
// asked for by inTransaction and unauthenticated.
var commands = map[string]func(*session, []string) (reply, error){
	"CAPA": (*session).capa,
	"STLS": unauthenticated((*session).stls),
	"APOP": unauthenticated((*session).apop),
	"USER": unauthenticated((*session).userName),
	"PASS": unauthenticated((*session).pass),
	"STAT": inTransaction((*session).stat),
	"LIST": inTransaction((*session).list),
	"UIDL": inTransaction((*session).uidl),
	"RETR": inTransaction((*session).retr),
	"TOP":  inTransaction((*session).top),
	"DELE": inTransaction((*session).dele),
	"NOOP": inTransaction(func(*session, []string) (reply, error) { return ok("ready"), nil }),
	"RSET": inTransaction((*session).rset),
	"QUIT": (*session).quit,
}

func init() { commands["AUTH"] = unauthenticated((*session).auth) } // apart: AUTH looks commands up itself

// parse splits a command line. PASS has one argument, blanks and all (RFC 1939 §7).
func parse(line string) (verb string, args []string) {
	verb, rest, _ := strings.Cut(line, " ")
	verb = strings.ToUpper(verb)
	if verb == "PASS" || verb == "USER" {
		return verb, []string{rest}
	}
	return verb, strings.Fields(rest)
}

func inTransaction(do func(*session, []string) (reply, error)) func(*session, []string) (reply, error) {
	return func(s *session, args []string) (reply, error) {
		if s.mailbox == nil {
			return bad("log in first"), nil
		}
		return do(s, args)
	}
}

func unauthenticated(do func(*session, []string) (reply, error)) func(*session, []string) (reply, error) {
	return func(s *session, args []string) (reply, error) {
		if s.mailbox != nil {
			return bad("already logged in"), nil
		}
		return do(s, args)
	}
}

func (s *session) capa([]string) (reply, error) {
	caps := s.srv.Caps
	if s.mailbox != nil && s.srv.CapsAfter != nil {
		caps = s.srv.CapsAfter
	}
	if caps == nil {
		caps = s.defaultCaps()
	}
	return reply{status: "+OK capability list follows", listing: func(yield func(int, []byte) bool) {
		for _, c := range caps {
			if !yield(0, []byte(c)) {
				return
			}
		}
	}}, nil
}

func (s *session) defaultCaps() []string {
	caps := DefaultCaps()
	for _, name := range slices.Concat(s.srv.Mechanisms, slices.Sorted(maps.Keys(s.srv.SASL))) {
		caps[len(caps)-1] += " " + name
	}
	if s.srv.STLS && s.srv.TLS != nil && s.tls == nil && s.mailbox == nil {
		caps = append(caps, "STLS")
	}
	return caps
}

func (s *session) stls([]string) (reply, error) {
	if !s.srv.STLS || s.srv.TLS == nil || s.tls != nil {
		return bad("STLS not available"), nil
	}
	s.user = ""
	return ok("begin TLS"), nil
}

func (s *session) userName(args []string) (reply, error) {
	s.user = args[0]
	return ok("send PASS"), nil
}

func (s *session) pass(args []string) (reply, error) {
	user := s.user
	s.user = ""
	if user == "" {
		return bad("send USER first"), nil
	}
	if u, known := s.srv.Users[user]; !known || u.Password != args[0] {
		return bad("[AUTH] wrong user name or password"), nil
	}
	return s.enter(user)
}

// enter opens the mailbox of a user who has proved who they are.
func (s *session) enter(user string) (reply, error) {
	u, known := s.srv.Users[user]
	if !known || u.Mailbox == nil {
		return bad("[AUTH] no mailbox for this user"), nil
	}
	messages, free := u.Mailbox.enter(s.wire.pump.gone)
	if !free {
		return bad("[IN-USE] another session has this mailbox"), nil
	}
	s.mailbox, s.messages = u.Mailbox, messages
	return ok("logged in"), nil
}

func (s *session) stat([]string) (reply, error) {
	count, size := 0, int64(0)
	for _, m := range s.present() {
		count++
		size += m.listed()
	}
	return ok(fmt.Sprintf("%d %d", count, size)), nil
}

func (s *session) list(args []string) (reply, error) {
	return s.scan(args, func(line []byte, m *Message) []byte { return strconv.AppendInt(line, m.listed(), 10) })
}

func (s *session) uidl(args []string) (reply, error) {
	return s.scan(args, func(line []byte, m *Message) []byte { return append(line, m.UID...) })
}

// scan answers LIST and UIDL: a line for the message that args names, or for all.
func (s *session) scan(args []string, tell func([]byte, *Message) []byte) (reply, error) {
	if len(args) > 0 {
		m, refused := s.message(args)
		if m == nil {
			return refused, nil
		}
		return ok(string(tell([]byte(args[0]+" "), m))), nil
	}
	return reply{status: "+OK", listing: func(yield func(int, []byte) bool) {
		var line []byte
		for i, m := range s.present() {
			line = append(strconv.AppendInt(line[:0], int64(i+1), 10), ' ')
			if line = tell(line, m); !yield(i+1, line) {
				return
			}
		}
	}}, nil
}

func (s *session) retr(args []string) (reply, error) {
	m, refused := s.message(args)
	if m == nil {
		return refused, nil
	}
	s.mailbox.countRetr(m.UID)
	status := "+OK " + strconv.FormatInt(m.listed(), 10) + " octets"
	return reply{status: status, message: m, body: m.source}, nil
}

func (s *session) top(args []string) (reply, error) {
	m, refused := s.message(args)
	if m == nil {
		return refused, nil
	}
	if len(args) != 2 {
		return bad("TOP takes a message number and a number of lines"), nil
	}
	lines, err := strconv.Atoi(args[1])
	if err != nil || lines < 0 {
		return bad("not a number of lines"), nil
	}
	head := func() io.Reader { return bytes.NewReader(m.head(lines)) }
	return reply{status: "+OK", message: m, body: head}, nil
}

func (s *session) dele(args []string) (reply, error) {
	m, refused := s.message(args)
	if m == nil {
		return refused, nil
	}
	s.mailbox.countDele(m.UID)
	s.deleted[m] = true
	return ok("marked"), nil
}

func (s *session) rset([]string) (reply, error) {
	clear(s.deleted)
	return ok("no message is marked"), nil
}

func (s *session) quit([]string) (reply, error) {
	s.leaveMailbox(true)
	return ok("bye"), errQuit
}

// present yields the messages that are not marked as deleted, with their index.
func (s *session) present() iter.Seq2[int, *Message] {
	return func(yield func(int, *Message) bool) {
		for i, m := range s.messages {
			if !s.deleted[m] && !yield(i, m) {
				return
			}
		}
	}
}

// message finds the message that args[0] names, or gives the refusal.
func (s *session) message(args []string) (*Message, reply) {
	if len(args) == 0 {
		return nil, bad("which message?")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 || n > len(s.messages) || s.deleted[s.messages[n-1]] {
		return nil, bad("no such message")
	}
	return s.messages[n-1], reply{}
}

// named gives the message number, and its UID, that a command is about; 0 where it is about none.
func (s *session) named(verb, arg string) (msg int, uid string) {
	switch verb {
	case "LIST", "UIDL", "RETR", "TOP", "DELE":
		msg, _ = strconv.Atoi(arg)
		if msg >= 1 && msg <= len(s.messages) {
			uid = s.messages[msg-1].UID
		}
	}
	return msg, uid
}

func (s *session) byUID(uid string) *Message {
	for _, m := range s.messages {
		if m.UID == uid {
			return m
		}
	}
	return nil
}
