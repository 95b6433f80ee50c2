package config

import (
	"fmt"
	"slices"
	"strings"
)

// Hint ends a message about an unknown name: with the nearest valid name, or
// with all of them when none is near.
func Hint(name string, valid []string) string {
	if near, ok := nearest(name, valid); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	sorted := slices.Sorted(slices.Values(valid))
	return "valid are " + strings.Join(sorted, ", ")
}

// nearest gives the valid name with the fewest edits to name, if the edits are
// at most a third of its length or two.
func nearest(name string, valid []string) (string, bool) {
	best, fewest := "", -1
	for _, v := range valid {
		d := distance(strings.ToLower(name), strings.ToLower(v))
		if d <= max(2, len(v)/3) && d < len(v) && (fewest < 0 || d < fewest) {
			best, fewest = v, d
		}
	}
	return best, fewest >= 0
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a) // no name is near
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
