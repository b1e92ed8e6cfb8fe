package config

import "strings"

// nearest gives the known name that is most like name, "" if none is alike:
// at most one slip for every three characters, and two at least.
func nearest(name string, known []string) string {
	const maxLen = 40 // nothing longer is a misspelt key
	if len(name) > maxLen {
		return ""
	}
	lower := strings.ReplaceAll(strings.ToLower(name), "-", "_")
	best, least := "", max(2, len(name)/3)+1
	for _, k := range known {
		if d := distance(lower, k); d < least && d < len(k)-1 {
			best, least = k, d
		}
	}
	return best
}

// distance counts the slips between a and b: a byte too many, one missing, one
// wrong, two neighbours swapped (optimal string alignment).
func distance(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			wrong := 1
			if a[i-1] == b[j-1] {
				wrong = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+wrong)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
