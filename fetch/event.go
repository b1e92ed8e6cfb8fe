package fetch

import (
	"net/netip"
	"path/filepath"
	"time"

	"haulmail/fetch/header"
)

// Event is something that happened to an account and that a person or a script may want to see. Events carry facts, never secrets;
// text from the server in them is raw and has to be escaped by whoever prints it.
type Event interface{ event() }

// Resolved tells which addresses a server's name has.
type Resolved struct {
	Account string
	Host    string
	Addrs   []netip.Addr
	Err     error // why one of the two address families gave none, if its look-up failed
	Took    time.Duration
}

// Tried tells of an address that did not answer.
type Tried struct {
	Account string
	Addr    netip.AddrPort
	Err     error
}

// Connected tells which address answered: the server's, or that of the proxy in front of it. Where a program or a socket is the way,
// there is none.
type Connected struct {
	Account string
	Addr    netip.AddrPort
	Through string // "proxy", "proxy_command", the path of a socket; "" for the server itself
	Took    time.Duration
}

// Found tells of a server that a domain names, in the order to try them.
type Found struct {
	Account string
	Domain  string
	Servers []string // HOST:PORT
}

// Shown tells of the certificates that a server has shown, its own first. Only Check tells it.
type Shown struct {
	Account string
	Chain   []Certificate
	Pin     string // what tls_fingerprint would be for this server
	Trusted bool
}

// Certificate is what a person wants to know of one.
type Certificate struct {
	Subject   string
	Issuer    string
	Names     []string
	NotBefore time.Time
	NotAfter  time.Time
}

// Offered tells what a server announces. Only Check tells it.
type Offered struct {
	Account      string
	Capabilities []string // one a line, as the server writes them, sorted
	Mechanisms   []string // of SASL, before the login
	Expire       string   // EXPIRE's arguments (RFC 2449 §6.7), or ""
	LoginDelay   string   // LOGIN-DELAY's arguments (§6.5), or ""
}

// LoggedIn tells how the login went through. TLS is the version in force during the login, or "".
type LoggedIn struct {
	Account    string
	Mechanism  string // "USER/PASS", "PLAIN"
	TLS        string
	Pipelining bool
}

// Retrying tells that the server refuses entry for now, and that the run waits and tries again.
type Retrying struct {
	Account string
	Err     error
	In      time.Duration
	Left    int // tries, this one included
}

// Waiting tells that another run holds the account's state, and that this one waits for it.
type Waiting struct {
	Account string
	For     time.Duration // at most
}

// Healed tells that an account works again whose failures were told of.
type Healed struct {
	Account string
	Runs    int       // that failed
	Since   time.Time // the first of them
}

// LoginTried tells of a way to log in that did not work though the server offers it, before the next one is tried.
type LoginTried struct {
	Account   string
	Mechanism string
	Err       error
}

// Recovered tells what became of intents that an earlier run left open.
type Recovered struct {
	Account   string
	Delivered int // found to be in the Maildir, or taken from it by a reader since
	Finished  int // moved from the spool into new/ now
	Again     int // no evidence: fetched again if the server still lists them
}

// Rebuilt tells that a missing state was rebuilt from the Maildir.
type Rebuilt struct {
	Account    string
	Recognised int // messages of the listing that the Maildir holds
	Again      int // the others, which are fetched
}

// Counted tells how many messages the maildrop holds, before anything is done about them. It is left out where the UIDs alone tell that
// there is nothing to do.
type Counted struct {
	Account  string
	Messages int
}

// Listed tells what the maildrop holds and what will be done about it.
type Listed struct {
	Account  string
	Total    int
	Bytes    int64
	Get      int
	GetBytes int64
	Delete   int // due for deletion now, without those that Get fetches first
	Skip     int
}

// Chosen tells what is decided for one message; it is sent for every message of a dry run, and for none of a real one.
type Chosen struct {
	Account string
	Number  int
	UID     []byte
	Size    int64 // LIST's size
	Action  Action
	Reason  Reason
	Text    string       // the reason for a person
	Fetched time.Time    // of a message that was fetched before
	Reached time.Time    // when it reached the mailbox; zero if nobody asked
	Header  header.Facts // if Options.Headers asks for it
}

// Progress tells how far a download is: messages and octets received so far, safe on disk or not. It comes at most about ten times a second.
type Progress struct {
	Account  string
	Messages int
	Bytes    int64
	Of       int   // messages to get
	OfBytes  int64 // their LIST sizes
}

// Delivered tells of one message that is safe on disk.
type Delivered struct {
	Account string
	Number  int
	UID     []byte
	Maildir string
	Key     string // file name in the Maildir's new/
	Size    int64  // octets of the file
	At      time.Time
	Facts   *Facts // nil in a run that does not ask for them
}

// Facts are what a script wants to know of a message beside its place.
type Facts struct {
	Hash string // "sha256:" and the digest of the file's content in hex
	header.Facts
}

// Path is where the message was delivered.
func (d Delivered) Path() string { return filepath.Join(d.Maildir, "new", d.Key) }

// Committed tells of a batch that is safe on disk.
type Committed struct {
	Account  string
	Messages int
	Bytes    int64
	Took     time.Duration
}

// Skipped tells of one message that a run leaves alone. Those that the account wants to be left are told of only on demand: there may be as
// many of them as the maildrop holds.
type Skipped struct {
	Account string
	UID     []byte
	Size    int64 // LIST's, or -1
	Reason  Reason
	Text    string // the reason for a person
}

// Removed tells of one message that the server has deleted: its answer to QUIT was +OK.
type Removed struct {
	Account string
	UID     []byte
	Size    int64 // LIST's, or -1
}

// Deleted tells how many messages the server has deleted; Removed tells of each of them then.
type Deleted struct {
	Account  string
	Messages int
}

// Warning tells of something odd that did not stop the run.
type Warning struct {
	Account string
	Text    string
}

// Marked tells what was marked as fetched without fetching it, or would be in a dry run.
type Marked struct {
	Account  string
	Messages int // that were not known
	Known    int
	Nameless int  // without a UID and a header: only their content could tell them
	Asked    bool // the server lists them; otherwise they are the caller's words
}

// Forgotten tells what was forgotten, or would be in a dry run, so that it is fetched again.
type Forgotten struct {
	Account  string
	Messages int
}

// Recognised tells what was found in the Maildir by somebody's wish, or would be in a dry run.
type Recognised struct {
	Account  string
	Messages int // of the listing: they count as fetched now
	Doubtful int // whose files are there, but not with the size that they have now: perhaps other mail
	Unknown  int // the others that are not known
}

// Imported tells what was taken from a text, or would be in a dry run.
type Imported struct {
	Account  string
	Messages int
	Failures int
	Known    int // of both, left as they were
}

// Verified tells how a state and a Maildir go together.
type Verified struct {
	Account  string
	Messages int // that the state knows
	Found    int // of them, whose files are in the Maildir
	Marked   int // of them, marked as fetched by hand: no file is to be expected
	Gone     int // the others: moved or deleted by a reader
	Unnamed  int // files of which the state knows nothing: long gone from the server, or of another account
	Pending  int // messages that an earlier run was cut off with
	Failed   int
	Asked    bool // the server was asked for its listing, of which the following tell
	Listed   int
	New      int // not known, and not in the Maildir
	Again    int // not known, and in the Maildir: the next run would fetch them again
}

// Unnoted tells that it could not be written down how a run ended, which is for status alone to know.
type Unnoted struct {
	Account string
	Err     error
}

// Done is the last event of an account.
type Done struct{ Result }

// Result is how the run of one account went.
type Result struct {
	Account  string
	Maildir  string
	Total    int   // messages in the maildrop
	Bytes    int64 // their LIST sizes
	Messages int   // delivered in this run, safe on disk
	Received int64 // octets of their files
	Deleted  int   // deleted on the server, its answer to QUIT was +OK
	Failed   int   // messages that could not be fetched whole
	Later    int   // messages that max_messages or max_bytes leaves for the next run
	DryRun   bool
	Get      int // in a dry run: what fetch would get and delete
	Delete   int
	Took     time.Duration
	Err      error // nil, or an *Error
}

func (Resolved) event()   {}
func (Tried) event()      {}
func (Connected) event()  {}
func (Found) event()      {}
func (Shown) event()      {}
func (Offered) event()    {}
func (LoggedIn) event()   {}
func (LoginTried) event() {}
func (Retrying) event()   {}
func (Waiting) event()    {}
func (Healed) event()     {}
func (Recovered) event()  {}
func (Rebuilt) event()    {}
func (Counted) event()    {}
func (Listed) event()     {}
func (Chosen) event()     {}
func (Progress) event()   {}
func (Delivered) event()  {}
func (Committed) event()  {}
func (Skipped) event()    {}
func (Removed) event()    {}
func (Deleted) event()    {}
func (Warning) event()    {}
func (Marked) event()     {}
func (Forgotten) event()  {}
func (Recognised) event() {}
func (Imported) event()   {}
func (Verified) event()   {}
func (Unnoted) event()    {}
func (Done) event()       {}
