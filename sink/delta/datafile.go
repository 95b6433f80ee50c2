package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer"
)

// ReadFile reads a live data file in batches of bounded size and gives each to
// the function, which keeps a reference only if it retains the batch. The
// columns are those of the file, of any engine (Spark's timestamps may be
// nanoseconds without a zone: they mean UTC); names of top-level columns limit
// them, nil for all. The partition column is not among them: it is in the log
// only.
func (t *Table) ReadFile(ctx context.Context, f File, names []string, each func(arrow.RecordBatch) error) error {
	return t.readFile(ctx, f.Path, f.Size, names, each)
}

func (t *Table) readFile(ctx context.Context, path string, size int64, names []string, each func(arrow.RecordBatch) error) (err error) {
	if outside(path) {
		return fmt.Errorf("read %s: it lies outside table %s", path, t.root)
	}
	key := t.key(path)
	defer recovered(&err, key)
	r, err := openParquet(ctx, t.store, key, size)
	if err != nil {
		return fmt.Errorf("read a data file of table %s: %w", t.root, err)
	}
	return readBatches(ctx, r, key, names, each)
}

// readLocal is readFile for a file that was not uploaded yet.
func readLocal(ctx context.Context, path string, names []string, each func(arrow.RecordBatch) error) (err error) {
	defer recovered(&err, path)
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read a new data file: %w", err)
	}
	r, err := newParquet(f, path)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	return readBatches(ctx, r, path, names, each)
}

// readBatches closes r.
func readBatches(ctx context.Context, r *pqarrow.FileReader, name string, names []string, each func(arrow.RecordBatch) error) (err error) {
	defer func() { err = errors.Join(err, r.ParquetReader().Close()) }()
	var leaves []int
	if names != nil {
		if leaves = leavesOf(r, names); len(leaves) == 0 {
			return fmt.Errorf("read %s: it has none of the columns %v", name, names)
		}
	}
	rows, err := r.GetRecordReader(ctx, leaves, nil)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	defer rows.Release()
	for {
		batch, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if err := each(batch); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// sumsOf returns the sums of a live file: from its tags or, if it has none, from
// its rows, once. Rows that are marked as deleted do not count.
func (t *Table) sumsOf(ctx context.Context, f *file) (sums, error) {
	if f.tagged {
		return f.sums, nil
	}
	t.mu.Lock()
	s, ok := t.sums[f.path]
	t.mu.Unlock()
	if ok && s.size == f.size {
		return s.sums, nil
	}
	key := t.settings.Table.Key
	out, marked := sums{}, int64(0)
	err := t.readFile(ctx, f.path, f.size, nil, func(b arrow.RecordBatch) error {
		if err := hasColumns(b, key); err != nil {
			return err
		}
		deleted := deletedRows(b)
		out.rows, marked = out.rows+liveRows(b), marked+b.NumRows()-liveRows(b)
		out.fingerprint += liveTotal(schema.Fingerprint(b), deleted)
		out.keys += liveTotal(schema.KeyHashes(b, key), deleted)
		return nil
	})
	if err != nil {
		return sums{}, err
	}
	t.mu.Lock()
	t.sums[f.path] = fileSums{f.size, out, marked}
	t.mu.Unlock()
	return out, nil
}

// partitionSums adds up the live files of a partition.
func (t *Table) partitionSums(ctx context.Context, p *partition) (sums, error) {
	if p.known {
		return p.sums, nil
	}
	out := sums{}
	for _, f := range p.files {
		s, err := t.sumsOf(ctx, f)
		if err != nil {
			return sums{}, err
		}
		out = out.plus(s)
	}
	return out, nil
}

// newSums adds up finished files.
func newSums(files []writer.File) sums {
	out := sums{}
	for _, f := range files {
		out = out.plus(sums{f.Rows, f.Fingerprint, f.Keys})
	}
	return out
}

func total(hashes []uint64) uint64 {
	sum := uint64(0)
	for _, h := range hashes {
		sum += h
	}
	return sum
}

func hasColumns(b arrow.RecordBatch, names []string) error {
	for _, name := range names {
		if len(b.Schema().FieldIndices(name)) != 1 {
			return fmt.Errorf("the file has no column %s", name)
		}
	}
	return nil
}
