package main

import (
	"fmt"
	"testing"

	"haulmail/fetch"
)

// timesPerStep bounds how often a step that is passed for each message is tried; HAULMAIL_KILL_POINTS=all lifts it.
const timesPerStep = 6

// The run is killed at each of the protocol's own steps, in each of three batches, and run again.
func TestKilledAtSteps(t *testing.T) {
	var total tally
	t.Run("steps", func(t *testing.T) {
		for _, step := range fetch.Steps {
			for _, deletion := range []string{"never", "fetched"} {
				t.Run(step+"/"+deletion, func(t *testing.T) {
					t.Parallel()
					killAtStep(t, &total, step, deletion)
				})
			}
		}
	})
	total.log(t)
}

func killAtStep(t *testing.T, total *tally, step, deletion string) {
	for i, n := range spread(haulSize, timesPerStep) {
		k := newHaul(t, deletion, true)
		killed := k.killedAtStep(step, n)
		meanwhile := meanwhiles[i%len(meanwhiles)]
		k.meanwhile(meanwhile)
		total.add(t, fmt.Sprintf("%s:%d, then %s", step, n, meanwhile), killed, append(k.recover(), k.verdict()...))
		k.end()
		if !killed {
			return
		}
	}
}

// A run that takes its share of the mail, newest first, is killed at each step; those behind it take the rest, each message once.
func TestKilledWhileSelecting(t *testing.T) {
	const selection = "order = \"newest\"\nmax_messages = 25\nsince = \"30d\"\n"
	var total tally
	t.Run("steps", func(t *testing.T) {
		for _, step := range fetch.Steps {
			for _, deletion := range []string{"never", "fetched"} {
				t.Run(step+"/"+deletion, func(t *testing.T) {
					t.Parallel()
					k := newHaul(t, deletion, true)
					k.h.configure(t, accountOf("lab", k.addr, "lab", deletion)+selection)
					killed := k.killedAtStep(step, 2) || k.killedAtStep(step, 1)
					k.meanwhile("reader")
					var wrong []string
					for range 4 { // a run of 60 messages, 25 at a time, and one that has nothing left to do
						wrong = append(wrong, k.recover()...)
					}
					total.add(t, step, killed, append(wrong, k.verdict()...))
					k.end()
				})
			}
		}
	})
	total.log(t)
}
