package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/writer"
)

// keeper makes the files of deleted records of one changed partition.
type keeper struct {
	table *Table
	plan  *plan
	part  *changedPartition
	m     *merger
	keys  *keySet // of the new rows, and of rows that were taken
	out   []source
	n     int // files read
}

// keepDeleted completes the plan by what it means for records that are deleted
// at the source. With sink.Change.KeepDeleted the rows whose keys the change
// lacks are marked and added as files of their own. In any case rows that were
// marked before stay, also those in files of other engines, unless their key is
// back. The new local files are good until the returned function is called.
func (t *Table) keepDeleted(ctx context.Context, s *Snapshot, c sink.Change, p *plan) (clean func(), err error) {
	var dir string
	clean = func() {
		if dir != "" {
			_ = os.RemoveAll(dir) // below the caller's work folder, which is cleaned at its end
		}
	}
	if c.KeepDeleted && !t.settings.Table.KeepsDeleted {
		return clean, fmt.Errorf("commit to table %s: it cannot keep deleted records without the column %s", t.root, schema.ColumnDeletedAt)
	}
	for i := range p.changed {
		part := &p.changed[i]
		mark := c.KeepDeleted && part.removed > 0 && !part.renamed
		if !mark && len(part.old.kept) == 0 && !t.mixed(part.old) {
			continue
		}
		if dir == "" {
			if dir, err = os.MkdirTemp(c.WorkDir, "deleted-"); err != nil {
				return clean, fmt.Errorf("keep deleted records of table %s: %w", t.root, err)
			}
		}
		if err := t.keepPartition(ctx, c, p, part, mark, dir); err != nil {
			return clean, fmt.Errorf("keep deleted records of table %s partition %q: %w", t.root, part.value, err)
		}
	}
	return clean, nil
}

// mixed reports whether a file of another engine holds rows that are marked as
// deleted. All such files have been read for their sums.
func (t *Table) mixed(p *partition) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range p.files {
		if !f.tagged && t.sums[f.path].deleted > 0 {
			return true
		}
	}
	return false
}

// keepPartition writes the files of deleted records of a partition; mark says
// that rows are to be marked.
func (t *Table) keepPartition(ctx context.Context, c sink.Change, p *plan, part *changedPartition, mark bool, dir string) (err error) {
	dir, err = os.MkdirTemp(dir, "partition-")
	if err != nil {
		return err
	}
	k := &keeper{table: t, plan: p, part: part, m: t.newMerger(part.value, dir, targetBytes)}
	if k.keys, err = t.keysOf(ctx, part.newFiles); err != nil {
		return err
	}
	for _, h := range part.moved {
		k.keys.add(h)
	}
	for _, marked := range []bool{false, true} { // a newer deletion comes before an older one of the same key
		for _, f := range part.old.files {
			if marked && f.tagged || !marked && !mark {
				continue
			}
			if err := k.take(ctx, f, marked); err != nil && !t.lostFile(ctx, f) {
				return err
			}
		}
	}
	for _, f := range part.old.kept {
		if err := k.renew(ctx, f); err != nil {
			return err
		}
	}
	return k.finish(ctx)
}

// take copies rows of an old file whose keys are gone: those that are marked as
// deleted already, or those that become so now.
func (k *keeper) take(ctx context.Context, f *file, marked bool) error {
	rows, err := k.missing(ctx, f, marked)
	if err != nil || len(rows) == 0 {
		return err
	}
	at := arrow.Timestamp(0)
	if !marked {
		at = arrow.Timestamp(k.table.settings.Now().UnixMicro())
	}
	return k.copy(ctx, f, rows, at)
}

// missing gives the numbers of the rows of a file whose keys were not met yet,
// and counts them as met.
func (k *keeper) missing(ctx context.Context, f *file, marked bool) ([]int64, error) {
	var rows []int64
	err := k.table.eachKeyOf(ctx, f, func(row int64, h uint64, deleted bool) {
		if deleted != marked {
			return
		}
		if k.keys.add(h) {
			rows = append(rows, row)
		}
	})
	return rows, err
}

// renew leaves a file of deleted records where it is, unless a key of it is back
// or was deleted again: then the others go to a new file. One that is gone from
// the store, or was cut, is taken out of the table.
func (k *keeper) renew(ctx context.Context, f *file) error {
	rows, err := k.missing(ctx, f, true)
	switch {
	case err != nil && k.table.lostFile(ctx, f):
		k.plan.notes = append(k.plan.notes, fmt.Sprintf("table %s: file %s with %d deleted records is gone or damaged: they cannot be had again", k.table.root, f.path, f.sums.rows))
	case err != nil:
		return err
	case int64(len(rows)) == f.sums.rows:
		return nil
	}
	k.plan.remove = append(k.plan.remove, f)
	if len(rows) == 0 {
		return nil
	}
	return k.copy(ctx, f, rows, 0)
}

// copy writes the given rows of an old file to a file made on the way. A time
// other than 0 marks them as deleted then.
func (k *keeper) copy(ctx context.Context, f *file, rows []int64, at arrow.Timestamp) (err error) {
	path := localName(k.m.dir, k.n)
	k.n++
	if err := k.table.fetch(ctx, f, path); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	r, err := k.m.open(ctx, source{path: path})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	files, err := k.m.writeFiles(ctx, k.m.dir, k.m.scratch(), func(w *writer.Writer) error { return k.pick(ctx, r, rows, at, w) })
	if err != nil {
		return err
	}
	for _, s := range scratchSources(files) {
		source, err := k.m.inspect(ctx, s.path)
		if err != nil {
			return err
		}
		source.scratch = true
		k.out = append(k.out, source)
	}
	return nil
}

// pick writes rows by their number, which ascend.
func (k *keeper) pick(ctx context.Context, r *rowReader, rows []int64, at arrow.Timestamp, w *writer.Writer) error {
	first := int64(0)
	for len(rows) > 0 {
		b, err := r.next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the file has %d rows, fewer than before", first)
		}
		if err != nil {
			return err
		}
		var indices []int32
		for len(rows) > 0 && rows[0] < first+b.NumRows() {
			indices, rows = append(indices, int32(rows[0]-first)), rows[1:]
		}
		first += b.NumRows()
		err = k.writeRows(ctx, b, indices, at, w)
		b.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *keeper) writeRows(ctx context.Context, b arrow.RecordBatch, indices []int32, at arrow.Timestamp, w *writer.Writer) error {
	if len(indices) == 0 {
		return nil
	}
	rows, err := gather(ctx, []arrow.RecordBatch{b}, indices)
	if err != nil {
		return err
	}
	defer rows.Release()
	if at == 0 {
		return k.m.write(ctx, w, rows)
	}
	marked := markDeleted(rows, at)
	defer marked.Release()
	return k.m.write(ctx, w, marked)
}

// markDeleted is a batch of a table with _deleted_at, set to a time in each row.
// The caller releases it.
func markDeleted(b arrow.RecordBatch, at arrow.Timestamp) arrow.RecordBatch {
	i := b.Schema().FieldIndices(schema.ColumnDeletedAt)[0]
	times := array.NewTimestampBuilder(memory.DefaultAllocator, b.Schema().Field(i).Type.(*arrow.TimestampType))
	defer times.Release()
	for range b.NumRows() {
		times.Append(at)
	}
	col := times.NewArray()
	defer col.Release()
	cols := append([]arrow.Array(nil), b.Columns()...)
	cols[i] = col
	return array.NewRecordBatch(b.Schema(), cols, b.NumRows())
}

// finish puts the rows together, in order, and adds the files to the plan.
func (k *keeper) finish(ctx context.Context) error {
	if len(k.out) == 0 {
		return nil
	}
	out := filepath.Join(k.m.dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		return err
	}
	files, err := k.m.run(ctx, k.out, out)
	if err != nil {
		return err
	}
	k.plan.add = append(k.plan.add, files...)
	return nil
}
