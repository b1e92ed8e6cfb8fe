package pop3

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Want is one message to retrieve.
type Want struct {
	Number int
	Size   int64 // LIST's, or -1: it decides only how much is asked for ahead
}

// Retrieval is a walk through RETRs, or through TOPs. Next and Body are for one goroutine; Stop is for any.
//
//	r := c.Retrieve(wants, pipelining)
//	for r.Next() {
//		if r.Refused() != nil { … }
//		octets, err := r.Body(file, limit)
//	}
//	err := r.Err()
//
// A message that Body has read is known to be whole, and the one that was asked for, once Proved counts it: what follows a message's end
// has to be a status line, else the end was not its end (a server that does not stuff dots), and commands that were sent ahead must
// all have been answered (some servers drop one). The last message is followed by a NOOP for that, and when commands are sent
// ahead, so are others on the way.
type Retrieval struct {
	c     *Client
	wants []Want

	mu          sync.Mutex
	room        sync.Cond // of mu: any of the fields below has changed
	asked       int       // commands sent, or being sent
	answered    int       // replies begun
	outstanding int64     // weight of the messages asked for and not yet read
	stop        bool      // send no more RETRs
	over        bool      // send nothing more at all
	proofs      []int     // counts of RETRs behind which a NOOP was sent that is not answered yet
	proofAt     int       // the last of them, answered or not
	unproved    int64     // weight of what was asked for behind it
	writeBy     time.Time // deadline of the sender's writes; zero while there are answers to wait for
	sendErr     error
	sender      sync.WaitGroup

	pipelining bool
	headers    bool   // ask for headers alone
	line       []byte // the command of the current reply
	proved     int
	unread     bool // the current reply has a body that nobody has read yet
	ended      bool
	refused    *ServerError
	err        error
}

// Retrieve begins to ask for wants in order: ahead, as far as the window reaches, if the server takes commands ahead (RFC 2449 §6.6),
// else one at a time. The walk has to be followed until Next returns false.
func (c *Client) Retrieve(wants []Want, pipelining bool) *Retrieval {
	return c.retrieve(&Retrieval{c: c, wants: wants, pipelining: pipelining})
}

// RetrieveHeaders is Retrieve for nothing but the headers, by TOP (RFC 1939 §7). The sizes of its wants are those of headers: -1.
func (c *Client) RetrieveHeaders(wants []Want, pipelining bool) *Retrieval {
	return c.retrieve(&Retrieval{c: c, wants: wants, pipelining: pipelining, headers: true})
}

func (c *Client) retrieve(r *Retrieval) *Retrieval {
	r.room.L = &r.mu
	if r.pipelining {
		r.sender.Go(r.sendAhead)
	}
	return r
}

// Stop sends no more RETRs. Next goes on with what is already asked for.
func (r *Retrieval) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop = true
	r.room.Broadcast()
}

// Next reads the next status line. False is the end: all is answered, or Err tells what broke.
func (r *Retrieval) Next() bool {
	if r.ended {
		return false
	}
	more, err := r.next()
	if !more || err != nil {
		r.end(err)
	}
	return !r.ended
}

// Index is the current message's index in wants.
func (r *Retrieval) Index() int { return r.answered - 1 }

// Refused is the server's -ERR for the current message, which then has no body, or nil.
func (r *Retrieval) Refused() *ServerError { return r.refused }

// Proved is the number of messages, from the first of wants, whose bodies are known to be what was asked for. It grows by Next.
func (r *Retrieval) Proved() int { return r.proved }

// Body streams the current message to w, dot-stuffing undone and CRLF made LF, and gives its octets on the wire as LIST counts
// them. An error ends the walk: a *TooLongError after limit octets, a *SinkError of w's, or one of the connection's.
func (r *Retrieval) Body(w io.Writer, limit int64) (octets int64, err error) {
	if !r.unread {
		return 0, errors.New("retrieve: there is no message whose body is still to be read")
	}
	r.unread = false
	r.c.expect(r.c.doing) // whatever the caller did since Next is not the server's delay
	octets, at, err := r.c.body(w, limit)
	size := r.wants[r.Index()].Size
	switch {
	case err != nil || !r.pipelining:
	case at.fused && size >= 0 && octets > size:
		err = &ProtocolError{Doing: r.c.doing, Why: "the message seems to run into the next one"}
	case at.status:
		err = &ProtocolError{Doing: r.c.doing, Why: "the message seems to be the answer to another command"}
	}
	if err != nil {
		r.end(err)
		return octets, err
	}
	r.release(r.Index())
	return octets, nil
}

// Err is what ended the walk early, or nil.
func (r *Retrieval) Err() error { return r.err }

// next gets to the next status line, if there is one to come.
func (r *Retrieval) next() (more bool, err error) {
	if r.unread {
		return false, fmt.Errorf("retrieve: the body of message %d was not read", r.wants[r.Index()].Number)
	}
	if err := r.proof(); err != nil {
		return false, err
	}
	if more := r.await(); !more {
		return false, r.confirm()
	}
	r.line = r.appendCommand(r.line[:0], r.wants[r.answered].Number)
	r.c.expect(string(r.line[:len(r.line)-len("\r\n")]))
	if !r.pipelining {
		if err := r.c.write(r.line); err != nil {
			return false, err
		}
	}
	r.c.trace(true, r.c.doing)
	_, err = r.c.statusLike("+OK")
	r.refused = nil
	if notRefused(err) == nil && !r.pipelining {
		r.proved = r.answered
	}
	r.mu.Lock()
	r.answered++
	r.mu.Unlock()
	if refused, ok := errors.AsType[*ServerError](err); ok {
		r.refused = refused
		r.release(r.Index())
		return true, nil
	}
	r.unread = err == nil
	return true, err
}

// await tells whether another RETR is to be answered. Without pipelining it is about to be sent.
func (r *Retrieval) await() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.pipelining && !r.stop && r.asked < len(r.wants) {
		r.asked++
	}
	// The sender is ahead of the reader, but for its first command and after a window that emptied.
	if r.senderDue() {
		r.writeBefore(time.Now().Add(r.c.opt.Timeout))
		for r.senderDue() {
			r.room.Wait()
		}
		r.writeBefore(time.Time{})
	}
	return r.answered < r.asked
}

// senderDue tells whether it is the sender's turn: all that was asked for is answered, and there is more. r.mu is held.
func (r *Retrieval) senderDue() bool {
	return r.pipelining && r.answered == r.asked && !r.stop && r.asked < len(r.wants) && r.sendErr == nil
}

// proof reads the answer to a NOOP, if one was sent behind what has been answered.
func (r *Retrieval) proof() error {
	r.mu.Lock()
	due := len(r.proofs) > 0 && r.proofs[0] == r.answered
	if due {
		r.proofs = r.proofs[1:]
	}
	r.mu.Unlock()
	if !due {
		return nil
	}
	r.c.expect("NOOP")
	r.c.trace(true, "NOOP")
	if _, err := r.c.status(); notRefused(err) != nil {
		return err
	}
	r.proved = r.answered
	return nil
}

// confirm has the end of the last message confirmed by a NOOP, and by nothing coming behind its answer.
func (r *Retrieval) confirm() error {
	if r.pipelining {
		if err := r.allSent(); err != nil {
			return err
		}
		if err := r.proof(); err != nil {
			return err
		}
	} else if r.answered > 0 {
		if err := notRefused(r.c.Noop()); err != nil {
			return err
		}
	}
	if r.answered == 0 {
		return nil
	}
	if err := r.c.nothingLeft(); err != nil {
		return err
	}
	r.proved = r.answered
	return nil
}

// allSent waits for the sender to end, once all that it asked for is answered. The server has nothing left to send before it
// reads on, so a time-out is due.
func (r *Retrieval) allSent() error {
	r.c.expect("RETR")
	r.mu.Lock()
	r.writeBefore(time.Now().Add(r.c.opt.Timeout))
	r.mu.Unlock()
	r.sender.Wait()
	if r.sendErr != nil {
		return r.c.broken("send", r.sendErr)
	}
	return nil
}

// writeBefore bounds the sender's writes, a begun one too. r.mu is held.
func (r *Retrieval) writeBefore(deadline time.Time) {
	r.writeBy = deadline
	_ = r.c.conn.SetWriteDeadline(deadline) // an error means a dead connection: the write fails anyway
}

// notRefused takes a -ERR for an answer: it is a status line all the same.
func notRefused(err error) error {
	if _, refused := errors.AsType[*ServerError](err); refused {
		return nil
	}
	return err
}

// end ends the walk, and the sender with it.
func (r *Retrieval) end(err error) {
	if r.ended {
		return
	}
	r.ended = true
	r.mu.Lock()
	r.over = true
	if err != nil {
		// The sender may be waiting in a write that the server will never read.
		r.writeBefore(time.Unix(1, 0))
	}
	r.room.Broadcast()
	r.mu.Unlock()
	r.sender.Wait()
	r.err = err
}

// release takes a message out of the window.
func (r *Retrieval) release(i int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outstanding -= weight(r.wants[i])
	if r.hasRoom() {
		r.room.Broadcast()
	}
}

// weight is what a message counts in the window. One that is larger than the window fills it, so that it is asked for alone.
func weight(w Want) int64 {
	if w.Size < 0 {
		return unknownSize
	}
	return min(w.Size, windowBytes)
}
