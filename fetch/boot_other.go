//go:build !linux && !darwin

package fetch

// bootID would name this start of the system. The time of the start, which these systems tell, changes when the clock is set.
func bootID() string { return "" }
