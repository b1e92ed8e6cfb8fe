package fetch

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain sees that no run, and no server of the tests, has left a goroutine behind. Where one test alone can be blamed for it, see
// leavesNothing.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := goroutinesLeft(10 * time.Second); code == 0 && left != "" {
		fmt.Printf("FAIL: left behind by the tests:\n\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// goroutinesLeft gives the stacks of the goroutines that run code of the repository, beside this one. They have so long to end.
func goroutinesLeft(patience time.Duration) (left string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		var ours []string
		for i, stack := range strings.Split(string(stacks), "\n\n") {
			if i > 0 && strings.Contains(stack, "haulmail/") {
				ours = append(ours, stack)
			}
		}
		if left = strings.Join(ours, "\n\n"); left == "" || time.Now().After(deadline) {
			return left
		}
	}
}
