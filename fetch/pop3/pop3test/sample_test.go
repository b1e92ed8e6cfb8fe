package pop3test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"image/png"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
)

// Every sample is mail that the standard library can read, and the sample as a whole shows what it promises.
func TestSampleMail(t *testing.T) {
	const count = 240
	kinds := map[string]int{}
	ids := map[string]bool{}
	for _, m := range SampleMail(count) {
		msg, err := mail.ReadMessage(bytes.NewReader(m.Data))
		if err != nil {
			t.Fatalf("%s: %v", m.UID, err)
		}
		for _, field := range []string{"From", "To", "Subject", "Date", "Message-Id"} {
			if msg.Header.Get(field) == "" {
				t.Errorf("%s has no %s", m.UID, field)
			}
		}
		if _, err := msg.Header.Date(); err != nil {
			t.Errorf("%s: %v", m.UID, err)
		}
		ids[msg.Header.Get("Message-Id")] = true
		if bytes.Contains(bytes.ReplaceAll(m.Data, crlf, nil), lf) {
			t.Errorf("%s holds a bare LF", m.UID)
		}
		for _, sign := range []string{"=?UTF-8?b?", "=?GBK?B?", "\r\n.", "charset=gbk"} {
			if bytes.Contains(m.Data, []byte(sign)) {
				kinds[sign]++
			}
		}
		mediaType, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
		if err != nil {
			t.Fatalf("%s: %v", m.UID, err)
		}
		kinds[mediaType]++
		if strings.HasPrefix(mediaType, "multipart/") {
			readParts(t, m.UID, multipart.NewReader(msg.Body, params["boundary"]), kinds)
		}
	}
	if len(ids) != count {
		t.Errorf("%d different Message-IDs, want %d", len(ids), count)
	}
	for _, kind := range []string{
		"=?UTF-8?b?", "=?GBK?B?", "charset=gbk", "\r\n.", "text/plain",
		"multipart/mixed", "multipart/alternative", "image/png", "application/pdf", "application/zip",
	} {
		if kinds[kind] < count/20 {
			t.Errorf("%d messages with %q, want more", kinds[kind], kind)
		}
	}
}

// readParts opens what is in the parts.
func readParts(t *testing.T, uid string, parts *multipart.Reader, kinds map[string]int) {
	t.Helper()
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", uid, err)
		}
		kind := part.Header.Get("Content-Type")
		kinds[kind]++
		if part.FileName() == "" {
			continue
		}
		data, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		if err != nil {
			t.Fatalf("%s: %s: %v", uid, kind, err)
		}
		switch kind {
		case "image/png":
			_, err = png.Decode(bytes.NewReader(data))
		case "application/zip":
			_, err = zip.NewReader(bytes.NewReader(data), int64(len(data)))
		}
		if err != nil {
			t.Errorf("%s: %s: %v", uid, kind, err)
		}
	}
}

func TestSampleMailIsTheSameEachTime(t *testing.T) {
	a, b := SampleMail(30), SampleMail(60)
	for i := range a {
		if a[i].UID != b[i].UID || !bytes.Equal(a[i].Data, b[i].Data) {
			t.Errorf("%s is not the same again", a[i].UID)
		}
	}
}
