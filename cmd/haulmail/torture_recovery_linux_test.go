//go:build torture

package main

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// outward are the calls that may change or see something outside of the process. A kill at any other is no other than one at the
// next of these.
var outward = callClass{name: "outward", others: true, calls: []uint64{
	unix.SYS_FUTEX, unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_CREATE1, unix.SYS_EVENTFD2, unix.SYS_NANOSLEEP,
	unix.SYS_CLOCK_NANOSLEEP, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_MADVISE, unix.SYS_MPROTECT,
	unix.SYS_MUNMAP, unix.SYS_MMAP, unix.SYS_BRK, unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN,
	unix.SYS_SIGALTSTACK, unix.SYS_GETTID, unix.SYS_GETPID, unix.SYS_TGKILL, unix.SYS_CLONE, unix.SYS_CLONE3, unix.SYS_PRCTL,
	unix.SYS_PRLIMIT64, unix.SYS_UNAME, unix.SYS_GETRANDOM, unix.SYS_FCNTL, unix.SYS_RSEQ, unix.SYS_SET_ROBUST_LIST,
}}

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
	calls, _ := whole.killedAtCall(outward, 0)
	for _, wrong := range whole.verdict() {
		t.Fatalf("without a kill: %s", wrong)
	}
	whole.end()
	eachPoint(calls, calls, func(_, n int) bool {
		k := newGround(t, ground, deletions[(turn+n)%2], size)
		_, killed := k.killedAtCall(outward, n)
		meanwhile := meanwhiles[(n/2)%len(meanwhiles)]
		k.meanwhile(meanwhile)
		total.add(t, fmt.Sprintf("%d messages after %s, then call %d of %d, then %s", size, ground, n, calls, meanwhile), killed,
			append(k.recover(), k.verdict()...))
		k.end()
		return killed
	})
}
