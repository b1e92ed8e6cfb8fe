package fetch

import "syscall"

// bootID names this start of the system (sysctl(3)), "" where that is not told.
func bootID() string {
	id, err := syscall.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
