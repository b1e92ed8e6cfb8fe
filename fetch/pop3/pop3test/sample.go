package pop3test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
)

// SampleMail returns n friendly messages for a demonstration: notes, letters in several scripts and in GBK, HTML with
// its plain alternative, pictures, PDFs and ZIPs, lines with leading dots and very long ones. The same n gives the
// same messages, with the same UIDs.
func SampleMail(n int) []Message {
	kinds := []func(*letter){note, utf8Letter, note, gbkLetter, htmlLetter, pictureLetter, note, dotsLetter, paperLetter, longLineLetter}
	msgs := make([]Message, n)
	for i := range msgs {
		l := &letter{number: i, random: rand.New(rand.NewPCG(uint64(i), 1))}
		l.head()
		kinds[i%len(kinds)](l)
		msgs[i] = Message{UID: fmt.Sprintf("sample-%05d", i+1), Data: l.Bytes()}
	}
	return msgs
}

// letter is a message in the making.
type letter struct {
	bytes.Buffer
	number int
	random *rand.Rand
}

func (l *letter) field(name, value string) {
	fmt.Fprintf(l, "%s: %s\r\n", name, value)
}

// head writes the fields that all letters have. The first letter is of the 5th of January 2026, the others follow
// seven hours apart.
func (l *letter) head() {
	from, err := mail.ParseAddress(samplePeople[l.number%len(samplePeople)])
	if err != nil {
		panic(err) // the table above is wrong
	}
	date := time.Date(2026, 1, 5, 8, 30, 0, 0, time.UTC).Add(time.Duration(l.number) * 7 * time.Hour)
	if l.isGBK() {
		l.field("From", "=?GBK?B?"+sampleGBKName+"?= <lina@example.com>")
	} else {
		l.field("From", from.String())
	}
	l.field("To", "You <you@example.org>")
	l.field("Date", date.Format(time.RFC1123Z))
	l.field("Message-ID", fmt.Sprintf("<sample.%d@example.org>", l.number+1))
	l.field("MIME-Version", "1.0")
}

func (l *letter) isGBK() bool { return l.number%10 == 3 }

func (l *letter) subject(s string) {
	l.field("Subject", strings.ReplaceAll(mime.BEncoding.Encode("UTF-8", s), "?= =?", "?=\r\n =?"))
}

// text writes the end of a header and a text in one part.
func (l *letter) text(charset, encoding, body string) {
	l.field("Content-Type", "text/plain; charset="+charset)
	l.field("Content-Transfer-Encoding", encoding)
	l.WriteString("\r\n" + body)
}

func withCRLF(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") + "\r\n" }

func note(l *letter) {
	n := sampleNotes[l.number/2%len(sampleNotes)]
	l.subject(n.subject)
	l.text("us-ascii", "7bit", withCRLF(n.body))
}

func utf8Letter(l *letter) {
	n := sampleUTF8[l.number/10%len(sampleUTF8)]
	l.subject(n.subject)
	l.text("utf-8", "8bit", withCRLF(n.body))
}

func gbkLetter(l *letter) {
	l.field("Subject", "=?GBK?B?"+sampleGBKSubjects[l.number/10%len(sampleGBKSubjects)]+"?=")
	l.text("gbk", "8bit", sampleGBKBody)
}

func dotsLetter(l *letter) {
	l.subject("The way out of the maze")
	l.text("us-ascii", "7bit", sampleDots)
}

func longLineLetter(l *letter) {
	l.subject("One long sentence")
	l.text("us-ascii", "7bit", strings.Repeat("and then we went on a little further, ", 400)+"and then we were home.\r\n")
}

func htmlLetter(l *letter) {
	month := time.Month(l.number/10%12 + 1).String()
	l.subject("Garden letter, " + month)
	w := l.multipart("alternative")
	l.part(w, "text/plain; charset=us-ascii", "", []byte("Peas and beans, and a squash nobody knows the name of.\r\n"))
	l.part(w, "text/html; charset=utf-8", "", fmt.Appendf(nil, sampleHTML, month))
	w.Close()
}

func pictureLetter(l *letter) {
	l.subject("A picture of the harbour 📷")
	w := l.multipart("mixed")
	l.part(w, "text/plain; charset=us-ascii", "", []byte("The fog makes it look like a painting.\r\n"))
	l.part(w, "image/png", "harbour.png", l.picture())
	w.Close()
}

func paperLetter(l *letter) {
	l.subject("Papers for the meeting")
	w := l.multipart("mixed")
	l.part(w, "text/plain; charset=utf-8", "", []byte("The page to read, and the archive to keep — thank you.\r\n"))
	l.part(w, "application/pdf", "page.pdf", []byte(samplePDF))
	l.part(w, "application/zip", "archive.zip", l.archive())
	w.Close()
}

func (l *letter) multipart(kind string) *multipart.Writer {
	w := multipart.NewWriter(l)
	boundary := fmt.Sprintf("=_sample-%d", l.number+1)
	if err := w.SetBoundary(boundary); err != nil {
		panic(err) // the line above is wrong
	}
	l.field("Content-Type", fmt.Sprintf("multipart/%s; boundary=%q", kind, boundary))
	l.WriteString("\r\n")
	return w
}

// part writes one part: quoted-printable, or base64 when it has a file name. Nothing here can fail: all of it is in
// memory.
func (l *letter) part(w *multipart.Writer, contentType, file string, data []byte) {
	header := textproto.MIMEHeader{"Content-Type": {contentType}, "Content-Transfer-Encoding": {"quoted-printable"}}
	if file != "" {
		header.Set("Content-Transfer-Encoding", "base64")
		header.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", file))
	}
	body, _ := w.CreatePart(header)
	if file == "" {
		q := quotedprintable.NewWriter(body)
		q.Write(data)
		q.Close()
		return
	}
	text := base64.StdEncoding.EncodeToString(data)
	for len(text) > 0 {
		n := min(76, len(text))
		fmt.Fprintf(body, "%s\r\n", text[:n])
		text = text[n:]
	}
}

// picture draws fog over water.
func (l *letter) picture() []byte {
	const width, height = 160, 100
	img := image.NewGray(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetGray(x, y, color.Gray{Y: uint8(120 + y + l.random.IntN(16))})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // bytes.Buffer does not fail
	}
	return b.Bytes()
}

// archive packs one text file.
func (l *letter) archive() []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	file, err := w.Create("minutes.txt")
	if err == nil {
		_, err = file.Write([]byte(sampleNotes[3].body))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // bytes.Buffer does not fail
	}
	return b.Bytes()
}
