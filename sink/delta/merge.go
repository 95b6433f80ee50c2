package delta

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/semaphore"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
)

// operationMerge is commitInfo.operation of a merge.
const operationMerge = "MERGE"

// merge is a change of mode Merge on its way into the table, over all tries of
// its commit. A file that was read is not read again, and what was written for
// a partition is taken again as long as its files are the same.
//
// It holds the keys of the change, not their rows, the places of these keys in
// the table, and the statistics of the files that were thought of. Rows go from
// file to file.
type merge struct {
	x           *transaction
	table       *Table
	merger      *merger // for its schema and sizes
	in          *incomingRows
	quick       []string                       // columns that tell most differences
	byPartition map[partitioning.Value][]int32 // rows of the change
	scans       map[string]*scan               // by path
	bounds      map[string]bounds              // by path
	unfit       map[string]error               // by path: why a file cannot be written anew
	made        map[shelf]*written
	oldest      map[partitioning.Value]int64 // of the snapshot at hand
	gate        *semaphore.Weighted
}

// merged counts what a merge does, for the table's history.
type merged struct {
	source, inserted, updated, doubles, copied int64
}

// checkMerge reports a merge that the caller must not ask for.
func checkMerge(c sink.Change) error {
	if info, err := os.Stat(c.WorkDir); c.WorkDir != "" && (err != nil || !info.IsDir()) {
		return fmt.Errorf("work folder %q is not a directory that can be written to", c.WorkDir)
	}
	for _, f := range c.Files {
		if f.Stored != "" {
			return fmt.Errorf("file %s of a merge is in the store already", f.Name)
		}
	}
	return nil
}

// newMerge reads the keys of the change.
func (x *transaction) newMerge(ctx context.Context) (*merge, error) {
	sizes := x.table.newMerger("", "", targetBytes)
	in, err := x.table.readIncoming(ctx, x.change.Files, sizes.batch)
	if err != nil {
		return nil, fmt.Errorf("merge into table %s: %w", x.table.root, err)
	}
	m := &merge{x: x, table: x.table, merger: sizes, in: in, quick: quickColumns(x.table.settings.Table), byPartition: map[partitioning.Value][]int32{},
		scans: map[string]*scan{}, bounds: map[string]bounds{}, unfit: map[string]error{}, made: map[shelf]*written{},
		gate: semaphore.NewWeighted(mergeMemory)}
	for i := range in.rows {
		v := in.rows[i].partition
		m.byPartition[v] = append(m.byPartition[v], int32(i))
	}
	return m, nil
}

// hold waits until so many bytes may be used.
func (m *merge) hold(ctx context.Context, bytes int64) error {
	return m.gate.Acquire(ctx, min(bytes, mergeMemory))
}

func (m *merge) free(bytes int64) { m.gate.Release(min(bytes, mergeMemory)) }

// plan says what the merge does to a snapshot. Files that are written anew are
// in the store when it returns. The stale partitions are those that rows would
// leave and that Paylake committed to after the change's base.
func (m *merge) plan(ctx context.Context, s *Snapshot) (*plan, []partitioning.Value, error) {
	for {
		m.oldest = map[partitioning.Value]int64{}
		places, err := m.find(ctx, s)
		if err != nil {
			return nil, nil, err
		}
		if err := m.compare(ctx, places); err != nil {
			return nil, nil, err
		}
		steps, left, err := m.decide(ctx, s, places)
		if err != nil {
			return nil, nil, err
		}
		todo := m.rewrites(steps)
		touched := shelves(todo)
		stale, err := m.table.staleAmong(ctx, s, m.x.change.Base, touched, func(v partitioning.Value) bool { return slices.Contains(touched, v) })
		if err != nil || len(stale) > 0 {
			return nil, stale, err
		}
		fits, err := m.write(ctx, todo)
		if err != nil {
			return nil, nil, err
		}
		if fits {
			return m.finish(s, steps, todo, left), nil, nil
		}
	}
}

// shelves returns the partitions of what is written anew.
func shelves(todo []*rewrite) []partitioning.Value {
	out := make([]partitioning.Value, len(todo))
	for i, r := range todo {
		out[i] = r.partition
	}
	return slices.Compact(out)
}

// finish puts the plan together.
func (m *merge) finish(s *Snapshot, steps []step, todo []*rewrite, left map[partitioning.Value]bool) *plan {
	p := &plan{unmerged: slices.Sorted(maps.Keys(left)), merged: &merged{source: m.in.source}}
	for _, r := range todo {
		p.add = append(p.add, m.made[r.shelf].files...)
		p.remove = append(p.remove, r.files...)
		for _, f := range r.files {
			p.removedRows += m.rowsOf(f)
			p.merged.copied += m.rowsOf(f) - int64(len(r.drops[f.path]))
		}
	}
	p.merged.count(steps)
	changed := shelves(todo)
	for v := range m.byPartition {
		if !left[v] && !slices.Contains(changed, v) {
			p.skipped++
		}
	}
	p.notes = m.warnings(s, left)
	return p
}

// rowsOf returns the rows of a file that is written anew. One that did not tell
// them was read; then its rows are those that the shelf says.
func (m *merge) rowsOf(f *file) int64 {
	if f.sums.rows >= 0 {
		return f.sums.rows
	}
	return m.scans[f.path].rows
}

// count adds up what becomes of the change's rows.
func (c *merged) count(steps []step) {
	for _, s := range steps {
		switch {
		case s.use && len(s.drop) == 0:
			c.inserted++
		case s.use:
			c.updated++
			c.doubles += int64(len(s.drop)) - 1
		default:
			c.doubles += int64(len(s.drop))
		}
	}
}

// warnings tells of files that could not be taken into account, though the
// change did not ask for that.
func (m *merge) warnings(s *Snapshot, left map[partitioning.Value]bool) []string {
	var out []string
	for path, f := range s.files {
		if why := m.unfit[path]; why != nil && left[f.values.value] {
			out = append(out, fmt.Sprintf("table %s: nothing was merged into partition %q, for its file %s cannot be written anew: %v", m.table.root, f.values.value, path, why))
		}
		if scan := m.scans[path]; scan != nil && scan.broken != nil {
			out = append(out, fmt.Sprintf("table %s: a merge could not look into file %s of partition %q, so a sync must read the partition again: %v", m.table.root, path, f.values.value, scan.broken))
		}
	}
	slices.Sort(out)
	return out
}

// describeMerge completes the commitInfo of a merge, in the words of Spark.
func (t *Table) describeMerge(info *commitInfo, p *plan) {
	on := make([]string, len(t.settings.Table.Key))
	for i, name := range t.settings.Table.Key {
		on[i] = "target." + name + " = source." + name
	}
	info.Operation = operationMerge
	delete(info.OperationParameters, "mode")
	delete(info.OperationParameters, "partitionBy")
	info.OperationParameters["predicate"] = jsonList([]string{strings.Join(on, " AND ")})
	info.OperationParameters["matchedPredicates"] = `[{"actionType":"update"}]`
	info.OperationParameters["notMatchedPredicates"] = `[{"actionType":"insert"}]`
	r := p.receipt(0, nil)
	info.OperationMetrics = map[string]string{
		"numSourceRows": count(p.merged.source), "numOutputRows": count(r.RowsAdded), "numTargetRowsCopied": count(p.merged.copied),
		"numTargetRowsInserted": count(p.merged.inserted), "numTargetRowsUpdated": count(p.merged.updated), "numTargetRowsDeleted": count(p.merged.doubles),
		"numTargetFilesAdded": strconv.Itoa(len(p.add)), "numTargetFilesRemoved": strconv.Itoa(len(p.remove)),
		"numTargetBytesAdded": count(r.BytesAdded), "numTargetBytesRemoved": count(r.BytesRemoved),
	}
}
