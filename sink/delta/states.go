package delta

import (
	"encoding/json"

	"github.com/paylake/paylake/partitioning"
)

// tagStates tells on an add how many rows of the file have which value in the
// column of their state: a JSON object, sorted by name, without spaces; null
// counts under "". A file of a table without states, or with more than 64 of
// them, has no such tag.
const tagStates = "paylake.states"

// statesText is the tag's text for counts, "" for none.
func statesText(counts map[string]int64) string {
	if len(counts) == 0 {
		return ""
	}
	raw, err := json.Marshal(counts) // sorts the names
	if err != nil {                  // a map of numbers always has a JSON form
		return ""
	}
	return string(raw)
}

// States returns how many records of partition v are in which state, by the
// tags of its files; null counts under "". Records that are marked as deleted
// are not among them. known is false where a file does not tell, such as one of
// another engine. An empty partition is known.
func (s *Snapshot) States(v partitioning.Value) (counts map[string]int64, known bool) {
	counts = map[string]int64{}
	for _, f := range s.partition(v).files {
		if !f.addStates(counts) {
			return nil, false
		}
	}
	return counts, true
}

// addStates adds the rows of the file to the counts and reports whether it tells
// them all.
func (f *file) addStates(counts map[string]int64) bool {
	if !f.tagged || f.states == "" {
		return false
	}
	var own map[string]int64
	if json.Unmarshal([]byte(f.states), &own) != nil {
		return false
	}
	rows := int64(0)
	for state, n := range own {
		counts[state] += n
		rows += n
	}
	return rows == f.sums.rows
}
