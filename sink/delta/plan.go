package delta

import (
	"context"
	"fmt"
	"slices"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/writer"
)

// plan is what a change does to a snapshot.
type plan struct {
	changed []changedPartition // of Replace and Overwrite
	add     []writer.File
	remove  []*file
	skipped int      // partitions with the same rows already
	deleted int64    // keys that the change takes away, or marks as deleted
	before  int64    // rows of all partitions of the change
	rows    int64    // new rows, those of unchanged partitions too
	notes   []string // warnings for the receipt

	// Of a merge: what it counted, the rows of removed files, and the partitions
	// that it leaves as they are.
	merged      *merged
	removedRows int64
	unmerged    []partitioning.Value
}

// changedPartition is a partition that gets other rows.
type changedPartition struct {
	value    partitioning.Value
	old      *partition
	have     sums
	want     sums
	newFiles []writer.File
	removed  int64    // keys that the change takes away
	renamed  bool     // its keys may be other ones today
	moved    []uint64 // hashes of keys that went to other partitions
}

func (p *plan) empty() bool { return len(p.add) == 0 && len(p.remove) == 0 }

// checkChange reports a change that the caller must not ask for.
func (t *Table) checkChange(c sink.Change) error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("commit to table %s: %w", t.root, fmt.Errorf(format, args...))
	}
	switch c.Mode {
	case sink.Replace, sink.Overwrite, sink.Append:
	case sink.Merge:
		if err := checkMerge(c); err != nil {
			return wrong("%w", err)
		}
	default:
		return wrong("unknown %s", c.Mode)
	}
	for _, f := range c.Files {
		switch {
		case c.Mode == sink.Replace && !slices.Contains(c.Partitions, f.Partition):
			return wrong("file %s is of partition %q, which the change does not replace", f.Name, f.Partition)
		case c.Mode == sink.Overwrite && f.Partition < c.Keep:
			return wrong("file %s is of partition %q, behind the horizon %q", f.Name, f.Partition, c.Keep)
		case t.settings.Spec.Column == "" && f.Partition != "":
			return wrong("file %s is of partition %q, but the table is not partitioned", f.Name, f.Partition)
		}
	}
	if c.Mode == sink.Replace && t.settings.Spec.Column == "" && slices.ContainsFunc(c.Partitions, notEmpty) {
		return wrong("partitions of a table that is not partitioned")
	}
	return nil
}

func notEmpty(v partitioning.Value) bool { return v != "" }

// makePlan compares the change with the snapshot, partition by partition.
func (t *Table) makePlan(ctx context.Context, s *Snapshot, c sink.Change) (*plan, error) {
	p := &plan{before: c.Unchanged, rows: c.Unchanged}
	files := map[partitioning.Value][]writer.File{}
	for _, f := range c.Files {
		if f.Rows > 0 { // a file without rows is never added
			files[f.Partition] = append(files[f.Partition], f)
			p.rows += f.Rows
		}
	}
	values := targets(s, c, files)
	for _, v := range values {
		if c.Mode == sink.Append {
			p.add = append(p.add, files[v]...)
			continue
		}
		part := changedPartition{value: v, old: s.partition(v), want: newSums(files[v]), newFiles: files[v]}
		var err error
		if part.have, err = t.partitionSums(ctx, part.old); err != nil {
			return nil, err
		}
		p.before += part.have.rows
		if part.have == part.want && !slices.Contains(c.Rewrite, v) {
			if part.have.rows > 0 {
				p.skipped++
			}
			continue
		}
		p.changed = append(p.changed, part)
		p.exchange(part)
	}
	return p, nil
}

// exchange adds the new files of a partition and removes the old ones. A stored
// file that another run has committed is live already: it stays as it is, since
// a commit must not add and remove the same file (PROTOCOL.md, "Add File and
// Remove File").
func (p *plan) exchange(part changedPartition) {
	kept := map[string]bool{}
	for _, f := range part.old.files {
		stays := slices.ContainsFunc(part.newFiles, func(n writer.File) bool { return n.Stored != "" && n.Stored == f.path })
		if kept[f.path] = stays; !stays {
			p.remove = append(p.remove, f)
		}
	}
	for _, f := range part.newFiles {
		if f.Stored == "" || !kept[f.Stored] {
			p.add = append(p.add, f)
		}
	}
}

// targets returns the partitions that a change touches, in ascending order.
func targets(s *Snapshot, c sink.Change, files map[partitioning.Value][]writer.File) []partitioning.Value {
	var out []partitioning.Value
	switch c.Mode {
	case sink.Replace:
		out = slices.Clone(c.Partitions)
	case sink.Overwrite:
		for v := range s.Partitions() {
			if v >= c.Keep {
				out = append(out, v)
			}
		}
	}
	for v := range files {
		out = append(out, v)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
