package maildir

import (
	"strings"
	"testing"
	"time"
)

const sampleHash = "abcdefghijklmnopqrstuvwxyy" // 26 characters, the spare bits 0

func TestNames(t *testing.T) {
	base := "1795435202.M7Q3R00ff00ff00ff00ffH" + sampleHash + ".mx.example.org"
	for _, c := range []struct {
		name          string
		ours          bool
		size, virtual int64
	}{
		{base, true, -1, -1},
		{base + ",S=12,W=13", true, 12, 13},
		{base + ",S=12,W=13:2,", true, 12, 13},
		{base + ",S=12,W=13:2,FRS", true, 12, 13},
		{base + ":2,S", true, -1, -1},
		{base + ":2,S=5", true, -1, -1},
		{base + ",W=13:1,x", true, -1, 13},
		{base + ",S=x,W=-1", true, -1, -1},
		{base + ",S=99999999999999999999", true, -1, -1},
		{"", false, 0, 0},
		{".", false, 0, 0},
		{"1795435202.12_0.mx", false, 0, 0},
		{"1795435202.M7P1Q3.mx,S=12", false, 0, 0},
		{strings.TrimSuffix(base, ".mx.example.org"), false, 0, 0},
		{strings.TrimSuffix(base, "mx.example.org"), false, 0, 0},
		{strings.Replace(base, "yy.", "yz.", 1), false, 0, 0}, // a spare bit set: another spelling of the same hash
		{strings.Replace(base, "yy.", "y.", 1), false, 0, 0},
		{strings.Replace(base, sampleHash, strings.ToUpper(sampleHash), 1), false, 0, 0},
		{strings.Replace(base, "M7", "M-7", 1), false, 0, 0},
		{strings.Replace(base, "M7", "M1000000", 1), false, 0, 0},
		{strings.Replace(base, "Q3", "Q", 1), false, 0, 0},
		{strings.Replace(base, "R00ff", "R00FF", 1), false, 0, 0},
		{"+" + base, false, 0, 0},
	} {
		e, ok := parseName(c.name)
		if ok != c.ours {
			t.Errorf("parseName(%q) = %v", c.name, ok)
			continue
		}
		if !ok {
			continue
		}
		if e.Hash.String() != sampleHash || !e.Time.Equal(time.Unix(1795435202, 7000)) || e.Size != c.size || e.Virtual != c.virtual {
			t.Errorf("%q reads as %s %v S=%d W=%d", c.name, e.Hash, e.Time, e.Size, e.Virtual)
		}
	}
}

func TestUIDHashTellsPairsApart(t *testing.T) {
	seen := map[Hash]string{}
	for _, p := range [][2]string{{"", ""}, {"a", ""}, {"", "a"}, {"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"a\x00", "b"}, {"a", "\x00b"}, {"a", strings.Repeat("b", 1000)}} {
		h := UIDHash(p[0], []byte(p[1]))
		if was, ok := seen[h]; ok {
			t.Errorf("%q and %q have the same hash", p, was)
		}
		seen[h] = p[0] + "|" + p[1]
		if h != UIDHash(p[0], []byte(p[1])) {
			t.Errorf("%q: two hashes", p)
		}
	}
}

// The hash is in the names of delivered mail: another spelling would make it
// strange to us.
func TestUIDHashStaysTheSame(t *testing.T) {
	const want = "m4awtix5dwvxlprxfzr35irqay"
	if got := UIDHash("pop.example.org\x00me", []byte("0001f3a2")).String(); got != want {
		t.Errorf("hash is now %s, was %s", got, want)
	}
}

func TestEscapeHost(t *testing.T) {
	for host, want := range map[string]string{
		"":                                       "localhost",
		"mx.example.org":                         "mx.example.org",
		"a/b:c,d":                                `a\057b\072c\054d`,
		"a b\n\x00":                              `a\040b\012\000`,
		`a\b`:                                    `a\134b`,
		"é":                                      `\303\251`,
		strings.Repeat("h", 99):                  strings.Repeat("h", maxHostLen),
		strings.Repeat("h", maxHostLen-3) + "/x": strings.Repeat("h", maxHostLen-3), // an escape is not cut
	} {
		if got := escapeHost(host); got != want {
			t.Errorf("escapeHost(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestLongestKey(t *testing.T) {
	b := &Box{host: escapeHost(strings.Repeat("é", 99)), random: randomHex()}
	b.seq.Store(1<<64 - 2)
	key := keyOf(b.newBase(UIDHash("me", []byte("uid"))), 1<<63-1, 1<<63-1)
	if len(key)+len(":2,DFPRST") > 255 {
		t.Errorf("%d bytes: %s", len(key), key)
	}
	b.seq.Store(999)
	key = keyOf(b.newBase(Hash{}), 99_999_999, 99_999_999)
	if len(key)+len(":2,DFPRST") > 143 {
		t.Errorf("%d bytes are too many for eCryptfs: %s", len(key), key)
	}
	if _, ok := parseName(key); !ok {
		t.Errorf("own key is not recognised: %s", key)
	}
}

func TestKeysAreUnique(t *testing.T) {
	a, b := &Box{host: "mx", random: randomHex()}, &Box{host: "mx", random: randomHex()}
	seen := map[string]bool{}
	for range 10_000 {
		for _, box := range []*Box{a, b} {
			base := box.newBase(Hash{})
			if seen[base] {
				t.Fatalf("twice: %s", base)
			}
			seen[base] = true
		}
	}
}

func FuzzName(f *testing.F) {
	base := "1795435202.M7Q3R00ff00ff00ff00ffH" + sampleHash + ".mx"
	for _, name := range []string{base, base + ",S=1,W=2:2,S", "1.2.3", "", ":", ",", ".M", "1.M1Q1R1H.x"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		e, ok := parseName(name)
		if !ok {
			return
		}
		if !strings.Contains(name, "H"+e.Hash.String()+".") || e.Name != name || e.Size < -1 || e.Virtual < -1 {
			t.Errorf("%q reads as %+v", name, e)
		}
		if again, ok := parseName(baseOf(name) + ":2,S"); !ok || again.Hash != e.Hash {
			t.Errorf("%q: another flag, another hash", name)
		}
	})
}
