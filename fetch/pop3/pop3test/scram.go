package pop3test

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
)

// scram is the server's side of a SCRAM mechanism (RFC 5802, 7677), written from the RFCs: a client by any library is tested against
// something else than itself. Names and passwords are taken as they come, without SASLprep.
type scram struct {
	name  string // without -PLUS
	bound bool   // with channel binding
}

const scramIterations = 4096

func (m scram) hash() func() hash.Hash {
	if m.name == "SCRAM-SHA-1" {
		return sha1.New
	}
	return sha256.New
}

func (m scram) run(s *session, initial []byte, ask func([]byte) ([]byte, error)) (string, error) {
	initial, err := first(initial, ask)
	if err != nil {
		return "", err
	}
	fields := strings.SplitN(string(initial), ",", 3)
	if len(fields) != 3 || fields[1] != "" {
		return "", Refusal("not a first message of SCRAM")
	}
	flag, bare := fields[0], fields[2]
	binding, err := m.binding(s, flag)
	if err != nil {
		return m.fail(err, ask)
	}
	name, nonce, _ := strings.Cut(bare, ",r=")
	user := strings.NewReplacer("=2C", ",", "=3D", "=").Replace(strings.TrimPrefix(name, "n="))
	password := s.srv.Users[user].Password

	salt := []byte("pop3test " + user)
	serverFirst := fmt.Sprintf("r=%s%s,s=%s,i=%d", nonce, rand.Text(), base64.StdEncoding.EncodeToString(salt), scramIterations)
	final, err := ask([]byte(serverFirst))
	if err != nil {
		return "", err
	}
	withoutProof, proof, _ := strings.Cut(string(final), ",p=")
	bound := base64.StdEncoding.EncodeToString(append([]byte(flag+",,"), binding...))
	if both := strings.TrimPrefix(serverFirst[:strings.Index(serverFirst, ",s=")], "r="); withoutProof != "c="+bound+",r="+both {
		return m.fail(errors.New("channel-bindings-dont-match"), ask)
	}
	signature, good := m.verify(password, salt, bare+","+serverFirst+","+withoutProof, proof)
	if !good || password == "" {
		return m.fail(errors.New("invalid-proof"), ask)
	}
	if _, err := ask([]byte("v=" + signature)); err != nil {
		return "", err
	}
	return user, nil
}

// fail tells the error in a challenge (RFC 5802 §7) before the login is refused.
func (m scram) fail(err error, ask func([]byte) ([]byte, error)) (string, error) {
	if _, broken := ask([]byte("e=" + err.Error())); broken != nil {
		return "", broken
	}
	return "", errWrong
}

// verify checks the client's proof and gives the server's signature (RFC 5802 §3).
func (m scram) verify(password string, salt []byte, said, proof string) (signature string, good bool) {
	mac := func(key []byte, text string) []byte {
		h := hmac.New(m.hash(), key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	salted, err := pbkdf2.Key(m.hash(), password, salt, scramIterations, m.hash()().Size())
	if err != nil {
		return "", false
	}
	stored := m.hash()()
	stored.Write(mac(salted, "Client Key"))
	key := mac(stored.Sum(nil), said)
	sent, err := base64.StdEncoding.DecodeString(proof)
	if err != nil || len(sent) != len(key) {
		return "", false
	}
	subtle.XORBytes(key, key, sent)
	again := m.hash()()
	again.Write(key)
	return base64.StdEncoding.EncodeToString(mac(mac(salted, "Server Key"), said)), bytes.Equal(again.Sum(nil), stored.Sum(nil))
}

// binding gives the octets that the client's flag asks for, or the name of an error.
func (m scram) binding(s *session, flag string) ([]byte, error) {
	kind, binds := strings.CutPrefix(flag, "p=")
	switch {
	case !binds && m.bound, binds && !m.bound:
		return nil, errors.New("other-error")
	case flag == "y" && slices.ContainsFunc(s.srv.Mechanisms, func(name string) bool { return strings.HasSuffix(name, "-PLUS") }):
		return nil, errors.New("server-does-support-channel-binding")
	case !binds:
		return nil, nil
	case s.tls == nil:
		return nil, errors.New("channel-binding-not-supported")
	}
	switch kind {
	case "tls-exporter":
		state := s.tls.ConnectionState()
		return state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	case "tls-server-end-point": // the CA signs by SHA-256
		sum := sha256.Sum256(s.srv.TLS.Certificates[0].Certificate[0])
		return sum[:], nil
	}
	return nil, errors.New("unsupported-channel-binding-type")
}
