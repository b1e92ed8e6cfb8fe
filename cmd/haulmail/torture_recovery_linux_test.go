//go:build torture

package main

import (
	"fmt"
	"testing"
)

// The run that recovers from a crash is killed at each of its calls, and then the next one recovers from both.
func TestKilledAtEachCallOfRecovery(t *testing.T) {
	var total tally
	t.Run("grounds", func(t *testing.T) {
		for g, ground := range grounds {
			for _, size := range []int{haulSize / 3, 2} {
				t.Run(fmt.Sprintf("%d messages after %s", size, ground), func(t *testing.T) {
					t.Parallel()
					killRecoveryAtEach(t, &total, ground, size, g)
				})
			}
		}
	})
	total.log(t)
}

func killRecoveryAtEach(t *testing.T, total *tally, ground string, size, turn int) {
	deletions := []string{"never", "fetched"}
	whole := newGround(t, ground, deletions[turn%2], size)
	calls, _ := whole.killedAtCall(callClass{name: "any"}, 0)
	for _, wrong := range whole.verdict() {
		t.Fatalf("without a kill: %s", wrong)
	}
	whole.end()
	eachPoint(calls, calls, func(_, n int) bool {
		k := newGround(t, ground, deletions[(turn+n)%2], size)
		_, killed := k.killedAtCall(callClass{name: "any"}, n)
		meanwhile := meanwhiles[(n/2)%len(meanwhiles)]
		k.meanwhile(meanwhile)
		total.add(t, fmt.Sprintf("%d messages after %s, then call %d of %d, then %s", size, ground, n, calls, meanwhile), killed,
			append(k.recover(), k.verdict()...))
		k.end()
		return killed
	})
}
