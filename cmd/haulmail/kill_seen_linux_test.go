package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// seenMail is how many messages the mailbox of these tests has.
const seenMail = 12

// A change of the state by hand is made as a whole or not at all, wherever it is killed, and what follows holds to it: what is known is
// not fetched, and what is not known is.
func TestSeenKilled(t *testing.T) {
	var total tally
	t.Run("verbs", func(t *testing.T) {
		for _, test := range []struct {
			name    string
			fetched bool // all mail, before
			args    []string
			known   []int // how many messages may be known afterwards
		}{
			{"add all", false, []string{"seen", "add", "lab", "--all"}, []int{0, seenMail}},
			{"add", false, []string{"seen", "add", "lab", "haul0001", "haul0003", "haul0005"}, []int{0, 3}},
			{"forget all", true, []string{"seen", "forget", "lab", "--all"}, []int{0, seenMail}},
			{"forget", true, []string{"seen", "forget", "lab", "haul0001", "haul0003"}, []int{seenMail - 2, seenMail}},
			{"import", false, []string{"seen", "import", "lab", "export.txt"}, []int{0, seenMail}},
			{"rebuild", true, []string{"seen", "rebuild", "lab"}, []int{seenMail}},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				for _, class := range []callClass{
					{name: "change", calls: []uint64{unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_PWRITE64, unix.SYS_FTRUNCATE, unix.SYS_LINKAT, unix.SYS_UNLINKAT, unix.SYS_FLOCK}},
					{name: "any"},
				} {
					whole := newSeenHaul(t, test.fetched)
					calls, _ := whole.killedAtCall(class, 0, test.args...)
					eachPoint(calls, pointsPerClass, func(_, n int) bool {
						k := newSeenHaul(t, test.fetched)
						_, killed := k.killedAtCall(class, n, test.args...)
						total.add(t, fmt.Sprintf("%s call %d of %d", class.name, n, calls), killed, k.holdsToState(test.fetched, test.known))
						k.end()
						return killed
					})
				}
			})
		}
	})
	total.log(t)
}

// newSeenHaul is a mailbox of which all was fetched, or of which the text of a state that knows it all is in export.txt.
func newSeenHaul(t *testing.T, fetched bool) *haul {
	t.Helper()
	k := newHaulOf(t, seenMail, "never", false)
	k.h.run(t).ok(t)
	if fetched {
		return k
	}
	text := k.h.run(t, "seen", "export", "lab").ok(t).stdout
	if err := os.WriteFile(filepath.Join(k.h.dir, "export.txt"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{k.h.state, k.maildir()} {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// holdsToState says what is wrong after a change that was killed: how many messages are known, and what the next runs make of that.
func (k *haul) holdsToState(fetched bool, may []int) (wrong []string) {
	k.t.Helper()
	r := k.h.run(k.t, "seen", "list", "lab")
	known := strings.Count(r.stdout, "\n")
	if r.code != 0 || !slices.Contains(may, known) {
		return []string{fmt.Sprintf("%d are known, want one of %v\n%v", known, may, r)}
	}
	wrong = k.recover()
	want := seenMail - known
	if fetched {
		want += seenMail
	}
	if files := mailFiles(k.t, k.maildir()); len(files) != want {
		wrong = append(wrong, fmt.Sprintf("%d known of %d, and %d files afterwards, want %d", known, seenMail, len(files), want))
	}
	if r := k.h.run(k.t, "-v"); !strings.Contains(r.stdout, "nothing new") {
		wrong = append(wrong, r.String())
	}
	return wrong
}

// A fetch that is killed half-way, a change that is killed, the change again: no message is lost, and none comes twice but the one that
// was asked for again.
func TestSeenAfterKilledFetch(t *testing.T) {
	var total tally
	forget := []string{"seen", "forget", "lab", "haul0002"}
	every := callClass{name: "any"}
	whole := newSeenHaul(t, true)
	calls, _ := whole.killedAtCall(every, 0, forget...)
	for _, step := range []string{"body-written", "batch-synced", "intents-written", "delivered"} {
		eachPoint(calls, pointsPerClass/2, func(_, n int) bool {
			k := newHaulOf(t, seenMail, "never", false)
			k.killedAtStep(step, 1)
			_, end, _ := k.endedAtCall(every, n, forget...)
			again := k.h.run(t, forget...) // unless it was forgotten by then, or not fetched yet
			wrong := k.recover()
			if lost, twice, strange := k.count(); lost+strange > 0 || twice > 1 {
				wrong = append(wrong, fmt.Sprintf("%d lost, %d twice, %d strange; %v", lost, twice, strange, again))
			}
			if again.code != 0 && again.code != exitUsage {
				wrong = append(wrong, again.String())
			}
			total.add(t, fmt.Sprintf("%s, then call %d of %d", step, n, calls), end.Signaled(), wrong)
			k.end()
			return end.Signaled()
		})
	}
	total.log(t)
}
