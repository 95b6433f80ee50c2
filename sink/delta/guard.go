package delta

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/writer"
)

// The shrink guard: a change may remove this many rows, or this share of them.
const (
	shrinkRows    = 10
	shrinkPercent = 5
)

// guard refuses a plan that removes too much of what it replaces, or all of it,
// or all of a partition with more than a few rows.
func (t *Table) guard(ctx context.Context, c sink.Change, p *plan) error {
	if c.AcceptShrink || c.Mode == sink.Append || p.before == 0 {
		return nil
	}
	if p.rows == 0 {
		return &sink.ShrinkError{Table: t.root, Before: p.before, Removed: p.before, Empty: true}
	}
	removed, err := t.removedKeys(ctx, p)
	if err != nil {
		return err
	}
	if shrinks(removed, p.before) {
		return &sink.ShrinkError{Table: t.root, Before: p.before, Removed: removed}
	}
	for _, part := range p.changed {
		if part.want.rows == 0 && part.have.rows > shrinkRows {
			return &sink.ShrinkError{Table: t.root, Partition: part.value, Before: part.have.rows, Removed: part.have.rows, Empty: true}
		}
	}
	return nil
}

func shrinks(removed, before int64) bool {
	return removed > shrinkRows && removed*100 > before*shrinkPercent
}

// removedKeys counts the keys that the plan takes away. Where even the loss of
// every old row of the partitions in doubt would be allowed it returns that
// bound and reads nothing.
func (t *Table) removedKeys(ctx context.Context, p *plan) (int64, error) {
	bound := int64(0)
	var doubtful []changedPartition
	for _, part := range p.changed {
		if part.have.rows == part.want.rows && part.have.keys == part.want.keys {
			continue // the same keys with other contents
		}
		bound += part.have.rows
		doubtful = append(doubtful, part)
	}
	if !shrinks(bound, p.before) {
		return bound, nil
	}
	removed := int64(0)
	for _, part := range doubtful {
		n, err := t.removedOf(ctx, part)
		if err != nil {
			return 0, err
		}
		removed += n
	}
	return removed, nil
}

// removedOf counts the keys of one partition that its new files do not hold. It
// reads only the key columns and holds the hashes of one partition's keys.
func (t *Table) removedOf(ctx context.Context, part changedPartition) (int64, error) {
	if part.want.rows == 0 {
		return part.have.rows, nil
	}
	key := t.settings.Table.Key
	if len(key) == 0 {
		return max(part.have.rows-part.want.rows, 0), nil
	}
	kept := make(map[uint64]struct{}, part.want.rows)
	for _, f := range part.newFiles {
		err := t.readNew(ctx, f, key, func(b arrow.RecordBatch) error {
			return eachKey(b, key, func(h uint64) { kept[h] = struct{}{} })
		})
		if err != nil {
			return 0, err
		}
	}
	gone := map[uint64]struct{}{}
	for _, f := range part.old.files {
		err := t.readFile(ctx, f.path, f.size, key, func(b arrow.RecordBatch) error {
			return eachKey(b, key, func(h uint64) {
				if _, ok := kept[h]; !ok {
					gone[h] = struct{}{}
				}
			})
		})
		if err != nil {
			return 0, err
		}
	}
	return int64(len(gone)), nil
}

// readNew reads a file of a change, from the store if it lies there already.
func (t *Table) readNew(ctx context.Context, f writer.File, names []string, each func(arrow.RecordBatch) error) error {
	if f.Stored != "" {
		return t.readFile(ctx, f.Stored, f.Bytes, names, each)
	}
	return readLocal(ctx, f.Path, names, each)
}

func eachKey(b arrow.RecordBatch, key []string, f func(uint64)) error {
	if err := hasColumns(b, key); err != nil {
		return err
	}
	for _, h := range schema.KeyHashes(b, key) {
		f(h)
	}
	return nil
}
