// Package nearest finds what a mistyped word was meant to be: a key, a value, a command, a flag, an account.
//
// The config and the command ask it for their "did you mean"; it knows nothing of either.
package nearest

import "strings"

// longest is how long a word may be, in octets, that is looked for: nothing longer is a slip of the fingers.
const longest = 40

// To gives the one of names that is most like word, or "" where none is alike: one slip is taken in two to four letters, two in up to eight,
// then one for every three. Nobody mistypes a name of one letter, and capitals do not count. Of several that are as near, the first one
// counts.
func To(word string, names []string) string {
	if len(word) > longest {
		return ""
	}
	a := []rune(strings.ToLower(word))
	best, least := "", max(min(2, (len(a)+1)/3), len(a)/3)+1
	for _, name := range names {
		b := []rune(strings.ToLower(name))
		if d := distance(a, b); d < least && d < len(b) && len(b) > 1 {
			best, least = name, d
		}
	}
	return best
}

// distance counts the slips between a and b: a letter too many, one missing, one wrong, two neighbours swapped (optimal string alignment).
func distance(a, b []rune) int {
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
