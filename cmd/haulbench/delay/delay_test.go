package delay

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const roundTrip = 40 * time.Millisecond

// far gives both ends of a connection through a relay, within a bubble of fake time. The server's end is there once the
// relay has dialled.
func far(t *testing.T) (client net.Conn, server func() net.Conn) {
	t.Helper()
	dialled := make(chan net.Conn, 1)
	r := newRelay(func() (net.Conn, error) {
		near, far := net.Pipe()
		dialled <- far
		return near, nil
	}, roundTrip)
	client, relayed := net.Pipe()
	r.running.Go(func() { r.serve(relayed) })
	t.Cleanup(func() {
		client.Close()
		r.running.Wait()
	})
	return client, sync.OnceValue(func() net.Conn { return <-dialled })
}

// arrives reads so many octets and tells when the last of them was there.
func arrives(t *testing.T, conn net.Conn, n int) (data []byte, at time.Time) {
	t.Helper()
	data = make([]byte, n)
	if _, err := io.ReadFull(conn, data); err != nil {
		t.Fatal(err)
	}
	return data, time.Now()
}

func says(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func TestDialogueTakesRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		client, dialled := far(t)
		server := dialled()
		if took := time.Since(began); took != 3*roundTrip/2 {
			t.Errorf("the server saw the connection after %v, want one and a half round trips", took)
		}
		for n := 2; n < 5; n++ {
			says(t, server, "+OK")
			text, at := arrives(t, client, 3)
			if took := at.Sub(began); string(text) != "+OK" || took != time.Duration(n)*roundTrip {
				t.Errorf("answer %q after %v, want +OK after %d round trips", text, took, n)
			}
			says(t, client, "NOOP")
			arrives(t, server, 4)
		}
	})
}

func TestWhoSpeaksFirstIsHeardAfterTheHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		client, dialled := far(t)
		says(t, client, "hello")
		_, at := arrives(t, dialled(), 5)
		if took := at.Sub(began); took != 3*roundTrip/2 {
			t.Errorf("heard after %v, want one and a half round trips", took)
		}
	})
}

// All that is sent at one time arrives at one time, however much it is, and in order.
func TestDelayIsNoThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, dialled := far(t)
		server := dialled()
		var sent bytes.Buffer
		for n := range 200_000 {
			sent.WriteString(strconv.Itoa(n))
		}
		began := time.Now()
		go func() {
			for part := range slices.Chunk(sent.Bytes(), 1000) {
				_, _ = server.Write(part)
			}
			server.Close()
		}()
		got, err := io.ReadAll(client)
		if err != nil || !bytes.Equal(got, sent.Bytes()) {
			t.Errorf("%d octets, %v: want the %d octets as they were sent", len(got), err, sent.Len())
		}
		if took := time.Since(began); took != roundTrip/2 {
			t.Errorf("it took %v, want half a round trip", took)
		}
	})
}

// The end of the stream comes as late as data, and leaves the other direction open.
func TestHalfOpenConnectionsOverTCP(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				text, err := io.ReadAll(conn)
				_, _ = conn.Write(append(text, " and back"...))
				if err != nil {
					_, _ = conn.Write([]byte(err.Error()))
				}
			}()
		}
	}()
	relay, err := Listen(server.Addr().String(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range 100 {
		all.Go(func() {
			conn, err := net.Dial("tcp", relay.listener.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			text := strconv.Itoa(n)
			_, _ = io.WriteString(conn, text)
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Error(err)
			}
			if got, err := io.ReadAll(conn); err != nil || string(got) != text+" and back" {
				t.Errorf("connection %d: %q, %v", n, got, err)
			}
		})
	}
	all.Wait()
	if err := relay.Close(); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsConnections(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	relay, err := Listen(server.Addr().String(), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", relay.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	silent, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if err := relay.Close(); err != nil {
		t.Error(err)
	}
	if n, err := client.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read gave %d, %v: want the connection closed", n, err)
	}
}

func TestServerThatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(func() (net.Conn, error) { return nil, errors.New("refused") }, roundTrip)
		client, relayed := net.Pipe()
		r.running.Go(func() { r.serve(relayed) })
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("read gave %v, want the connection closed", err)
		}
		r.running.Wait()
	})
}
