//go:build torture

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"haulmail/config"
	"haulmail/fetch"
	"haulmail/fetch/pop3/pop3test"
)

// The long tests of scripts/torture: kills and signals at random times, with others at work in the Maildir meanwhile.

const (
	randomKills   = 500
	randomSignals = 100
	workers       = 6 // hauls at a time of one kind; most of their time is the server's pauses
)

// tortureSeed is told, so that the same times can be tried again with HAULMAIL_SEED; the machine does the rest.
func tortureSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("HAULMAIL_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("HAULMAIL_SEED: %v", err)
		}
	}
	t.Logf("HAULMAIL_SEED=%d", seed)
	return seed
}

// companion works in a Maildir while haulmail runs, as a mail reader or a cleaner does.
type companion struct {
	k      *haul
	random *rand.Rand
	reads  bool // moves mail from new/ to cur/, and deletes some
	cleans bool // removes ordinary files from tmp/, some of which others have left there
	err    error
}

// during lets the companion work until stop is called, which gives what went wrong.
func (c *companion) during() (stop func() error) {
	over := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			c.work()
			select {
			case <-over:
				return
			case <-time.After(time.Duration(c.random.IntN(4000)) * time.Microsecond):
			}
		}
	})
	return func() error {
		close(over)
		done.Wait()
		return c.err
	}
}

func (c *companion) work() {
	if c.reads {
		c.read()
	}
	if c.cleans {
		c.clean()
	}
}

// read looks at each message in new/: some it leaves there, some it moves to cur/, some it deletes.
func (c *companion) read() {
	maildir := c.k.maildir()
	entries, _ := os.ReadDir(filepath.Join(maildir, "new")) // there may be no Maildir yet
	for _, entry := range entries {
		path := filepath.Join(maildir, "new", entry.Name())
		switch c.random.IntN(4) {
		case 0, 1:
			flags := []string{":2,", ":2,S", ":2,RS", ":2,FS"}[c.random.IntN(4)]
			c.note(os.Rename(path, filepath.Join(maildir, "cur", entry.Name()+flags)))
		case 2:
			data, err := os.ReadFile(path)
			c.note(err)
			c.note(os.Remove(path))
			c.k.gone = append(c.k.gone, data)
		}
	}
}

// clean removes ordinary files from tmp/, and sees to it that there are some.
func (c *companion) clean() {
	tmp := filepath.Join(c.k.maildir(), "tmp")
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return // no Maildir yet
	}
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			c.note(os.Remove(filepath.Join(tmp, entry.Name())))
		}
	}
	if c.random.IntN(8) == 0 {
		c.note(os.WriteFile(filepath.Join(tmp, fmt.Sprintf("%d.left.by-others", c.random.Uint32())), []byte("half a message"), 0o600))
	}
}

func (c *companion) note(err error) {
	if err != nil && c.err == nil {
		c.err = err
	}
}

// killedAfter runs for a while and is killed then, if it is not through before.
func (k *haul) killedAfter(after time.Duration) (killed bool) {
	k.t.Helper()
	cmd := k.h.command(k.t)
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return true
	}
	if err != nil && status.ExitStatus() != 75 { // a mailbox the server has not unlocked yet
		k.t.Errorf("to be killed after %v: %v", after, err)
	}
	return false
}

// spans are how long a run lasts, without and with the server's pauses; a kill comes at a random time of it.
var spans = map[bool]time.Duration{false: 90 * time.Millisecond, true: 850 * time.Millisecond}

// Runs are killed at random times, one after the other, and come to their end at last: each message exactly once. What a
// reader has deleted counts as delivered.
func TestKilledAtRandom(t *testing.T) {
	seed := tortureSeed(t)
	var total tally
	t.Run("companions", func(t *testing.T) {
		for i, who := range []string{"nobody", "a reader", "a cleaner"} {
			left := new(atomic.Int64)
			left.Store(randomKills/3 + 1)
			for w := range workers {
				t.Run(fmt.Sprint(who, "/", w), func(t *testing.T) {
					t.Parallel()
					random := rand.New(rand.NewPCG(seed, uint64(i*workers+w)))
					for left.Load() > 0 {
						killAtRandom(t, &total, random, who, left)
					}
				})
			}
		}
	})
	total.log(t)
}

// killAtRandom is one haul with a few kills in turn.
func killAtRandom(t *testing.T, total *tally, random *rand.Rand, who string, left *atomic.Int64) {
	pauses := random.IntN(3) == 0
	deletion := []string{"never", "fetched"}[random.IntN(2)]
	k := newHaul(t, deletion, pauses)
	defer k.end()
	c := &companion{k: k, random: random, reads: who == "a reader", cleans: who == "a cleaner"}
	told := fmt.Sprintf("delete %s, pauses %v, %s beside, killed after", deletion, pauses, who)
	tries, kills := int64(1+random.IntN(4)), int64(0)
	for range tries {
		after := time.Duration(random.Int64N(int64(spans[pauses])))
		stop := c.during()
		if k.killedAfter(after) {
			kills++
			told += fmt.Sprint(" ", after)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		c.work()
	}
	left.Add(-kills)
	stop := c.during()
	wrong := k.recover()
	if err := stop(); err != nil {
		t.Error(err)
	}
	k.sweepOthers()
	total.add(t, told, kills > 0, append(wrong, k.verdict()...))
	total.points.Add(tries - 1)
	total.kills.Add(max(0, kills-1))
}

// sweepOthers removes what others have left in tmp/, so that what is there in the end is haulmail's.
func (k *haul) sweepOthers() {
	left, _ := filepath.Glob(filepath.Join(k.maildir(), "tmp", "*.left.by-others"))
	for _, path := range left {
		_ = os.Remove(path)
	}
}

// A day after a crash a cleaner removes what is old from everywhere below tmp/, the spool too. What was there is fetched again,
// what was in new/ is not.
func TestKilledThenCleanedADayLater(t *testing.T) {
	seed := tortureSeed(t)
	var total tally
	t.Run("hauls", func(t *testing.T) {
		for w := range workers {
			t.Run(fmt.Sprint(w), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, 100+uint64(w)))
				for range 12 {
					pauses := random.IntN(2) == 0
					k := newHaul(t, []string{"never", "fetched"}[random.IntN(2)], pauses)
					after := time.Duration(random.Int64N(int64(spans[pauses])))
					killed := k.killedAfter(after)
					taken := k.cleanSpool()
					wrong := append(k.recoverLater(25*time.Hour), k.verdict()...)
					total.add(t, fmt.Sprintf("killed after %v, %d files taken from the spool", after, taken), killed, wrong)
					k.end()
				}
			})
		}
	})
	total.log(t)
}

// cleanSpool removes the files from the spool and tells how many there were.
func (k *haul) cleanSpool() (taken int) {
	k.t.Helper()
	for _, path := range k.spooled() {
		if err := os.Remove(path); err != nil {
			k.t.Error(err)
		}
		taken++
	}
	return taken
}

// recoverLater is a run some time from now: the engine alone, with another clock.
func (k *haul) recoverLater(later time.Duration) (wrong []string) {
	k.t.Helper()
	cfg, err := config.Load(k.h.config, k.h.dir)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, r := range fetch.Run(context.Background(), cfg.Accounts, fetch.Options{
		StateDir: k.h.state, Hostname: "later",
		Now:      func() time.Time { return time.Now().Add(later) },
		Password: func(context.Context, *config.Account) (config.Secret, error) { return config.NewSecret("lab"), nil },
	}) {
		if r.Err != nil {
			wrong = append(wrong, r.Err.Error())
		}
	}
	return wrong
}

// A cleaner that spares nothing below tmp/, not even files of this second, costs time but no mail, as long as nothing is killed.
func TestCleanerInTheSpool(t *testing.T) {
	seed := tortureSeed(t)
	var total tally
	t.Run("hauls", func(t *testing.T) {
		for w := range workers {
			t.Run(fmt.Sprint(w), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, 200+uint64(w)))
				for range 10 {
					k := newHaul(t, []string{"never", "fetched"}[random.IntN(2)], true)
					taken := k.fetchedWhileCleaned(random)
					total.add(t, fmt.Sprintf("%d files taken from the spool", taken), taken > 0, append(k.recover(), k.verdict()...))
					k.end()
				}
			})
		}
	})
	total.logAs(t, "runs with a cleaner in the spool", "lost files to it")
}

// fetchedWhileCleaned is a run in which some files are taken from the spool, whenever.
func (k *haul) fetchedWhileCleaned(random *rand.Rand) (taken int) {
	k.t.Helper()
	over := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			for _, path := range k.spooled() {
				if random.IntN(40) == 0 && os.Remove(path) == nil {
					taken++
				}
			}
			select {
			case <-over:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	r := k.h.run(k.t)
	close(over)
	done.Wait()
	if r.code != 0 && r.code != 74 {
		k.t.Error(r)
	}
	for _, wrong := range k.halfway() {
		k.t.Error(wrong)
	}
	return taken
}

// stallAt are the places at which the server falls silent for good in a part of the signalled runs.
var stallAt = []string{pop3test.Greeting, "CAPA", "USER", "PASS", "STAT", "UIDL", "LIST", "RETR", "DELE", "QUIT"}

// A run gets a signal at any time, some get a second one: it ends in time, says by its exit code why, and the next run
// completes what is missing.
func TestSignalledAtRandom(t *testing.T) {
	seed := tortureSeed(t)
	var total tally
	left := new(atomic.Int64)
	left.Store(randomSignals)
	t.Run("hauls", func(t *testing.T) {
		for w := range workers {
			t.Run(fmt.Sprint(w), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, 300+uint64(w)))
				for left.Load() > 0 {
					signalAtRandom(t, &total, random, left)
				}
			})
		}
	})
	total.logAs(t, "signals at random times", "runs stopped on their way")
}

func signalAtRandom(t *testing.T, total *tally, random *rand.Rand, left *atomic.Int64) {
	deletion := []string{"never", "fetched"}[random.IntN(2)]
	k := newHaul(t, deletion, true)
	defer k.end()
	told := "delete " + deletion
	if random.IntN(3) == 0 {
		at := stallAt[random.IntN(len(stallAt))]
		k.pop.SetFaults(append(slices.Clone(k.pop.Faults), pop3test.Fault{On: at, Session: 1, Nth: 1 + random.IntN(3), Do: pop3test.Stall, For: time.Minute})...)
		told += ", the server falls silent at " + at
	}
	first := signals[random.IntN(len(signals))]
	after := time.Duration(random.Int64N(int64(spans[true])))
	told += fmt.Sprintf(", signal %d after %v", first, after)
	second, then := syscall.Signal(0), time.Duration(0)
	if random.IntN(3) == 0 {
		second, then = signals[random.IntN(len(signals))], time.Duration(random.Int64N(int64(800*time.Millisecond)))
		told += fmt.Sprintf(", signal %d %v later", second, then)
	}
	stopped, wrong := k.signalled(first, after, second, then)
	if stopped {
		left.Add(-1)
	}
	wrong = append(wrong, k.halfway()...)
	wrong = append(wrong, k.recover()...)
	total.add(t, told, stopped, append(wrong, k.verdict()...))
}

var signals = []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}

const (
	gentleEnd = 5*time.Second + 500*time.Millisecond // what is promised, and some for a busy machine
	hardEnd   = time.Second
)

// signalled runs and sends one signal, or two. It tells whether the run ended by them, and what was wrong about that.
func (k *haul) signalled(first syscall.Signal, after time.Duration, second syscall.Signal, then time.Duration) (stopped bool, wrong []string) {
	k.t.Helper()
	cmd := k.h.command(k.t)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	time.Sleep(after)
	_ = cmd.Process.Signal(first) // unless it is through
	limit := gentleEnd
	if second != 0 {
		time.Sleep(then)
		_ = cmd.Process.Signal(second)
		if then > 2*oneStop { // on a busy machine the first one may be late
			limit = hardEnd
		}
	}
	sent := time.Now()
	<-ended
	if took := time.Since(sent); took > limit {
		wrong = append(wrong, fmt.Sprintf("took %v to end", took))
	}
	return endedBy(cmd, first, second, stderr.String(), wrong)
}

func endedBy(cmd *exec.Cmd, first, second syscall.Signal, stderr string, wrong []string) (bool, []string) {
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch code := status.ExitStatus(); {
	case status.Signaled(): // so early that nobody listened yet, or so late that nobody did any more
		if status.Signal() != first && status.Signal() != second {
			wrong = append(wrong, fmt.Sprintf("died of signal %d", status.Signal()))
		}
		return true, wrong
	case code == 0:
		return false, wrong
	case code == 128+int(first) || second != 0 && code == 128+int(second):
		return true, wrong
	default:
		return true, append(wrong, fmt.Sprintf("exit %d: %s", code, clip(stderr)))
	}
}
