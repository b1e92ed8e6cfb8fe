package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// awkwardMail is the corpus of the fetch tests, the same in each run: 500 messages as files of Dovecot's, with what
// POP3 clients are known to spoil. The last one has 30 MB. None begins with a dot: Dovecot 2.3 forgets to stuff that one.
func awkwardMail() [][]byte {
	random := rand.New(rand.NewPCG(1939, 2449))
	mail := [][]byte{
		{}, // zero bytes
		[]byte("\n"),
		[]byte("\r"),
		[]byte("\n."),
		[]byte("\n.\n.\n.\n"),
		[]byte("\r\n.\r\n"),
		[]byte("Subject: no body and no empty line\n"),
		[]byte("Subject: no line end at all"),
		[]byte("Subject: empty body\n\n"),
		[]byte("\nno header, but a body\n"),
		[]byte("From gone Thu Jan  1 00:00:00 1970\nSubject: an mbox line first\n\nFrom here\n"),
		[]byte("Subject: looks like answers\n\n.\n+OK 12 octets\n.\r\n-ERR no such message\n+OK\n"),
		[]byte("Subject: ends in CR\n\nx\r"),
		[]byte("Subject: CR CR LF\r\n\r\nx\r\r\ny\r\r\n\r\n"),
		[]byte("Subject: nothing but NUL\n\n" + strings.Repeat("\x00", 5000)),
	}
	for _, size := range []int{4095, 4096, 4097, 65535, 65536, 65537} {
		mail = append(mail, borderMail(size, "."), borderMail(size, "\r"), borderMail(size, "x"))
	}
	for n := range 3 {
		line := bytes.Repeat([]byte{byte('a' + n)}, 1<<20)
		mail = append(mail, fmt.Appendf(nil, "Subject: a line of 1 MB, %d\n\n%s\n.\n%s", n, line, line))
	}
	for n := len(mail); n < 499; n++ {
		mail = append(mail, mixedMail(random, n))
	}
	var page []byte
	for len(page) < 1<<20 {
		page = append(page, textLine(random)...)
	}
	return append(mail, append([]byte("Subject: 30 MB\n\n"), bytes.Repeat(page, 30)...))
}

// borderMail has a line that begins with the given bytes at exactly this offset of what is sent.
func borderMail(size int, then string) []byte {
	head := fmt.Sprintf("Subject: border at %d\r\n\r\n", size)
	return []byte(head + strings.Repeat("b", size-len(head)-2) + "\r\n" + then + "\r\n" + then + then + "end\r\n")
}

// mixedMail is one of some kinds of ordinary and odd mail.
func mixedMail(random *rand.Rand, n int) []byte {
	mail := fmt.Appendf(nil, "From: Lab <lab@example.org>\nTo: you@example.org\nSubject: message %d\nMessage-ID: <%d@lab.example.org>\n\n", n, n)
	for range 1 + random.IntN(60) {
		mail = append(mail, textLine(random)...)
	}
	switch n % 6 {
	case 0: // as it is: LF line ends
	case 1:
		mail = bytes.ReplaceAll(mail, []byte("\n"), []byte("\r\n"))
	case 2: // any bytes at all, line ends among them
		for range 2000 {
			mail = append(mail, byte(random.UintN(256)))
		}
	case 3: // bare CR and NUL in and around line ends
		mail = append(mail, "a\rb\r\rc\n\r\nd\x00\x00\n\x00\n.\x00\n\r.\n"...)
	case 4: // 8-bit: GBK and Latin-1 text
		mail = append(mail, "\xc4\xe3\xba\xc3\xa3\xac caf\xe9\n"...)
	case 5: // no line end at the end
		mail = bytes.TrimRight(mail, "\n")
	}
	return mail
}

// textLine is a line that often begins with dots and is now and then empty or long.
func textLine(random *rand.Rand) []byte {
	const letters = "abcdefghijklmnopqrstuvwxyz .,-=+"
	line := bytes.Repeat([]byte("."), max(0, random.IntN(8)-5))
	length := random.IntN(78)
	if random.IntN(50) == 0 {
		length = random.IntN(5000)
	}
	for range length {
		line = append(line, letters[random.IntN(len(letters))])
	}
	return append(line, '\n')
}

// smallMail is n short messages that differ from each other and from those of every other label.
func smallMail(label string, n int) [][]byte {
	var mail [][]byte
	for i := range n {
		mail = append(mail, fmt.Appendf(nil, "From: lab@example.org\nSubject: %s %d\n\n.dot\n%s\n", label, i, strings.Repeat("text ", i%50)))
	}
	return mail
}

type sum [sha256.Size]byte

// counted is mail as a multiset of contents.
func counted(mail [][]byte) map[sum]int {
	counts := map[sum]int{}
	for _, data := range mail {
		counts[sha256.Sum256(data)]++
	}
	return counts
}

// sameMail fails the test unless both are the same messages, each as often, in any order. It logs the count.
func sameMail(t *testing.T, wantWhat string, want [][]byte, gotWhat string, got [][]byte) {
	t.Helper()
	wanted, have := counted(want), counted(got)
	equal := 0
	for s, n := range wanted {
		equal += min(n, have[s])
	}
	t.Logf("%d of %d equal by SHA-256 (%s, %s: %d)", equal, len(want), wantWhat, gotWhat, len(got))
	if maps.Equal(wanted, have) {
		return
	}
	t.Errorf("%s: %d messages; %s: %d", wantWhat, len(want), gotWhat, len(got))
	told := 0
	tell := func(s sum, in [][]byte, what string, n int) {
		if told++; told > 5 {
			return
		}
		at := slices.IndexFunc(in, func(data []byte) bool { return sha256.Sum256(data) == s })
		t.Errorf("%s %d times: %d bytes, %.60q … %q", what, n, len(in[at]), in[at], in[at][max(0, len(in[at])-20):])
	}
	for s, n := range wanted {
		if have[s] != n {
			tell(s, want, "should be there "+fmt.Sprint(n)+" times, is there", have[s])
		}
	}
	for s, n := range have {
		if wanted[s] == 0 {
			tell(s, got, "should not be there, is there", n)
		}
	}
}

// delivered reads all mail of a Maildir, new/ and cur/.
func delivered(t *testing.T, maildir string) [][]byte {
	t.Helper()
	var mail [][]byte
	for _, path := range mailFiles(t, maildir) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		mail = append(mail, data)
	}
	return mail
}

// mailFiles gives the paths of all mail of a Maildir; none where there is no Maildir.
func mailFiles(t *testing.T, maildir string) []string {
	t.Helper()
	var paths []string
	for _, folder := range []string{"new", "cur"} {
		entries, err := os.ReadDir(filepath.Join(maildir, folder))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, entry := range entries {
			paths = append(paths, filepath.Join(maildir, folder, entry.Name()))
		}
	}
	return paths
}

// snapshot describes every file and folder below dir: name, mode, size, time of change, and content of the small ones.
// Equal snapshots mean that nothing was written. The time of a status file, which says when the last run was, is left out.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		changed := info.ModTime().UnixNano()
		if strings.HasSuffix(path, ".status") {
			changed = 0
		}
		line := fmt.Sprintf("%s %v %d %d", path, info.Mode(), info.Size(), changed)
		if info.Mode().IsRegular() && info.Size() < 1<<20 {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %x", sha256.Sum256(data))
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// unchanged fails the test when something below dir was written since before was taken.
func unchanged(t *testing.T, what, dir, before string) {
	t.Helper()
	after := snapshot(t, dir)
	if after == before {
		return
	}
	only := func(these, others string) string {
		lines := slices.DeleteFunc(strings.Split(these, "\n"), func(line string) bool { return strings.Contains(others, line) })
		return clip(strings.Join(lines, "\n"))
	}
	t.Errorf("%s wrote into %s:\nbefore\n%s\nafter\n%s", what, filepath.Base(dir), only(before, after), only(after, before))
}

// noSpool fails the test when the Maildir's tmp/ holds anything: a spool that was left behind.
func noSpool(t *testing.T, maildir string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(maildir, "tmp"))
	if err != nil {
		t.Error(err)
	}
	for _, entry := range entries {
		t.Errorf("left behind in tmp/: %s", entry.Name())
	}
}
