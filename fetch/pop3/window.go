package pop3

import "strconv"

// sendAhead is the sender of a pipelined retrieval. It fills the window, waits until an eighth of it is answered, and fills it
// again, so that a write carries many commands, and a far server always has some to answer. It ends when all is asked for, or when
// nobody reads any more.
func (r *Retrieval) sendAhead() {
	var commands []byte
	for done := false; !done; {
		commands, done = r.nextCommands(commands[:0])
		if len(commands) == 0 {
			continue
		}
		if err := r.send(commands); err != nil {
			r.mu.Lock()
			r.sendErr = err
			r.room.Broadcast()
			r.mu.Unlock()
			return
		}
	}
}

// nextCommands waits for room in the window and gives what fits.
func (r *Retrieval) nextCommands(commands []byte) (_ []byte, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.over && !r.stop && r.asked < len(r.wants) && !(r.hasRoom() && r.fits(r.wants[r.asked])) {
		r.room.Wait()
	}
	if r.over {
		return nil, true
	}
	for !r.stop && r.asked < len(r.wants) && r.fits(r.wants[r.asked]) {
		w := r.wants[r.asked]
		commands = r.appendCommand(commands, w.Number)
		r.outstanding += weight(w)
		r.unproved += weight(w)
		r.asked++
		if r.asked-r.proofAt >= r.proofDue() || r.unproved >= proofBytes {
			commands = r.appendProof(commands)
		}
	}
	done = r.stop || r.asked == len(r.wants)
	if done && r.asked > r.proofAt {
		commands = r.appendProof(commands)
	}
	r.room.Broadcast()
	return commands, done
}

// proofDue is how many messages a proof is for: as many as were proved before it, so that of what has come from a slow server at least
// half counts when the run is stopped, and not more than are cheap to ask for again. r.mu is held.
func (r *Retrieval) proofDue() int {
	return min(max(r.proofAt, 1), proofMessages)
}

// appendProof has what is asked for so far proved by a NOOP. r.mu is held.
func (r *Retrieval) appendProof(commands []byte) []byte {
	r.proofs = append(r.proofs, r.asked)
	r.proofAt, r.unproved = r.asked, 0
	return append(commands, "NOOP\r\n"...)
}

// hasRoom tells whether an eighth of the window is free.
func (r *Retrieval) hasRoom() bool {
	return r.asked-r.answered <= windowCommands*7/8 && r.outstanding <= windowBytes*7/8
}

// fits tells whether one more message may be asked for.
func (r *Retrieval) fits(w Want) bool {
	return r.asked-r.answered < windowCommands && r.outstanding+weight(w) <= windowBytes
}

// send writes without a time-out of its own: a server may read no further until it has sent what was asked for, and the reader
// watches over that. A reader that gives up, or that has nothing to read before the write is done, ends it by a deadline.
func (r *Retrieval) send(commands []byte) error {
	r.mu.Lock()
	r.writeBefore(r.writeBy)
	r.mu.Unlock()
	_, err := r.c.conn.Write(commands)
	return err
}

// appendCommand adds the command that asks for a message.
func (r *Retrieval) appendCommand(p []byte, number int) []byte {
	if r.headers {
		p = strconv.AppendInt(append(p, "TOP "...), int64(number), 10)
		return append(p, " 0\r\n"...)
	}
	p = strconv.AppendInt(append(p, "RETR "...), int64(number), 10)
	return append(p, "\r\n"...)
}
