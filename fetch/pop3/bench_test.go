package pop3

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkDecode is the dot reader alone, over text of common line lengths: GB/s.
func BenchmarkDecode(b *testing.B) {
	for name, line := range map[string]string{
		"76":   strings.Repeat("x", 76) + "\r\n",
		"dots": "..\r\n",
		"1000": strings.Repeat("x", 998) + "\r\n",
	} {
		b.Run(name, func(b *testing.B) {
			text := bytes.Repeat([]byte(line), bufferSize/len(line))
			buf := make([]byte, len(text))
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				copy(buf, text) // it decodes in place
				at := place{lineStart: true}
				if _, used, _ := decode(buf, &at, true); used != len(text) {
					b.Fatal(used)
				}
			}
		})
	}
}

// BenchmarkRetrieve hauls 5,000 messages of 700 octets over loopback, from a server that has its answers ready.
func BenchmarkRetrieve(b *testing.B) {
	const n = 5000
	one := "+OK 700 octets\r\n" + strings.Repeat(strings.Repeat("x", 68)+"\r\n", 10) + ".\r\n"
	for name, pipelining := range map[string]bool{"ahead": true, "one at a time": false} {
		b.Run(name, func(b *testing.B) {
			c := benchClient(b, func(conn net.Conn) { bench(conn, one) })
			all := wants(n, 700)
			b.SetBytes(int64(n * len(one)))
			b.ReportAllocs()
			for b.Loop() {
				r := c.Retrieve(all, pipelining)
				for r.Next() {
					if _, err := r.Body(io.Discard, 1<<20); err != nil {
						b.Fatal(err)
					}
				}
				if r.Err() != nil {
					b.Fatal(r.Err())
				}
			}
		})
	}
}

// BenchmarkList reads the listing of 100,000 messages over loopback, from a server that has it ready.
func BenchmarkList(b *testing.B) {
	const n = 100_000
	uidl, list := []byte("+OK\r\n"), []byte("+OK\r\n")
	for i := 1; i <= n; i++ {
		uidl = fmt.Appendf(uidl, "%d %08x5f3c2a11\r\n", i, i)
		list = fmt.Appendf(list, "%d %d\r\n", i, 3000+i%977)
	}
	ready := slices.Concat([]byte("+OK 100000 350000000\r\n"), uidl, []byte(".\r\n"), list, []byte(".\r\n"))
	client := benchClient(b, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if line[0] == 'L' { // STAT and UIDL came in the same write
				if _, err := conn.Write(ready); err != nil {
					return
				}
			}
		}
	})
	b.SetBytes(int64(len(ready)))
	b.ReportAllocs()
	for b.Loop() {
		if l, err := client.List(true); err != nil || l.Len() != n {
			b.Fatal(l, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/message")
}

// benchClient is a client of what serve does with a connection.
func benchClient(b *testing.B, serve func(net.Conn)) *Client {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ln.Close() })
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		serve(conn)
	}()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return New(conn, Options{Timeout: time.Minute})
}

// bench answers each line of a connection; NOOP with "+OK", anything else with one.
func bench(conn net.Conn, one string) {
	in := make([]byte, 64<<10)
	var out []byte
	atStart := true
	for {
		n, err := conn.Read(in)
		if err != nil {
			return
		}
		out = out[:0]
		noop := false
		for _, octet := range in[:n] {
			if atStart {
				noop = octet == 'N'
			}
			if atStart = octet == '\n'; !atStart {
				continue
			}
			if noop {
				out = append(out, "+OK\r\n"...)
			} else {
				out = append(out, one...)
			}
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}
