package fetch

import (
	"os"
	"strings"
)

// bootID names this start of the system (random(4)), "" where that is not told.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
