package pop3test

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// Message is one message of a maildrop.
type Message struct {
	// UID is what UIDL shows. It may be empty, odd, or the UID of another message as well.
	UID string
	// Data is the message before dot-stuffing. Lines should end in CRLF; whatever stands there is sent as it is.
	Data []byte
	// Times says that the message is Data so many times over; 0 and 1 mean once. So a huge message costs no memory.
	Times int
	// ListSize, when not 0, is the size that LIST and STAT tell instead of the true one.
	ListSize int64
}

// Size is the number of octets a client ends up with: those of Data, Times times, and a CRLF where the last line has
// none, for the final dot needs a line of its own (RFC 1939 §3).
func (m *Message) Size() int64 {
	size := int64(len(m.Data)) * int64(max(m.Times, 1))
	if size > 0 && !bytes.HasSuffix(m.Data, crlf) {
		size += 2
	}
	return size
}

// Reader reads the octets a client ends up with: Size of them.
func (m *Message) Reader() io.Reader {
	var end []byte
	if m.Size() > int64(len(m.Data))*int64(max(m.Times, 1)) {
		end = crlf
	}
	return io.MultiReader(m.source(), bytes.NewReader(end))
}

// source reads the octets of the message without the CRLF that its last line may lack.
func (m *Message) source() io.Reader {
	if m.Times <= 1 {
		return bytes.NewReader(m.Data)
	}
	return &repeated{data: m.Data, left: m.Times}
}

// listed is the size as LIST tells it.
func (m *Message) listed() int64 {
	if m.ListSize != 0 {
		return m.ListSize
	}
	return m.Size()
}

// head gives the header, the empty line and the first lines of the body, as TOP sends them (RFC 1939 §7). Of a
// message that repeats its Data it sees the first copy.
func (m *Message) head(lines int) []byte {
	end, inBody := 0, false
	for end < len(m.Data) {
		if inBody && lines == 0 {
			break
		}
		next := len(m.Data)
		if i := bytes.IndexByte(m.Data[end:], '\n'); i >= 0 {
			next = end + i + 1
		}
		if inBody {
			lines--
		} else if len(bytes.TrimRight(m.Data[end:next], "\r\n")) == 0 {
			inBody = true
		}
		end = next
	}
	return m.Data[:end]
}

// repeated reads data, left times over.
type repeated struct {
	data []byte
	off  int
	left int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left == 0 || len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.data[r.off:])
	if r.off += n; r.off == len(r.data) {
		r.off = 0
		r.left--
	}
	return n, nil
}

// Mailbox is a maildrop. Sessions of one server or of several may share it; one session at a time has it locked.
// All methods may be called from several goroutines, also during a session, which goes on with the messages it found
// at its login.
type Mailbox struct {
	lock chan struct{} // holds one token while a session has the mailbox

	mu        sync.Mutex
	messages  []*Message // elements and the slice up to its length never change: sessions share it
	retrieved map[string]int
	deleted   map[string]int
	logins    int
}

// NewMailbox returns a mailbox that holds msgs.
func NewMailbox(msgs ...Message) *Mailbox {
	b := &Mailbox{lock: make(chan struct{}, 1), retrieved: map[string]int{}, deleted: map[string]int{}}
	b.Add(msgs...)
	return b
}

// Add appends messages. A session that runs does not see them.
func (b *Mailbox) Add(msgs ...Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range msgs {
		b.messages = append(b.messages, &m)
	}
}

// Replace puts msgs in the place of all messages. The counts stay.
func (b *Mailbox) Replace(msgs ...Message) {
	b.mu.Lock()
	b.messages = nil
	b.mu.Unlock()
	b.Add(msgs...)
}

// Messages returns what the mailbox holds, in its order.
func (b *Mailbox) Messages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	msgs := make([]Message, len(b.messages))
	for i, m := range b.messages {
		msgs[i] = *m
	}
	return msgs
}

// UIDs returns the UIDs of what the mailbox holds, in its order.
func (b *Mailbox) UIDs() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	uids := make([]string, len(b.messages))
	for i, m := range b.messages {
		uids[i] = m.UID
	}
	return uids
}

// Retrieved counts the RETRs for each UID, whatever became of their replies.
func (b *Mailbox) Retrieved() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.retrieved)
}

// Deleted counts the DELEs for each UID, whether QUIT came or not; Messages tells what is really gone.
func (b *Mailbox) Deleted() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.deleted)
}

// Logins counts the sessions that got as far as the mailbox.
func (b *Mailbox) Logins() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.logins
}

// Hold locks the mailbox as another session would, waiting for one that has it; release gives it back. Logins in
// between are answered by -ERR [IN-USE].
func (b *Mailbox) Hold() (release func()) {
	b.lock <- struct{}{}
	return sync.OnceFunc(func() { <-b.lock })
}

// enter locks the mailbox for a session and gives its messages. A session whose client has just gone may still have
// it, so enter waits a moment.
func (b *Mailbox) enter(gone <-chan struct{}) (messages []*Message, ok bool) {
	wait := time.NewTimer(lockWait)
	defer wait.Stop()
	select {
	case b.lock <- struct{}{}:
	case <-wait.C:
		return nil, false
	case <-gone:
		return nil, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.logins++
	return b.messages, true
}

// leave removes the messages that remove names and unlocks the mailbox.
func (b *Mailbox) leave(remove map[*Message]bool) {
	b.mu.Lock()
	if len(remove) > 0 {
		b.messages = slices.Collect(func(yield func(*Message) bool) {
			for _, m := range b.messages {
				if !remove[m] && !yield(m) {
					return
				}
			}
		})
	}
	b.mu.Unlock()
	<-b.lock
}

func (b *Mailbox) countRetr(uid string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.retrieved[uid]++
}

func (b *Mailbox) countDele(uid string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deleted[uid]++
}
