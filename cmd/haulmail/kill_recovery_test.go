package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haulmail/fetch"
	"haulmail/fetch/pop3/pop3test"
)

// One test for each row of the recovery's table: what a run finds of an intent that an earlier one left open, and what
// it has to make of that. The crash is made at the step before or after the rename into new/.

const (
	beforeRename = fetch.StepIntentsWritten // all bodies durable in the spool, the intents in the state
	afterRename  = fetch.StepDelivered      // all in new/, the intents still open
)

// crashed is a haul whose first run was killed at the step, with all messages in one batch.
func crashed(t *testing.T, step string) *haul {
	t.Helper()
	k := newHaul(t, "fetched", false)
	if !k.killedAtStep(step, 1) {
		t.Fatalf("the step %s was not passed", step)
	}
	inNew, inSpool := len(mailFiles(t, k.maildir())), len(k.spooled())
	if step == afterRename && (inNew != haulSize || inSpool != 0) || step == beforeRename && (inNew != 0 || inSpool != haulSize) {
		t.Fatalf("killed at %s: %d messages are in new/, %d in the spool", step, inNew, inSpool)
	}
	return k
}

// spooled gives the files in the private spool.
func (k *haul) spooled() []string {
	k.t.Helper()
	files, err := filepath.Glob(filepath.Join(k.maildir(), "tmp", ".haulmail-*", "*"))
	if err != nil {
		k.t.Fatal(err)
	}
	return files
}

// recovered lets the next run settle everything and checks how many messages it asked the server for.
func (k *haul) recovered(again int) {
	k.t.Helper()
	before := k.retrieved()
	k.settled()
	if got := k.retrieved() - before; got != again {
		k.t.Errorf("the next run fetched %d messages, want %d", got, again)
	}
}

func TestRecoverDelivered(t *testing.T) {
	k := crashed(t, afterRename)
	k.recovered(0)
}

func TestRecoverDeliveredAndRead(t *testing.T) {
	k := crashed(t, afterRename)
	for i, path := range mailFiles(t, k.maildir()) {
		flags := []string{":2,", ":2,S", ":2,RS", ":2,FRSTa", ""}[i%5]
		if err := os.Rename(path, filepath.Join(k.maildir(), "cur", filepath.Base(path)+flags)); err != nil {
			t.Fatal(err)
		}
	}
	k.recovered(0)
}

func TestRecoverRemovesLeftOverInSpool(t *testing.T) {
	k := crashed(t, afterRename)
	spools, err := filepath.Glob(filepath.Join(k.maildir(), "tmp", ".haulmail-*"))
	if err != nil || len(spools) != 1 {
		t.Fatalf("spools: %v %v", spools, err)
	}
	for _, path := range mailFiles(t, k.maildir())[:3] {
		if err := os.Link(path, filepath.Join(spools[0], filepath.Base(path))); err != nil {
			t.Fatal(err)
		}
	}
	k.recovered(0)
}

func TestRecoverFinishesRename(t *testing.T) {
	k := crashed(t, beforeRename)
	k.recovered(0)
}

func TestRecoverHalfRenamed(t *testing.T) {
	k := crashed(t, beforeRename)
	for _, path := range k.spooled()[:haulSize/2] {
		if err := os.Rename(path, filepath.Join(k.maildir(), "new", filepath.Base(path))); err != nil {
			t.Fatal(err)
		}
	}
	k.recovered(0)
}

func TestRecoverFetchesDamagedAgain(t *testing.T) {
	k := crashed(t, beforeRename)
	files := k.spooled()
	if err := os.Truncate(files[0], 10); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1 // the size stays
	if err := os.WriteFile(files[1], data, 0o600); err != nil {
		t.Fatal(err)
	}
	k.recovered(2)
}

func TestRecoverTakenByReader(t *testing.T) {
	k := crashed(t, afterRename)
	for _, path := range mailFiles(t, k.maildir())[:7] {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		k.gone = append(k.gone, data)
	}
	k.recovered(0)
}

func TestRecoverInAnotherMaildir(t *testing.T) {
	k := crashed(t, afterRename)
	// The old one stays, or the new one might get its inode.
	if err := os.Rename(k.maildir(), k.maildir()+".old"); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"new", "cur", "tmp"} {
		if err := os.MkdirAll(filepath.Join(k.maildir(), folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	k.recovered(haulSize)
}

func TestRecoverWaitsForMaildir(t *testing.T) {
	for _, step := range []string{beforeRename, afterRename} {
		t.Run(step, func(t *testing.T) {
			k := crashed(t, step)
			away := k.maildir() + ".away"
			if err := os.Rename(k.maildir(), away); err != nil {
				t.Fatal(err)
			}
			k.h.run(t).exits(t, 75)
			if _, err := os.Stat(k.maildir()); !os.IsNotExist(err) {
				t.Errorf("a missing Maildir was made afresh: %v", err)
			}
			if err := os.Rename(away, k.maildir()); err != nil {
				t.Fatal(err)
			}
			k.recovered(0)
		})
	}
}

// Bodies that were received but never became intents are no mail yet.
func TestRecoverSweepsSpool(t *testing.T) {
	k := newHaul(t, "fetched", false)
	if !k.killedAtStep(fetch.StepBodyWritten, haulSize/2) {
		t.Fatal("the step was not passed")
	}
	if len(k.spooled()) == 0 {
		t.Error("nothing in the spool")
	}
	k.recovered(haulSize)
}

// A Maildir that was there and is gone is a disk that is not mounted, until a person says otherwise.
func TestMaildirGone(t *testing.T) {
	k := newHaul(t, "never", false)
	k.h.run(t).ok(t)
	away := k.maildir() + ".away"
	if err := os.Rename(k.maildir(), away); err != nil {
		t.Fatal(err)
	}
	k.box.Add(pop3test.Message{UID: "uid-new", Data: []byte("one more\r\n")})
	r := k.h.run(t)
	if r.code == 0 || !strings.Contains(r.stderr, "hint: ") {
		t.Errorf("want a failure with a hint, got %v", r)
	}
	if _, err := os.Stat(k.maildir()); !os.IsNotExist(err) {
		t.Errorf("a missing Maildir was made afresh: %v", err)
	}
	if err := os.Rename(away, k.maildir()); err != nil {
		t.Fatal(err)
	}
	k.want = append(k.want, []byte("one more\n"))
	k.recovered(1)
}

// recoverySteps are those that a run passes while it settles what an earlier one left open.
var recoverySteps = []string{fetch.StepRecovered, fetch.StepConnected, fetch.StepListed, fetch.StepDeleSent, fetch.StepQuitSent}

// A run that is killed while it recovers is recovered from as well.
func TestKilledInRecovery(t *testing.T) {
	var total tally
	for _, first := range []string{beforeRename, afterRename} {
		for _, second := range recoverySteps {
			for i, n := range []int{1, 2} {
				k := crashed(t, first)
				k.meanwhile(meanwhiles[i])
				killed := k.killedAtStep(second, n)
				k.meanwhile(meanwhiles[i])
				total.add(t, first+", then "+second, killed, append(k.recover(), k.verdict()...))
				k.end()
				if !killed {
					break
				}
			}
		}
	}
	total.log(t)
}
