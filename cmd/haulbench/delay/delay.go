// Package delay is a TCP relay that makes a server on this machine look far away: what passes through it arrives as
// much later as a network with a given round-trip time would bring it.
//
// Each direction is late by half the round trip. What was read at once is passed on at once, so order and speed stay:
// any number of octets may be under way, and nothing waits for an answer. A connection, too, takes its time: the server
// sees it one and a half round trips after the client asked, when the third packet of TCP's handshake would reach it.
// The client's own connect returns early, but what it sends by then arrives no earlier than after such a handshake.
//
// It needs nothing of the kernel, and serves any number of connections.
package delay

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	readSize = 64 << 10 // octets taken from a connection at once
	// underWay is how many reads may be on their way in one direction, far more than a loopback connection makes of a
	// round trip.
	underWay = 1 << 14
)

// Relay takes connections and passes them on. It is safe for concurrent use.
type Relay struct {
	listener net.Listener
	dial     func() (net.Conn, error)
	oneWay   time.Duration

	running sync.WaitGroup
	mu      sync.Mutex
	open    map[net.Conn]struct{} // nil once closed
}

// Listen starts a relay on a free port of 127.0.0.1 to a TCP address, a round trip away.
func Listen(to string, roundTrip time.Duration) (*Relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the delaying relay: %w", err)
	}
	r := newRelay(func() (net.Conn, error) { return net.Dial("tcp", to) }, roundTrip)
	r.listener = listener
	r.running.Go(r.accept)
	return r, nil
}

func newRelay(dial func() (net.Conn, error), roundTrip time.Duration) *Relay {
	return &Relay{dial: dial, oneWay: roundTrip / 2, open: map[net.Conn]struct{}{}}
}

// Port gives the port that the relay listens on.
func (r *Relay) Port() int { return r.listener.Addr().(*net.TCPAddr).Port }

// Close ends the relay and all its connections, and waits for that.
func (r *Relay) Close() error {
	err := r.listener.Close()
	r.mu.Lock()
	for conn := range r.open {
		err = errors.Join(err, conn.Close())
	}
	r.open = nil
	r.mu.Unlock()
	r.running.Wait()
	return err
}

func (r *Relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return // closed: there is nothing else that a listener on loopback fails of
		}
		r.running.Go(func() { r.serve(client) })
	}
}

// serve relays one connection until both directions have ended.
func (r *Relay) serve(client net.Conn) {
	if !r.remember(client) {
		return
	}
	defer r.forget(client)
	up := r.take(client) // at once: a client may speak first, as TLS does
	time.Sleep(3 * r.oneWay)
	server, err := r.dial()
	if err != nil || !r.remember(server) {
		_ = client.Close() // as by a server that is not there
		for range up {
		}
		return
	}
	defer r.forget(server)
	down := r.take(server)
	var both sync.WaitGroup
	both.Go(func() { bring(server, up) })
	both.Go(func() { bring(client, down) })
	both.Wait()
}

// remember has Close end this connection, too. When Close has been there already, it closes it and says no.
func (r *Relay) remember(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		_ = conn.Close()
		return false
	}
	r.open[conn] = struct{}{}
	return true
}

func (r *Relay) forget(conn net.Conn) {
	r.mu.Lock()
	delete(r.open, conn)
	r.mu.Unlock()
	_ = conn.Close() // both directions have ended: nothing is lost
}

// parcel is what was read at once, and when it arrives. Without data it is the end of the stream.
type parcel struct {
	data []byte
	due  time.Time
}

// take reads a connection to its end, and gives what it reads in order.
func (r *Relay) take(from net.Conn) <-chan parcel {
	parcels := make(chan parcel, underWay)
	r.running.Go(func() {
		defer close(parcels)
		buf := make([]byte, readSize)
		for {
			n, err := from.Read(buf)
			due := time.Now().Add(r.oneWay)
			if n > 0 {
				parcels <- parcel{bytes.Clone(buf[:n]), due}
			}
			if err != nil {
				parcels <- parcel{nil, due}
				return
			}
		}
	})
	return parcels
}

// bring writes each parcel when it is due. A connection that takes nothing more is closed; the parcels are then dropped,
// as the network does.
func bring(to net.Conn, parcels <-chan parcel) {
	for p := range parcels {
		time.Sleep(time.Until(p.due))
		if p.data == nil {
			closeWrite(to)
		} else if _, err := to.Write(p.data); err != nil {
			_ = to.Close()
		}
	}
}

// closeWrite ends one direction and leaves the other, where the connection can.
func closeWrite(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // fails when the other end is gone: nobody is left to be told
		return
	}
	_ = conn.Close()
}
