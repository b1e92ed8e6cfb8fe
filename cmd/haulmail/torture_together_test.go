//go:build torture

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"haulmail/fetch/pop3/pop3test"
)

// crowd is how many runs are started at once.
const crowd = 20

// loserEnd is how long a run may take to leave an account that another one holds. Twenty processes on two cores are slow to start.
const loserEnd = time.Second

// Twenty runs at once on one account, again and again; in each crowd the one that holds the lock is killed at a random time.
func TestCrowdWithKills(t *testing.T) {
	seed := tortureSeed(t)
	random := rand.New(rand.NewPCG(seed, 400))
	var total tally
	for range 25 {
		k := newHaul(t, []string{"never", "fetched"}[random.IntN(2)], true)
		killed, slowest := k.crowd(random)
		k.h.run(t) // one of them is late to the lock
		total.add(t, fmt.Sprintf("a crowd, the slowest loser took %v", slowest), killed, append(k.recover(), k.verdict()...))
		if slowest > loserEnd {
			t.Errorf("a run took %v to find that another one holds the lock", slowest)
		}
		k.end()
	}
	total.logAs(t, fmt.Sprintf("crowds of %d runs", crowd), "lost the one that held the lock")
}

// crowd starts many runs at once. The last one to end had the lock; the others' longest time is told.
func (k *haul) crowd(random *rand.Rand) (killed bool, slowestLoser time.Duration) {
	k.t.Helper()
	type end struct {
		took   time.Duration
		status syscall.WaitStatus
		told   string
	}
	ends := make(chan end, crowd)
	var cmds []*exec.Cmd
	for range crowd {
		cmd := k.h.command(k.t)
		var told bytes.Buffer
		cmd.Stdout, cmd.Stderr = &told, &told
		began := time.Now()
		if err := cmd.Start(); err != nil {
			k.t.Fatal(err)
		}
		cmds = append(cmds, cmd)
		go func() {
			_ = cmd.Wait()
			ends <- end{time.Since(began), cmd.ProcessState.Sys().(syscall.WaitStatus), told.String()}
		}()
	}
	for n := range crowd {
		if n == crowd-1 { // the winner; the server's pauses keep it
			time.Sleep(time.Duration(random.Int64N(int64(500 * time.Millisecond))))
			for _, cmd := range cmds {
				_ = cmd.Process.Kill()
			}
		}
		e := <-ends
		if e.status.Signaled() {
			killed = true
		} else if e.status.ExitStatus() != 0 || e.told != "" {
			k.t.Errorf("a run of the crowd: exit %d %s", e.status.ExitStatus(), e.told)
		}
		if n < crowd-1 {
			slowestLoser = max(slowestLoser, e.took)
		}
	}
	return killed, slowestLoser
}

// Two accounts of two users share a Maildir, fetched by two processes at the same time, which are killed at random times.
func TestTwoAccountsIntoOneMaildir(t *testing.T) {
	seed := tortureSeed(t)
	var total tally
	t.Run("pairs", func(t *testing.T) {
		for w := range workers {
			t.Run(fmt.Sprint(w), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, 500+uint64(w)))
				for range 12 {
					p := newPair(t, random)
					told, kills := p.killBoth(random)
					total.add(t, told, kills > 0, p.settled())
					total.points.Add(2*pairRounds - 1)
					total.kills.Add(max(0, kills-1))
					p.k.end()
				}
			})
		}
	})
	total.log(t)
}

// pair is a haul whose account is one of two that share a Maildir.
type pair struct {
	k     *haul
	other *pop3test.Mailbox
	more  [][]byte // of the other account
}

const pairRounds = 2

func newPair(t *testing.T, random *rand.Rand) *pair {
	t.Helper()
	p := &pair{k: newHaul(t, []string{"never", "fetched"}[random.IntN(2)], random.IntN(2) == 0), other: pop3test.NewMailbox()}
	// The same UIDs in both: what tells the messages apart is whose they are.
	for i, data := range smallMail("other", haulSize) {
		p.more = append(p.more, data)
		p.other.Add(pop3test.Message{UID: fmt.Sprintf("haul%04d", i), Data: bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))})
	}
	second := serveUser(t, "lab2", p.other)
	text, err := os.ReadFile(p.k.h.config)
	if err != nil {
		t.Fatal(err)
	}
	deletion := "fetched"
	if p.k.keep {
		deletion = "never"
	}
	account := strings.Replace(accountOf("lab2", second, "lab2", deletion), "Mail/lab2", "Mail/lab", 1)
	p.k.h.configure(t, string(text)+account)
	return p
}

// killBoth runs both accounts at the same time, each in a process, and kills each at a random time; twice.
func (p *pair) killBoth(random *rand.Rand) (told string, kills int64) {
	p.k.t.Helper()
	for range pairRounds {
		var both sync.WaitGroup
		var mu sync.Mutex
		for _, account := range []string{"lab", "lab2"} {
			after := time.Duration(random.Int64N(int64(spans[false] + spans[true]/4)))
			told += fmt.Sprintf("%s killed after %v, ", account, after)
			cmd := p.k.h.command(p.k.t, "fetch", account)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				p.k.t.Fatal(err)
			}
			both.Go(func() {
				timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
				defer timer.Stop()
				_ = cmd.Wait()
				mu.Lock()
				defer mu.Unlock()
				status := cmd.ProcessState.Sys().(syscall.WaitStatus)
				if status.Signaled() {
					kills++
				} else if code := status.ExitStatus(); code != 0 && code != 75 {
					p.k.t.Errorf("%s: exit %d: %s", account, code, clip(stderr.String()))
				}
			})
		}
		both.Wait()
	}
	return told, kills
}

// settled runs both to their end and gives what is wrong then.
func (p *pair) settled() (wrong []string) {
	p.k.t.Helper()
	wrong = p.k.recover()
	have := counted(delivered(p.k.t, p.k.maildir()))
	for _, data := range append(p.more, p.k.want...) {
		if n := have[sha256.Sum256(data)]; n != 1 {
			wrong = append(wrong, fmt.Sprintf("%.40q is there %d times", data, n))
		}
		delete(have, sha256.Sum256(data))
	}
	if len(have) > 0 {
		wrong = append(wrong, fmt.Sprintf("%d files are no message", len(have)))
	}
	if left := len(p.other.Messages()) + len(p.k.box.Messages()); p.k.keep && left != 2*haulSize || !p.k.keep && left != 0 {
		wrong = append(wrong, fmt.Sprintf("%d messages are left on the servers", left))
	}
	if left, _ := filepath.Glob(filepath.Join(p.k.maildir(), "tmp", "*")); len(left) > 0 {
		wrong = append(wrong, fmt.Sprintf("left in tmp/: %v", left))
	}
	return wrong
}
