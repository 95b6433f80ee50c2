package delta

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/paylake/paylake/partitioning"
)

// bundle is what goes into one commit of Optimize.
type bundle struct {
	table *Table
	parts []*compacted
	bytes int64
	done  *Optimized
}

func (b *bundle) add(c *compacted) {
	b.parts = append(b.parts, c)
	b.bytes += c.bytes
}

// commit makes the new files live in place of the old ones. Parts of which
// another run took an old file away are dropped, and their new files removed.
func (b *bundle) commit(ctx context.Context) error {
	parts := b.parts
	if len(parts) == 0 {
		return nil
	}
	b.parts, b.bytes = nil, 0
	t := b.table
	x, err := t.newTransaction()
	if err != nil {
		return err
	}
	var named []*compacted
	version, warnings, err := x.keepUp(ctx, func(s *Snapshot) (*upkeep, error) {
		named = slices.DeleteFunc(slices.Clone(parts), func(c *compacted) bool { return !s.has(c.inputs) })
		if len(named) == 0 {
			return nil, nil
		}
		return t.compaction(named), nil
	})
	b.done.Warnings = append(b.done.Warnings, warnings...)
	if x.unclear && (err != nil || version < 0) {
		return err // a commit that names the new files may still appear
	}
	if err != nil || version < 0 {
		named = nil
	}
	for _, c := range named {
		b.done.count(c)
	}
	if version >= 0 {
		b.done.Commits++
		b.done.Partitions += partitionsOf(named)
	}
	if err == nil {
		b.done.Conflicts += len(parts) - len(named)
	}
	return b.settle(ctx, x, parts, named, err)
}

// settle removes the new files that no commit names.
func (b *bundle) settle(ctx context.Context, x *transaction, parts, named []*compacted, err error) error {
	if x.unclear {
		return err
	}
	for _, c := range parts {
		if slices.Contains(named, c) {
			continue
		}
		if derr := b.table.dropAdds(ctx, c.adds); derr != nil {
			b.done.Warnings = append(b.done.Warnings, derr.Error())
		}
	}
	return err
}

// has reports whether all files are live as they were.
func (s *Snapshot) has(files []*file) bool {
	for _, f := range files {
		if live := s.files[f.path]; live == nil || live.size != f.size || live.modified != f.modified || live.deleted {
			return false
		}
	}
	return true
}

// compaction makes the commit.
func (t *Table) compaction(parts []*compacted) *upkeep {
	u := &upkeep{operation: "OPTIMIZE", parameters: map[string]string{"predicate": "[]", "zOrderBy": "[]"}}
	now := t.now()
	var done Optimized
	for _, c := range parts {
		done.count(c)
		for _, f := range c.inputs {
			r := f.remove(now)
			r.DataChange = false
			u.actions = append(u.actions, action{Remove: r})
		}
	}
	for _, c := range parts {
		for _, a := range c.adds {
			u.actions = append(u.actions, action{Add: a})
		}
	}
	u.metrics = map[string]string{
		"numAddedFiles": strconv.Itoa(done.FilesAdded), "numAddedBytes": count(done.BytesAdded),
		"numRemovedFiles": strconv.Itoa(done.FilesRemoved), "numRemovedBytes": count(done.BytesRemoved),
		"numOutputRows": count(done.Rows),
	}
	return u
}

func (d *Optimized) count(c *compacted) {
	d.FilesRemoved += len(c.inputs)
	d.FilesAdded += len(c.adds)
	d.BytesRemoved += c.bytes
	d.Rows += c.sums.rows
	for _, a := range c.adds {
		d.BytesAdded += a.Size
	}
}

func partitionsOf(parts []*compacted) int {
	seen := map[partitioning.Value]bool{}
	for _, c := range parts {
		seen[c.partition] = true
	}
	return len(seen)
}

// dropAdds removes uploaded files that no commit names. It works though the run
// was interrupted.
func (t *Table) dropAdds(ctx context.Context, adds []*add) error {
	keys := make([]string, len(adds))
	for i, a := range adds {
		keys[i] = t.key(canonical(a.Path))
	}
	ctx, cancel := settling(ctx)
	defer cancel()
	if err := t.deleteAll(ctx, keys); err != nil {
		return fmt.Errorf("remove compacted files that no commit names: %w", err)
	}
	return nil
}
