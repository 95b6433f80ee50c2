package delta

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer"
)

// What a merge holds in memory: about 16 MiB of Arrow to be written, and of each
// file that is read at the same time the pages of a row group, one batch, and
// what its reader keeps for each leaf column (an orders file of 448 leaves took
// 26 MiB in all).
const (
	mergeBudget  = 128 << 20 // bytes of what is read at once
	mergeFanIn   = 32        // files read at once
	leafBytes    = 56 << 10  // of an open file for each leaf column
	scratchGroup = 4 << 20   // bytes of a row group of a file made on the way
	batchLeaves  = 200_000   // values in a batch
	chunkRows    = 4096      // merged rows that are put in order at once
	groupLeaves  = 18_000    // leaf columns of all row groups of a file: each takes 1 KB until it is closed
)

// merger turns sorted files of one partition into fewer ones.
type merger struct {
	table       *schema.Table
	spec        partitioning.Spec
	partition   partitioning.Value
	schema      *arrow.Schema
	order       []string
	orderSchema *arrow.Schema
	batch       int64  // rows
	fixed       int64  // bytes of an open file, whatever its rows
	dir         string // for files made on the way
	options     writer.Options
}

func (t *Table) newMerger(v partitioning.Value, dir string, target int64) *merger {
	table := t.writtenTable()
	m := &merger{table: table, spec: t.settings.Spec, partition: v, schema: table.ArrowSchema(), order: table.SortColumns(), dir: dir}
	var fields []arrow.Field
	for _, name := range m.order {
		fields = append(fields, m.schema.Field(m.schema.FieldIndices(name)[0]))
	}
	m.orderSchema = arrow.NewSchema(fields, nil)
	leaves := len(table.Leaves())
	m.fixed = int64(leaves) * leafBytes
	m.batch = int64(min(max(batchLeaves/leaves, 256), batchRows))
	m.options = writer.Options{TargetBytes: target, MaxRowGroups: max(groupLeaves/leaves, 40), Version: t.settings.Engine[len(ownEngine):]}
	return m
}

// run writes the rows of the sources to new files in out.
func (m *merger) run(ctx context.Context, sources []source, out string) ([]writer.File, error) {
	var sorted []source
	for _, s := range sources {
		if s.ordered {
			sorted = append(sorted, s)
			continue
		}
		runs, err := m.sortRuns(ctx, s)
		if err != nil {
			return nil, err
		}
		sorted = append(sorted, runs...)
	}
	chains := chainsOf(sorted)
	for n := m.fanIn(chains); n < len(chains); n = m.fanIn(chains) {
		merged, err := m.round(ctx, chains[:n])
		if err != nil {
			return nil, err
		}
		chains = append(slices.Clone(chains[n:]), merged)
	}
	return m.writeFiles(ctx, out, m.options, func(w *writer.Writer) error { return m.merge(ctx, chains, w) })
}

// round merges chains into one.
func (m *merger) round(ctx context.Context, chains [][]source) ([]source, error) {
	files, err := m.writeFiles(ctx, m.dir, m.scratch(), func(w *writer.Writer) error { return m.merge(ctx, chains, w) })
	if err != nil {
		return nil, err
	}
	for _, s := range slices.Concat(chains...) {
		if s.scratch {
			if err := os.Remove(s.path); err != nil {
				return nil, fmt.Errorf("remove a file made on the way: %w", err)
			}
		}
	}
	return scratchSources(files), nil
}

func (m *merger) scratch() writer.Options {
	o := m.options
	o.RowGroupBytes = scratchGroup
	return o
}

func scratchSources(files []writer.File) []source {
	out := make([]source, len(files))
	for i, f := range files {
		out[i] = source{path: f.Path, scratch: true, ordered: true, memory: scratchGroup}
	}
	return out
}

// writeFiles writes what fill gives and returns the finished files.
func (m *merger) writeFiles(ctx context.Context, dir string, o writer.Options, fill func(*writer.Writer) error) (_ []writer.File, err error) {
	w, err := writer.New(m.table, m.spec, dir, &o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Abort()) }()
	if err := fill(w); err != nil {
		return nil, err
	}
	return w.Finish(ctx)
}

// sortRuns cuts a file whose rows are not sorted into sorted ones, each a chain
// of its own.
func (m *merger) sortRuns(ctx context.Context, s source) (_ []source, err error) {
	if s.pick != nil {
		s.pick.whole = true
	}
	r, err := m.open(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	var out []source
	for {
		b, err := r.next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if b.NumRows() == 0 {
			b.Release()
			continue
		}
		files, err := m.sortBatch(ctx, b)
		b.Release()
		if err != nil {
			return nil, err
		}
		out = append(out, scratchSources(files)...)
	}
}

// sortBatch writes the rows of a batch to a sorted file.
func (m *merger) sortBatch(ctx context.Context, b arrow.RecordBatch) ([]writer.File, error) {
	keys := sortKeysOf(b, m.order)
	indices := make([]int32, b.NumRows())
	for i := range indices {
		indices[i] = int32(i)
	}
	slices.SortStableFunc(indices, func(i, j int32) int { return compareRows(keys, int(i), keys, int(j)) })
	sorted, err := gather(ctx, []arrow.RecordBatch{b}, indices)
	if err != nil {
		return nil, err
	}
	defer sorted.Release()
	return m.writeFiles(ctx, m.dir, m.scratch(), func(w *writer.Writer) error { return m.write(ctx, w, sorted) })
}

// chainsOf puts files whose times do not meet one behind the other, so that only
// one of them is open at a time.
func chainsOf(sources []source) [][]source {
	slices.SortStableFunc(sources, func(a, b source) int { return cmp.Compare(a.first, b.first) })
	var chains [][]source
	for _, s := range sources {
		at := slices.IndexFunc(chains, func(c []source) bool {
			last := c[len(c)-1]
			return s.timed && last.timed && last.last < s.first
		})
		if at < 0 {
			chains = append(chains, []source{s})
			continue
		}
		chains[at] = append(chains[at], s)
	}
	return chains
}

// fanIn returns how many chains may be read at once, two at least.
func (m *merger) fanIn(chains [][]source) int {
	held := int64(0)
	for i, c := range chains {
		largest := int64(0)
		for _, s := range c {
			largest = max(largest, s.memory)
		}
		if held += largest + m.fixed; i >= 2 && (held > mergeBudget || i >= mergeFanIn) {
			return i
		}
	}
	return len(chains)
}

// localName names the copy of the i-th input.
func localName(dir string, i int) string {
	return filepath.Join(dir, fmt.Sprintf("input-%05d.parquet", i))
}
