package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tokenKey signs the tokens that the Dovecot of these tests takes.
const tokenKey = "the key of the tokens of the tests"

// everyLogin lets a Dovecot offer each mechanism that it has: the certificates of its own CA name users, and tokens are checked by
// their signature.
const everyLogin = `
auth_mechanisms = plain login cram-md5 apop scram-sha-1 scram-sha-256 external xoauth2 oauthbearer
ssl_ca = <%[1]s/ca.pem
ssl_verify_client_cert = yes
ssl_require_crl = no
auth_ssl_username_from_cert = yes
ssl_cert_username_field = commonName
passdb {
  driver = static
  mechanisms = external
  args = nopassword=y
}
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = %[1]s/oauth2.conf
}
`

const localTokens = `
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=%s/keys/
username_attribute = sub
`

// newLoginDovecot is a Dovecot to which a user can log in in every way.
func newLoginDovecot(t *testing.T) *server {
	t.Helper()
	return newDovecotWith(t, 1, func(dir string) {
		keys := filepath.Join(dir, "keys", "default", "HS256")
		put(t, filepath.Join(dir, "extra.conf"), fmt.Sprintf(everyLogin, dir))
		put(t, filepath.Join(dir, "oauth2.conf"), fmt.Sprintf(localTokens, dir))
		put(t, filepath.Join(keys, "default"), base64.StdEncoding.EncodeToString([]byte(tokenKey)))
	})
}

// put writes a file that all may read, with the folders above it.
func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// bearerToken makes a token (RFC 7519) for a user, valid until then.
func bearerToken(user string, until time.Time) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
		encode(fmt.Appendf(nil, `{"sub":%q,"iat":%d,"exp":%d,"padding":%q}`, user, time.Now().Unix()-60, until.Unix(), strings.Repeat("x", 300)))
	mac := hmac.New(sha256.New, []byte(tokenKey))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

// certificate makes a certificate of the server's CA for a user, and gives the keys of the config that name it.
func (s *server) certificate(t *testing.T, user string) string {
	t.Helper()
	base := filepath.Join(t.TempDir(), user)
	sign := `openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$2.key" -out "$2.csr" &&
		openssl x509 -req -in "$2.csr" -CA "$3/ca.pem" -CAkey "$3/ca.key" -set_serial 7 -days 2 -out "$2.pem"`
	if out, err := exec.Command("sh", "-c", sign, "sh", user, base, s.dir).CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	return fmt.Sprintf("tls_client_cert = %q\ntls_client_key = %q\n", base+".pem", base+".key")
}

// Each mechanism that Dovecot has, by its name, in each TLS mode: the mail comes, and the run tells which way it came.
func TestEveryLoginAtDovecot(t *testing.T) {
	pop := newLoginDovecot(t)
	box := pop.mailbox()
	box.add(t, smallMail("login", 1)...)
	token := func(until time.Duration) string {
		return fmt.Sprintf("password = %q\n", bearerToken(box.user, time.Now().Add(until)))
	}
	wrong := "password = \"n0t it\"\n"
	for _, row := range []struct {
		auth, secret string // "" is the password
		modes        string
		code         int
		says         string // on standard error
	}{
		{"auto", "", "implicit starttls none", 0, "logged in with SCRAM-SHA-256, "},
		{"userpass", "", "implicit starttls none", 0, "logged in with USER/PASS, "},
		{"apop", "", "implicit starttls none", 0, "logged in with APOP, "},
		{"plain", "", "implicit starttls none", 0, "logged in with PLAIN, "},
		{"login", "", "implicit starttls none", 0, "logged in with LOGIN, "},
		{"cram-md5", "", "implicit starttls none", 0, "logged in with CRAM-MD5, "},
		{"scram-sha-1", "", "implicit starttls none", 0, "logged in with SCRAM-SHA-1, "},
		{"scram-sha-256", "", "implicit starttls none", 0, "logged in with SCRAM-SHA-256, "},
		{"external", pop.certificate(t, box.user), "implicit starttls", 0, "logged in with EXTERNAL, "},
		{"auto", pop.certificate(t, box.user), "implicit starttls", 0, "logged in with EXTERNAL, "},
		{"xoauth2", token(time.Hour), "implicit starttls none", 0, "logged in with XOAUTH2, "},
		{"oauthbearer", token(time.Hour), "implicit starttls none", 0, "logged in with OAUTHBEARER, "},

		{"userpass", wrong, "implicit", 77, "refused PASS: \"[AUTH] "},
		{"apop", wrong, "implicit", 77, "refused APOP user1: \"[AUTH] "},
		{"plain", wrong, "implicit", 77, "refused AUTH PLAIN: \"[AUTH] "},
		{"login", wrong, "implicit", 77, "refused AUTH LOGIN: \"[AUTH] "},
		{"cram-md5", wrong, "implicit", 77, "refused AUTH CRAM-MD5: \"[AUTH] "},
		{"scram-sha-1", wrong, "implicit", 77, "refused AUTH SCRAM-SHA-1: \"[AUTH] "},
		{"scram-sha-256", wrong, "implicit", 77, "refused AUTH SCRAM-SHA-256: \"[AUTH] "},
		{"external", pop.certificate(t, "somebody"), "implicit", 77, "refused AUTH EXTERNAL: \"[AUTH] "},
		{"xoauth2", token(-time.Minute), "implicit", 77, "refused AUTH XOAUTH2: \"[AUTH] "},
		{"oauthbearer", token(-time.Minute), "implicit", 77, "refused AUTH OAUTHBEARER: \"[AUTH] "},
		{"scram-sha-256-plus", "", "implicit", 78, "the server does not offer SCRAM-SHA-256-PLUS, but "},
	} {
		for mode := range strings.FieldsSeq(row.modes) {
			name := row.auth + "/" + mode
			if row.secret != "" {
				name += "/" + strings.Fields(row.secret)[0]
			}
			t.Run(name+fmt.Sprint("/", row.code), func(t *testing.T) {
				account := box.account("work", mode, "never") + fmt.Sprintf("auth = %q\n", row.auth)
				if row.secret != "" {
					account = strings.Replace(account, fmt.Sprintf("password_file = %q\n", pop.password), "", 1)
				}
				h := newHome(t, account+row.secret)
				args := []string{"fetch"}
				if row.code == 0 {
					args = append(args, "-v")
				}
				r := h.run(t, args...).exits(t, row.code)
				if !strings.Contains(r.stderr, row.says) {
					t.Errorf("want %q in\n%v", row.says, r)
				}
				if row.code == 0 {
					sameMail(t, "on the server", allAsServed(smallMail("login", 1)), "fetched", delivered(t, h.maildir("work")))
				}
			})
		}
	}
}
