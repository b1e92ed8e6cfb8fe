package fetch

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// A server whose TLS is not to be trusted, or that does without where the account asks for it, is told no user name and no password.
func TestNoCredentialWithoutTLS(t *testing.T) {
	leavesNothing(t)
	injected := "+OK injected\r\n-ERR injected\r\n"
	for _, row := range []struct {
		name   string
		wires  []wire
		cert   pop3test.Cert
		faults []pop3test.Fault
		class  Class
		says   string
	}{
		{"expired", bothTLS, pop3test.Cert{Expired: true}, nil, Unavailable, "expired"},
		{"not yet valid", bothTLS, pop3test.Cert{NotYetValid: true}, nil, Unavailable, "valid only from"},
		{"self-signed", bothTLS, pop3test.Cert{SelfSigned: true}, nil, Unavailable, "certificate"},
		{"another host", bothTLS, pop3test.Cert{Hosts: []string{"pop.example.net"}}, nil, Unavailable, "pop.example.net"},
		{"another address", bothTLS, pop3test.Cert{Hosts: []string{"127.0.0.2"}}, nil, Unavailable, "127.0.0.2"},
		{"TLS 1.1 only", bothTLS, pop3test.Cert{MaxVersion: tls.VersionTLS11}, nil, Unavailable, "no TLS 1.2"},
		{"TLS 1.0 only", bothTLS, pop3test.Cert{MaxVersion: tls.VersionTLS10}, nil, Unavailable, "no TLS 1.2"},
		{"no TLS on the port", bothTLS[:1], pop3test.Cert{}, []pop3test.Fault{{On: pop3test.Handshake, Ignore: true, Text: "+OK ready\r\n"}}, Unavailable, "does not speak TLS"},
		{"no handshake after STLS", bothTLS[1:], pop3test.Cert{}, inClear, Unavailable, "does not speak TLS"},
		{"plaintext before the handshake", bothTLS[1:], pop3test.Cert{}, []pop3test.Fault{{On: "STLS", At: pop3test.End, Text: injected}}, Protocol, "between its answer and the TLS handshake"},
		{"plaintext behind the greeting", bothTLS[1:], pop3test.Cert{}, []pop3test.Fault{{On: pop3test.Greeting, At: pop3test.End, Text: injected}}, Protocol, "nobody asked for"},
		{"STLS refused", bothTLS[1:], pop3test.Cert{}, []pop3test.Fault{pop3test.Refuse("STLS", "[SYS/TEMP] not now")}, Temporary, "not now"},
		{"STLS unknown", bothTLS[1:], pop3test.Cert{}, []pop3test.Fault{pop3test.Refuse("STLS", "unknown command")}, Unavailable, "unknown command"},
		{"STLS stripped", bothTLS[1:], pop3test.Cert{}, []pop3test.Fault{stripped, pop3test.Refuse("STLS", "unknown command")}, Unavailable, "unknown command"},
		{"STLS answered with junk", bothTLS[1:], pop3test.Cert{}, []pop3test.Fault{{On: "STLS", Ignore: true, Text: "* OK begin\r\n"}}, Protocol, "status line"},
	} {
		for _, w := range row.wires {
			t.Run(w.name+"/"+row.name, func(t *testing.T) {
				msgs := mail(2)
				l, heard := hostileLab(t, w, row.cert, msgs, row.faults...)
				r := l.want(0, 0, row.class)
				if !strings.Contains(r.Err.Error(), row.says) {
					t.Errorf("said %q, want %q in it", r.Err, row.says)
				}
				for _, line := range strings.Split(heard.String(), "\n") {
					_, command, sent := strings.Cut(line, " C: ")
					if sent && command != "STLS" && command != "QUIT" {
						t.Errorf("the server was told %q", command)
					}
				}
				if told := heard.String() + r.Err.Error() + l.said(); strings.Contains(told, "s3cret") || strings.Contains(told, inBase64("\x00me\x00s3cret")) {
					t.Errorf("the password is told:\n%s", told)
				}
				l.onServer(uids(msgs)...)
			})
		}
	}
}

// inClear goes on in clear after STLS, long enough after it that the client is in its handshake.
var inClear = []pop3test.Fault{
	{On: pop3test.Handshake, Ignore: true, Do: pop3test.Stall, For: time.Second},
	{On: pop3test.Handshake, Text: "+OK go on in clear\r\n"},
}

var bothTLS = []wire{implicit, startTLS}

// stripped takes STLS out of the capabilities, as somebody on the way may do.
var stripped = pop3test.Fault{On: "CAPA", Line: func(_ int, line string) string {
	if line == "STLS" {
		return ""
	}
	return line
}}

// What is stripped from the capabilities alone keeps no account from TLS.
func TestStrippedCapability(t *testing.T) {
	msgs := mail(2)
	l, heard := hostileLab(t, startTLS, pop3test.Cert{}, msgs, stripped)
	l.want(2, 0, None)
	if said := heard.String(); strings.Index(said, "C: STLS") > strings.Index(said, "C: AUTH") || !strings.Contains(said, "C: STLS") {
		t.Errorf("the login came before TLS:\n%s", said)
	}
}
