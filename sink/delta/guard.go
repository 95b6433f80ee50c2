package delta

import (
	"context"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
)

// The shrink guard: a change may remove this many rows, or this share of them.
const (
	shrinkRows    = 10
	shrinkPercent = 5
)

// guard counts the keys that a plan takes away, and refuses one that takes away
// too much of what it replaces, or all of it, or all of a partition with more
// than a few rows. Rows that stay, marked as deleted, count as taken away: so
// many deletions are as doubtful.
func (t *Table) guard(ctx context.Context, c sink.Change, p *plan) error {
	if c.Mode != sink.Replace && c.Mode != sink.Overwrite || p.before == 0 {
		return nil
	}
	if p.rows == 0 && !c.AcceptShrink {
		return &sink.ShrinkError{Table: t.root, Before: p.before, Removed: p.before, Empty: true, Worst: p.worst()}
	}
	if err := t.countRemoved(ctx, c, p); err != nil {
		return err
	}
	if c.AcceptShrink {
		return nil
	}
	if shrinks(p.deleted, p.before) {
		return &sink.ShrinkError{Table: t.root, Before: p.before, Removed: p.deleted, Worst: p.worst()}
	}
	for _, part := range p.changed {
		if part.want.rows == 0 && part.have.rows > shrinkRows {
			return &sink.ShrinkError{Table: t.root, Partition: part.value, Before: part.have.rows, Removed: part.have.rows, Empty: true}
		}
	}
	return nil
}

// worst is the partition that loses the most records: those whose keys are gone,
// or its rows where it becomes empty.
func (p *plan) worst() partitioning.Value {
	var worst partitioning.Value
	most := int64(-1)
	for _, part := range p.changed {
		lost := part.removed
		if part.want.rows == 0 {
			lost = part.have.rows
		}
		if lost > most {
			worst, most = part.value, lost
		}
	}
	return worst
}

func shrinks(removed, before int64) bool {
	return removed > shrinkRows && removed*100 > before*shrinkPercent
}
