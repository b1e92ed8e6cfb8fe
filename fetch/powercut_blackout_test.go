package fetch

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"haulmail/fetch/pop3/pop3test"
)

// Where the states of a disk are too many to try them all, so many are tried.
const (
	randomStates   = 6  // at random, of each moment of a run, besides the chosen ones
	recoveryStates = 3  // of each moment of a recovery that is cut off as well
	recoveries     = 10 // recoveries that are cut off, for each rule
)

// blackout tries the worlds that a power cut may leave, and gathers the wrong ends.
type blackout struct {
	rule   powerRule
	damage damage
	texts  map[string]string // content in the Maildir → UID
	labs   chan *powerLab
	work   sync.WaitGroup
	drops  atomic.Int64 // calls that did nothing, by the damage

	mu     sync.Mutex
	tried  map[string]bool
	wrong  []string
	cuts   int // moments at which the power failed
	states int // of the disk, different ones
	enough int // wrong ends after which nothing more is tried
}

func newBlackout(t *testing.T, rule powerRule, d damage) *blackout {
	t.Helper()
	n := 2 * runtime.GOMAXPROCS(0) // they wait for the server half of the time
	x := &blackout{rule: rule, damage: d, texts: make(map[string]string), tried: make(map[string]bool), labs: make(chan *powerLab, n), enough: 1}
	for _, m := range mail(11) {
		x.texts[texts(t, []pop3test.Message{m})[0]] = m.UID
	}
	for range n {
		x.labs <- newPowerLab(t, rule)
	}
	return x
}

// run gives every moment of the batched run of a world in which u1 was fetched before.
func (x *blackout) run(t *testing.T) []moment {
	t.Helper()
	l := <-x.labs
	defer func() { x.labs <- l }()
	before := &world{disk: newPowerDisk(), mail: mail(11)[:1]}
	before.disk.journal, before.disk.deaf = x.rule.journal, x.rule.deaf
	check(t, l.fetch(before, nil).Err)
	w := &world{disk: before.disk.after(nil, nil), state: before.state, mail: append(before.mail, mail(11)[1:]...)}
	w.disk.drop = x.counted(x.damage.run)
	moments := l.batchedRun(w)
	if wrong := l.ending(w, x.texts); wrong != "" {
		t.Fatalf("without a power cut: %s", wrong)
	}
	if x.damage.record != nil {
		x.damage.record(moments)
	}
	return moments
}

// counted counts the calls that a damage makes do nothing; nil stays nil.
func (x *blackout) counted(drop func(call, path string) bool) func(call, path string) bool {
	if drop == nil {
		return nil
	}
	return func(call, path string) bool {
		dropped := drop(call, path)
		if dropped {
			x.drops.Add(1)
		}
		return dropped
	}
}

// cutRun has the power fail at each moment of a run, and tries at most so many states of each; 0 is no limit.
func (x *blackout) cutRun(moments []moment, most int) {
	x.cut(nil, moments, rand.New(rand.NewPCG(1, 1)), most, func(_ *powerLab, w *world, story string) {
		x.inLab(func(l *powerLab) { x.tryBoth(l, w, story) })
	})
	x.work.Wait()
}

// cutRecoveries takes n worlds as a run may leave them, by a kill and by a power cut in turn, and has the power fail at each moment of the
// recovery. To every second pair of them a reader comes first.
func (x *blackout) cutRecoveries(moments []moment, n int) {
	random := rand.New(rand.NewPCG(2, 2))
	all := cuts(moments)
	for i := range n {
		k := random.IntN(len(all))
		w, story := all[k].clone(), fmt.Sprintf("killed at moment %d, before %s", k, all[k].next)
		if i%2 == 1 {
			doubts := w.disk.doubts()
			w.disk = w.disk.after(doubts, somePick(doubts, random))
			w.boot++
			story = fmt.Sprintf("the power failed at moment %d, before %s", k, all[k].next)
		}
		if !x.over() {
			x.inLab(func(l *powerLab) { x.cutRecovery(l, w, story, i/2%2 == 1) })
		}
	}
	x.work.Wait()
}

// inLab does something in the next lab that is free.
func (x *blackout) inLab(do func(*powerLab)) {
	l := <-x.labs
	x.work.Go(func() {
		defer func() { x.labs <- l }()
		do(l)
	})
}

// cut has the power fail at each of the moments, and gives each world that it may leave, to be dealt with; not more than most of one
// moment, if that is not 0.
func (x *blackout) cut(l *powerLab, moments []moment, random *rand.Rand, most int, do func(*powerLab, *world, string)) {
	for k, m := range cuts(moments) {
		doubts := m.disk.doubts()
		all := picks(doubts, random, randomStates)
		if most > 0 && len(all) > most {
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			all = all[:most]
		}
		x.mu.Lock()
		x.cuts++
		x.mu.Unlock()
		for _, p := range all {
			w := &world{m.disk.after(doubts, p), m.state, m.mail, m.boot + 1}
			if x.isNew(w) {
				do(l, w, fmt.Sprintf("the power failed at moment %d, before %s", k, m.next))
			}
		}
	}
}

// isNew tells whether a world was not tried yet, and is still to be tried.
func (x *blackout) isNew(w *world) bool {
	print := w.print()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.tried[print] || len(x.wrong) >= x.enough {
		return false
	}
	x.tried[print] = true
	x.states++
	return true
}

func (x *blackout) over() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.wrong) >= x.enough
}

// try runs in a world to the end.
func (x *blackout) try(l *powerLab, w *world, story string) {
	found := w.disk.show()
	wrong := l.ending(w, x.texts)
	if wrong == "" {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wrong = append(x.wrong, fmt.Sprintf("%s: %s\nfound on the disk:\n%s", story, wrong, found))
}

// tryBoth runs in a world to the end, and in every second one once more, with a reader who came first.
func (x *blackout) tryBoth(l *powerLab, w *world, story string) {
	read := w.clone()
	read.disk.readAll()
	x.try(l, w, story)
	if len(story)%2 == 0 && x.isNew(read) {
		x.try(l, read, story+", and a reader moved the mail to cur/")
	}
}

// cutRecovery recovers in a world, and has the power fail during that.
func (x *blackout) cutRecovery(l *powerLab, w *world, story string, reader bool) {
	if reader {
		l.readOpen(w)
	}
	w.disk.drop = x.counted(x.damage.recovery)
	moments, err := l.record(w, func(step string) {
		if step == StepConnected { // what comes now is no recovery any more
			w.disk.mu.Lock()
			defer w.disk.mu.Unlock()
			w.disk.drop = nil
		}
	})
	if err != nil {
		l.t.Errorf("%s: %v", story, err)
	}
	x.cut(l, moments, rand.New(rand.NewPCG(3, 3)), recoveryStates, func(l *powerLab, w *world, second string) {
		x.try(l, w, story+"; in the recovery "+second)
	})
}
