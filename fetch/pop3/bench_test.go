package pop3

import (
	"bytes"
	"io"
	"net"
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
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer ln.Close()
			go bench(ln, one)
			conn, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			c := New(conn, Options{Timeout: time.Minute})
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

// bench answers each line of one connection; NOOP with "+OK", anything else with one.
func bench(ln net.Listener, one string) {
	conn, err := ln.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
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
