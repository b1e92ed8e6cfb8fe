package pop3test

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ownMechanism is a mechanism of the server's own, as a Mechanism that sees the session.
type ownMechanism func(s *session, initial []byte, ask func([]byte) ([]byte, error)) (user string, err error)

// mechanisms are all of them, by name.
var mechanisms = map[string]ownMechanism{
	"PLAIN":       (*session).plain,
	"LOGIN":       (*session).login,
	"CRAM-MD5":    (*session).cramMD5,
	"EXTERNAL":    (*session).external,
	"XOAUTH2":     (*session).xoauth2,
	"OAUTHBEARER": (*session).oauthBearer,

	"SCRAM-SHA-1":        scram{name: "SCRAM-SHA-1"}.run,
	"SCRAM-SHA-256":      scram{name: "SCRAM-SHA-256"}.run,
	"SCRAM-SHA-1-PLUS":   scram{name: "SCRAM-SHA-1", bound: true}.run,
	"SCRAM-SHA-256-PLUS": scram{name: "SCRAM-SHA-256", bound: true}.run,
}

var errWrong = errors.New("wrong user name or password")

// greet is the greeting, with the timestamp that APOP's digest is made with.
func (s *session) greet() (reply, error) {
	if !s.srv.APOP {
		return ok("pop3test ready"), nil
	}
	s.stamp = fmt.Sprintf("<%d.%d@pop3test>", s.number, time.Now().UnixNano())
	return ok("pop3test ready " + s.stamp), nil
}

func (s *session) apop(args []string) (reply, error) {
	if s.stamp == "" {
		return bad("unknown command"), nil
	}
	if len(args) != 2 {
		return bad("APOP takes a name and a digest"), nil
	}
	u, known := s.srv.Users[args[0]]
	sum := md5.Sum([]byte(s.stamp + u.Password))
	if !known || hex.EncodeToString(sum[:]) != args[1] {
		return bad("[AUTH] " + errWrong.Error()), nil
	}
	return s.enter(args[0])
}

// first gives the initial response, and asks for it where it did not come with the command.
func first(initial []byte, ask func([]byte) ([]byte, error)) ([]byte, error) {
	if initial != nil {
		return initial, nil
	}
	return ask(nil)
}

// plain is PLAIN (RFC 4616).
func (s *session) plain(initial []byte, ask func([]byte) ([]byte, error)) (string, error) {
	initial, err := first(initial, ask)
	if err != nil {
		return "", err
	}
	parts := bytes.Split(initial, []byte{0})
	if len(parts) != 3 {
		return "", Refusal("not a PLAIN response")
	}
	return s.check(string(parts[1]), string(parts[2]))
}

// login is LOGIN. A response that comes ahead is not what it expects.
func (s *session) login(initial []byte, ask func([]byte) ([]byte, error)) (string, error) {
	if initial != nil {
		return "", Refusal("LOGIN takes no initial response")
	}
	user, err := ask([]byte("Username:"))
	if err != nil {
		return "", err
	}
	password, err := ask([]byte("Password:"))
	if err != nil {
		return "", err
	}
	return s.check(string(user), string(password))
}

func (s *session) check(user, password string) (string, error) {
	if u, known := s.srv.Users[user]; !known || u.Password != password {
		return "", errWrong
	}
	return user, nil
}

// cramMD5 is CRAM-MD5 (RFC 2195).
func (s *session) cramMD5(_ []byte, ask func([]byte) ([]byte, error)) (string, error) {
	challenge := fmt.Appendf(nil, "<%d.%d@pop3test>", s.number, time.Now().UnixNano())
	response, err := ask(challenge)
	if err != nil {
		return "", err
	}
	user, digest, _ := strings.Cut(string(response), " ")
	u, known := s.srv.Users[user]
	mac := hmac.New(md5.New, []byte(u.Password))
	mac.Write(challenge)
	if !known || hex.EncodeToString(mac.Sum(nil)) != digest {
		return "", errWrong
	}
	return user, nil
}

// external is EXTERNAL (RFC 4422 appendix A): who the certificate is for, if that is who the client wants to be.
func (s *session) external(initial []byte, ask func([]byte) ([]byte, error)) (string, error) {
	initial, err := first(initial, ask)
	if err != nil {
		return "", err
	}
	if s.tls == nil || len(s.tls.ConnectionState().PeerCertificates) == 0 {
		return "", errors.New("no certificate")
	}
	user := s.tls.ConnectionState().PeerCertificates[0].Subject.CommonName
	if wanted := string(initial); wanted != "" && wanted != user {
		return "", errors.New("the certificate is somebody else's")
	}
	return user, nil
}

// xoauth2 is XOAUTH2 as Exchange Online has it, in two steps.
func (s *session) xoauth2(initial []byte, ask func([]byte) ([]byte, error)) (string, error) {
	if initial != nil {
		return "", Refusal("Protocol error. 14")
	}
	response, err := ask(nil)
	if err != nil {
		return "", err
	}
	var user, token string
	for field := range strings.SplitSeq(string(response), "\x01") {
		if name, is := strings.CutPrefix(field, "user="); is {
			user = name
		}
		if t, is := strings.CutPrefix(field, "auth=Bearer "); is {
			token = t
		}
	}
	return s.checkToken(user, token, `{"status":"400","schemes":"Bearer","scope":"https://mail.example.org/"}`, "", ask)
}

// oauthBearer is OAUTHBEARER (RFC 7628).
func (s *session) oauthBearer(initial []byte, ask func([]byte) ([]byte, error)) (string, error) {
	initial, err := first(initial, ask)
	if err != nil {
		return "", err
	}
	header, fields, _ := strings.Cut(string(initial), "\x01")
	user, is := strings.CutPrefix(strings.TrimSuffix(header, ","), "n,a=")
	if !is {
		return "", Refusal("not an OAUTHBEARER response")
	}
	user = strings.NewReplacer("=2C", ",", "=3D", "=").Replace(user)
	token := ""
	for field := range strings.SplitSeq(fields, "\x01") {
		if t, is := strings.CutPrefix(field, "auth=Bearer "); is {
			token = t
		}
	}
	return s.checkToken(user, token, `{"status":"invalid_token"}`, "\x01", ask)
}

// checkToken tells the reason of a refusal in a challenge first, to which the client has one answer.
func (s *session) checkToken(user, token, reason, answer string, ask func([]byte) ([]byte, error)) (string, error) {
	if u, known := s.srv.Users[user]; known && u.Token != "" && u.Token == token {
		return user, nil
	}
	response, err := ask([]byte(reason))
	if err != nil {
		return "", err
	}
	if string(response) != answer {
		return "", Refusal("not the answer to a refusal")
	}
	return "", errors.New("token refused")
}
