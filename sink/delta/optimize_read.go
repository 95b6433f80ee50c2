package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	pqfile "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/paylake/paylake/schema"
)

// rowReader reads the rows of a local file in batches that fit the table.
type rowReader struct {
	pq      *pqfile.Reader
	rows    pqarrow.RecordReader
	schema  *arrow.Schema
	ignored string // the partition column, which the log holds
	tally   *sums  // of the rows as the file has them, without the ignored column; nil to count none
	key     []string
	pick    *pick // nil for all rows
	at      int64 // rows that were read
}

// openRows opens a local Parquet file. Names limit its top-level columns, nil
// for all. The batches hold at most the given number of rows.
func openRows(ctx context.Context, path string, names []string, batch int64) (_ *rowReader, err error) {
	defer recovered(&err, filepath.Base(path))
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open a data file: %w", err)
	}
	pq, err := pqfile.NewParquetReader(f, pqfile.WithReadProps(parquet.NewReaderProperties(memory.DefaultAllocator)))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), errors.Join(err, f.Close()))
	}
	pq.MetaData().FileMetaData.KeyValueMetadata = nil // as newParquet does
	r := &rowReader{pq: pq}
	columns, err := pqarrow.NewFileReader(pq, pqarrow.ArrowReadProperties{BatchSize: batch}, memory.DefaultAllocator)
	if err == nil {
		var leaves []int
		if names != nil {
			leaves = leavesOf(columns, names)
		}
		r.rows, err = columns.GetRecordReader(ctx, leaves, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), errors.Join(err, pq.Close()))
	}
	return r, nil
}

// next returns the next rows, io.EOF after the last. The caller releases them.
func (r *rowReader) next() (_ arrow.RecordBatch, err error) {
	if r.pick != nil {
		if b := r.pick.rest(); b != nil {
			return b, nil
		}
	}
	defer recovered(&err, "data file")
	b, err := r.rows.Read()
	if err != nil {
		return nil, err
	}
	if r.tally != nil {
		*r.tally = r.tally.plus(sumsOfRows(b, r.key, r.ignored))
	}
	from := r.at
	r.at += b.NumRows()
	fit, err := conform(b, r.schema, r.ignored)
	if err != nil || r.pick == nil {
		return fit, err
	}
	defer fit.Release()
	return r.pick.take(fit, from)
}

// sumsOfRows sums up the rows of a batch without a column.
func sumsOfRows(b arrow.RecordBatch, key []string, without string) sums {
	if at := b.Schema().FieldIndices(without); len(at) > 0 {
		fields, cols := slices.Delete(b.Schema().Fields(), at[0], at[0]+1), slices.Delete(slices.Clone(b.Columns()), at[0], at[0]+1)
		b = array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, b.NumRows())
		defer b.Release()
	}
	return sums{b.NumRows(), total(schema.Fingerprint(b)), total(schema.KeyHashes(b, key))}
}

func (r *rowReader) close() error {
	if r.pick != nil {
		r.pick.drop()
	}
	r.rows.Release()
	return r.pq.Close()
}

// source is a local file whose rows are to be merged.
type source struct {
	path    string
	scratch bool  // made on the way: removed when it was merged
	memory  int64 // bytes of its largest row group when it is read
	rows    int64
	ordered bool
	first   int64 // time of the first and last row in microseconds, where timed
	last    int64
	timed   bool
	pick    *pick // rows that are taken or left out; nil takes all
}

// inspect reads the columns that rows are sorted by.
func (m *merger) inspect(ctx context.Context, path string) (_ source, err error) {
	s := source{path: path, ordered: true}
	r, err := openRows(ctx, path, m.order, batchRows)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	r.schema = m.orderSchema
	if len(m.order) == 0 {
		s.rows = r.pq.NumRows()
		return s, nil
	}
	for i := range r.pq.NumRowGroups() {
		s.memory = max(s.memory, r.pq.MetaData().RowGroup(i).TotalByteSize())
	}
	var last arrow.RecordBatch
	defer func() {
		if last != nil {
			last.Release()
		}
	}()
	for {
		b, err := r.next()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return s, err
		}
		s.note(m, last, b)
		if last != nil {
			last.Release()
		}
		last = b
	}
}

// note takes the next batch of order columns into account.
func (s *source) note(m *merger, last, b arrow.RecordBatch) {
	keys, n := sortKeysOf(b, m.order), int(b.NumRows())
	if last != nil && n > 0 && compareRows(sortKeysOf(last, m.order), int(last.NumRows())-1, keys, 0) > 0 {
		s.ordered = false
	}
	for i := 1; i < n && s.ordered; i++ {
		s.ordered = compareRows(keys, i-1, keys, i) <= 0
	}
	if n > 0 && m.table.Time != "" {
		s.noteTimes(keys[0], n)
	}
	s.rows += b.NumRows()
}

// noteTimes widens the range of time by sorted times. Rows without a time have
// no place in a range.
func (s *source) noteTimes(times arrow.Array, n int) {
	col, ok := times.(*array.Timestamp)
	if !ok || col.NullN() > 0 || s.rows > 0 && !s.timed {
		s.timed = false
		return
	}
	if s.rows == 0 {
		s.first = int64(col.Value(0))
	}
	s.last, s.timed = int64(col.Value(n-1)), true
}

// scan reads rows and sums them up, all or only the first ones: enough to know
// whether the columns fit.
func (m *merger) scan(ctx context.Context, path string, all bool) (out sums, err error) {
	r, err := m.open(ctx, source{path: path})
	if err != nil {
		return sums{}, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	had := sums{}
	r.tally, r.key = &had, m.table.Key
	for {
		b, err := r.next()
		if errors.Is(err, io.EOF) {
			if had != out {
				return sums{}, fmt.Errorf("%w: its rows would change", errForeign)
			}
			return out, nil
		}
		if err != nil {
			return sums{}, err
		}
		out = out.plus(sumsOfRows(b, m.table.Key, ""))
		b.Release()
		if !all {
			return out, nil
		}
	}
}

// open reads a source with all its columns.
func (m *merger) open(ctx context.Context, s source) (*rowReader, error) {
	r, err := openRows(ctx, s.path, nil, m.batch)
	if err != nil {
		return nil, err
	}
	r.schema, r.ignored, r.pick = m.schema, m.spec.Column, s.pick
	return r, nil
}

// fetch copies a file of the store to a local one.
func (t *Table) fetch(ctx context.Context, f *file, path string) (err error) {
	body, err := t.store.Open(ctx, t.key(f.path), 0, -1)
	if err != nil {
		return fmt.Errorf("read a data file of table %s: %w", t.root, err)
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("copy a data file: %w", err)
	}
	n, err := io.Copy(out, body)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("copy %s: %w", t.key(f.path), err)
	}
	if n != f.size {
		return fmt.Errorf("copy %s: it has %d bytes, the log says %d", t.key(f.path), n, f.size)
	}
	return nil
}
