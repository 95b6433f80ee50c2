package books

import (
	"cmp"
	"math"
	"slices"
)

// tally collects what is found about one identity.
type tally struct {
	Identity
	max int
}

func newTally(name, statement string, most int) *tally {
	return &tally{Identity: Identity{Name: name, Statement: statement}, max: most}
}

// add counts what was compared, equal or not.
func (t *tally) add(left, right int64) {
	t.Checked++
	t.Left, t.Right = plus(t.Left, left), plus(t.Right, right)
}

// except counts an exception by its name.
func (t *tally) except(name string) {
	if t.Exceptions == nil {
		t.Exceptions = map[string]int64{}
	}
	t.Exceptions[name]++
}

// fail notes a break, and keeps the first ones by key.
func (t *tally) fail(b Break) {
	t.Broken++
	slices.Sort(b.Keys)
	b.Keys = b.Keys[:min(len(b.Keys), t.max)]
	at, _ := slices.BinarySearchFunc(t.Breaks, b, compareBreaks)
	t.Breaks = slices.Insert(t.Breaks, at, b)
	t.Breaks = t.Breaks[:min(len(t.Breaks), t.max)]
}

func compareBreaks(a, b Break) int {
	return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Recipient, b.Recipient), cmp.Compare(a.Charge, b.Charge),
		slices.Compare(a.Keys, b.Keys), cmp.Compare(a.Reason, b.Reason))
}

// plus adds two numbers and stops at the ends of 64 bits.
func plus(a, b int64) int64 {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64
	}
	return a + b
}
