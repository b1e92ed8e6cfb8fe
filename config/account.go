package config

import (
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"
)

// Account is one mailbox and the Maildir its mail goes to.
type Account struct {
	// Name is 1 to 64 letters, digits and ". _ - @ +" and inner blanks, and starts
	// with a letter or digit: it is safe as a file name, and unlike every other
	// name of its file on a file system that ignores case.
	Name     string
	Server   Server
	TLS      TLSMode
	Trust           // whom to believe that it is the server
	Way             // how to get there
	Username string // without control characters, at most 480 bytes
	Auth     Auth
	Password Password
	OAuth    string // the provider whose token logs in, one of Config.Providers; "" = Password does
	Maildir  string // absolute
	Delete   Delete
	Selection
	Timeout    Duration // 1s to 1h
	Pipelining Pipelining
	// MinInterval is the least time between two logins, 0 for none of the account's own; Retries is how often a login that the server
	// refuses for the moment is tried again within a run, 0 to 10.
	MinInterval Duration
	Retries     int
	ErrorAfter  Lasting

	PasswordTimeout Duration // 1s to 1h, for a command or a keyring
}

// ServerKind says what a Server's Host is.
type ServerKind int

// The kinds of Server.
const (
	ByHost   ServerKind = iota // a host
	BySRV                      // a domain, whose SRV records name the host (RFC 6186)
	BySocket                   // the path of a Unix socket
)

// Server is where a POP3 server listens.
type Server struct {
	Kind ServerKind
	Host string // a DNS name in lower case or an IP address, without brackets; a domain; or an absolute path
	Port int    // 1 to 65535; 0 unless Kind is ByHost
}

// String gives HOST:PORT, with brackets around an IPv6 address, "srv:DOMAIN" or "unix:PATH".
func (s Server) String() string {
	switch s.Kind {
	case BySRV:
		return srvPrefix + s.Host
	case BySocket:
		return unixPrefix + s.Host
	}
	return net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
}

// TLSMode says how a connection gets its TLS.
type TLSMode int

// The values of the key "tls", and what stands for none with Server.Kind BySRV.
const (
	TLSImplicit TLSMode = iota // from the first byte, port 995 (RFC 8314 §3.3)
	TLSStart                   // by the STLS command, port 110 (RFC 2595 §4)
	TLSNone                    // never, port 110: the password travels in clear
	TLSBySRV                   // TLSImplicit or TLSStart, as the SRV records have it
)

var tlsWords = []string{"implicit", "starttls", "none", "by SRV"} // the last one is never written

// String gives the word that stands in the file.
func (m TLSMode) String() string { return word(tlsWords, int(m)) }

// Port is the port to use where the file names none.
func (m TLSMode) Port() int {
	if m == TLSImplicit {
		return 995
	}
	return 110
}

// Pipelining says whether commands may be sent before earlier ones are answered
// (RFC 2449 §6.6).
type Pipelining int

// The values of the key "pipelining".
const (
	PipeliningAuto  Pipelining = iota // where the server announces it
	PipeliningOff                     // never
	PipeliningProbe                   // where the server announces it, or turns out to take it
)

var pipeliningWords = []string{"auto", "off", "probe"}

// String gives the word that stands in the file.
func (p Pipelining) String() string { return word(pipeliningWords, int(p)) }

// DeleteMode is one of the three kinds of Delete.
type DeleteMode int

// The kinds of Delete.
const (
	DeleteNever   DeleteMode = iota // mail stays on the server
	DeleteFetched                   // mail goes as soon as it is safe on disk
	DeleteAged                      // mail goes once it was fetched Age ago
)

var deleteWords = []string{"never", "fetched"}

// Delete says when mail that was fetched is deleted on the server.
type Delete struct {
	Mode DeleteMode
	Age  time.Duration // more than 0 with DeleteAged, else 0
}

// String gives what stands in the file: "never", "fetched" or an age.
func (d Delete) String() string {
	if d.Mode == DeleteAged {
		return Duration(d.Age).String()
	}
	return word(deleteWords, int(d.Mode))
}

// Command is a program to run: either Shell or Args is set. It prints as
// "[command]" in every format, since people write secrets into commands.
type Command struct {
	Shell string   // a line for sh -c
	Args  []string // a program and its arguments, run without a shell
}

// IsZero reports whether there is no command.
func (c Command) IsZero() bool { return c.Shell == "" && len(c.Args) == 0 }

// Argv gives the words to execute, nil if there is no command.
func (c Command) Argv() []string {
	if c.Shell != "" {
		return []string{"sh", "-c", c.Shell}
	}
	return c.Args
}

// Format writes "[command]" for every verb, nothing for the zero Command.
func (c Command) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.hidden()) }

// MarshalText gives what Format writes: JSON and the like hide the text, too.
func (c Command) MarshalText() ([]byte, error) { return []byte(c.hidden()), nil }

// LogValue gives what Format writes.
func (c Command) LogValue() slog.Value { return slog.StringValue(c.hidden()) }

func (c Command) hidden() string {
	if c.IsZero() {
		return ""
	}
	return "[command]"
}

// word gives words[i], and for a value out of range something that shows it.
func word(words []string, i int) string {
	if i < 0 || i >= len(words) {
		return "invalid(" + strconv.Itoa(i) + ")"
	}
	return words[i]
}
