package books

import (
	"cmp"
	"slices"
	"time"
)

// pair compares one operation with its payable.
func (l *ledger) pair(p pair, fees bool, keys int) {
	left, right := p.days()
	o, y := p.values(fees)
	l.add(o, y)
	if p.operation != nil && p.payable != nil && left == right && o == y {
		return
	}
	if p.operation != nil {
		l.differs(left, o, 0, p.operation.own, keys)
	}
	if p.payable != nil {
		l.differs(right, 0, y, p.payable.id, keys)
	}
}

// differs adds a row that has no equal on the other side.
func (l *ledger) differs(k groupKey, left, right int64, key string, keys int) {
	g := l.groups[k]
	if g == nil {
		if len(l.groups) >= maxGroups {
			l.more++
			return
		}
		g = &group{}
		l.groups[groupKey{string([]byte(k.recipient)), k.day}] = g
	}
	g.left, g.right = plus(g.left, left), plus(g.right, right)
	if len(g.keys) < keys {
		g.keys = append(g.keys, string([]byte(key)))
	}
}

// broken counts the recipients and days whose sums differ, and gives the first
// ones, by day and recipient, with their keys and no sums yet.
func (l *ledger) broken() map[groupKey]*group {
	var found []groupKey
	for k, g := range l.groups {
		if g.left != g.right {
			found = append(found, k)
		}
	}
	l.Broken = int64(len(found)) + l.more
	slices.SortFunc(found, func(a, b groupKey) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.recipient, b.recipient))
	})
	first := map[groupKey]*group{}
	for _, k := range found[:min(len(found), l.max)] {
		first[k] = &group{keys: l.groups[k].keys}
	}
	return first
}

// list writes the breaks.
func (l *ledger) list(groups map[groupKey]*group) {
	count := l.Broken
	for k, g := range groups {
		l.fail(Break{Recipient: k.recipient, Day: time.Unix(k.day*24*3600, 0).UTC().Format(time.DateOnly), Keys: g.keys,
			Left: g.left, Right: g.right, Reason: "operations and payables of this day differ"})
	}
	l.Broken = count
}
