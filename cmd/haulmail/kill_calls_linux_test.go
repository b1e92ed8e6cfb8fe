package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// killedAtCall runs haulmail, with no args a fetch, until the n-th call of the class, over all threads; 0 lets it run through and only
// counts.
func (k *haul) killedAtCall(class callClass, n int, args ...string) (count int, killed bool) {
	k.t.Helper()
	count, end, said := k.endedAtCall(class, n, args...)
	if killed = end.Signaled() && end.Signal() == syscall.SIGKILL; !killed && end.ExitStatus() != 0 {
		k.t.Errorf("to be killed at %s %d: exit %d\n%s", class.name, n, end.ExitStatus(), said)
	}
	return count, killed
}

// endedAtCall is killedAtCall of a run that may fail; it gives how it ended, and what it said.
func (k *haul) endedAtCall(class callClass, n int, args ...string) (count int, end syscall.WaitStatus, said string) {
	k.t.Helper()
	out, err := os.Create(filepath.Join(k.h.dir, "killed-run.out"))
	if err != nil {
		k.t.Fatal(err)
	}
	defer out.Close()
	cmd := k.h.command(k.t, args...)
	count, end, err = traced(cmd.Args, cmd.Env, cmd.Dir, out, class, n)
	if err != nil {
		k.t.Fatal(err)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		k.t.Fatal(err)
	}
	return count, end, string(text)
}

// pointsPerClass bounds the time of TestKilledAtSystemCalls; HAULMAIL_KILL_POINTS=all lifts it.
const pointsPerClass = 24

// The run is killed at its system calls, those that change something and all others, and then run again: each message
// exactly once, whatever a reader or a cleaner did meanwhile.
func TestKilledAtSystemCalls(t *testing.T) {
	var total tally
	t.Run("calls", func(t *testing.T) {
		for _, class := range callClasses {
			for _, deletion := range []string{"never", "fetched"} {
				t.Run(class.name+"/"+deletion, func(t *testing.T) {
					t.Parallel()
					killAtEach(t, &total, class, deletion)
				})
			}
		}
	})
	total.log(t)
}

func killAtEach(t *testing.T, total *tally, class callClass, deletion string) {
	pauses := class.name == "fsync"
	whole := newHaul(t, deletion, pauses)
	calls, _ := whole.killedAtCall(class, 0)
	for _, wrong := range whole.verdict() {
		t.Fatalf("without a kill: %s", wrong)
	}
	kills := 0
	eachPoint(calls, pointsPerClass, func(i, n int) bool {
		k := newHaul(t, deletion, pauses)
		_, killed := k.killedAtCall(class, n)
		if killed {
			kills++
		}
		meanwhile := meanwhiles[i%len(meanwhiles)]
		k.meanwhile(meanwhile)
		total.add(t, fmt.Sprintf("%s call %d of %d, then %s", class.name, n, calls, meanwhile), killed, append(k.recover(), k.verdict()...))
		k.end()
		return killed
	})
	t.Logf("%d calls, %d kills", calls, kills)
}

// A run that is killed, and the next, and the next, at any system call, with readers and cleaners between.
func TestKilledAgainAndAgain(t *testing.T) {
	const sequences, most = 24, 6
	random := rand.New(rand.NewPCG(19, 39))
	var total tally
	whole := newHaul(t, "never", false)
	calls, _ := whole.killedAtCall(callClass{name: "any"}, 0)
	for range sequences {
		k := newHaul(t, []string{"never", "fetched"}[random.IntN(2)], false)
		told := ""
		kills := int64(0)
		for range most {
			n := 1 + random.IntN(calls)
			meanwhile := meanwhiles[random.IntN(len(meanwhiles))]
			told += fmt.Sprintf("call %d, %s, ", n, meanwhile)
			if _, killed := k.killedAtCall(callClass{name: "any"}, n); killed {
				kills++
			}
			k.meanwhile(meanwhile)
		}
		total.add(t, told, kills > 0, append(k.recover(), k.verdict()...))
		total.points.Add(most - 1)
		total.kills.Add(max(0, kills-1))
		k.end()
	}
	total.log(t)
}
