package writer

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// hold keeps a small batch until there is enough for a row group.
func (w *Writer) hold(b arrow.RecordBatch, size int64) {
	b.Retain()
	w.pending = append(w.pending, b)
	w.held += size
}

// flush writes the batches that wait as one row group.
func (w *Writer) flush() error {
	if len(w.pending) == 0 {
		return nil
	}
	defer w.release()
	if len(w.pending) == 1 {
		return w.writeGroup(w.pending[0])
	}
	whole, err := concatenate(w.pending)
	if err != nil {
		return err
	}
	defer whole.Release()
	return w.writeGroup(whole)
}

// writeWithHeld writes a batch, after what waits and in the same row group.
func (w *Writer) writeWithHeld(ctx context.Context, b arrow.RecordBatch, size int64) error {
	if len(w.pending) == 0 {
		return w.cut(ctx, b)
	}
	w.hold(b, size)
	return w.flush()
}

// cut writes a batch that came alone as row groups that are small enough.
// Columns that are null all over count nothing: they share one buffer until
// somebody concatenates them.
func (w *Writer) cut(ctx context.Context, b arrow.RecordBatch) error {
	size := batchBytes(b, filled)
	if err := ctx.Err(); err != nil {
		return err
	}
	rows := b.NumRows()
	if size <= w.opts.RowGroupBytes || rows == 1 {
		return w.writeGroup(b)
	}
	pieces := min((size+w.opts.RowGroupBytes-1)/w.opts.RowGroupBytes, rows)
	for i := range pieces {
		piece := b.NewSlice(i*rows/pieces, (i+1)*rows/pieces)
		err := w.cut(ctx, piece)
		piece.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// writeGroup writes a batch as one row group of the open file.
func (w *Writer) writeGroup(b arrow.RecordBatch) error {
	if w.file == nil {
		f, err := w.create()
		if err != nil {
			return err
		}
		w.file = f
	}
	if err := w.file.write(b); err != nil {
		return err
	}
	if w.pq.Size() >= w.opts.TargetBytes || w.pq.Groups() >= w.opts.MaxRowGroups {
		return w.closeFile()
	}
	return nil
}

func (w *Writer) release() {
	for _, b := range w.pending {
		b.Release()
	}
	w.pending, w.held = nil, 0
}

// concatenate copies batches of one schema into one. The caller releases it.
func concatenate(batches []arrow.RecordBatch) (arrow.RecordBatch, error) {
	first := batches[0]
	cols := make([]arrow.Array, first.NumCols())
	defer func() {
		for _, c := range cols {
			if c != nil {
				c.Release()
			}
		}
	}()
	rows := int64(0)
	for _, b := range batches {
		rows += b.NumRows()
	}
	parts := make([]arrow.Array, len(batches))
	for i := range cols {
		for j, b := range batches {
			parts[j] = b.Column(i)
		}
		col, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			return nil, fmt.Errorf("gather column %s: %w", first.ColumnName(i), err)
		}
		cols[i] = col
	}
	return array.NewRecordBatch(first.Schema(), cols, rows), nil
}

// measure says which columns count.
type measure bool

const (
	all    measure = false // every column
	filled measure = true  // columns with a value
)

// batchBytes returns the bytes of Arrow that the rows of a batch take; of a
// slice only what it shows.
func batchBytes(b arrow.RecordBatch, m measure) int64 {
	total := int64(0)
	for _, c := range b.Columns() {
		total += dataBytes(c.Data(), c.Data().Offset(), c.Len(), m)
	}
	return total
}

// dataBytes returns the bytes of n values from off on.
func dataBytes(d arrow.ArrayData, off, n int, m measure) int64 {
	if n == 0 || m == filled && d.NullN() == d.Len() {
		return 0
	}
	total := int64(0)
	if bits := d.Buffers()[0]; bits != nil && bits.Len() > 0 {
		total += int64(n+7) / 8
	}
	switch t := d.DataType().(type) {
	case *arrow.StructType:
		for _, c := range d.Children() {
			total += dataBytes(c, c.Offset()+off, n, m)
		}
	case *arrow.ListType, *arrow.MapType:
		from, to := offsetRange(d, off, n)
		child := d.Children()[0]
		total += 4*int64(n) + dataBytes(child, child.Offset()+from, to-from, m)
	case *arrow.StringType:
		from, to := offsetRange(d, off, n)
		total += 4*int64(n) + int64(to-from)
	case arrow.FixedWidthDataType:
		total += (int64(n)*int64(t.BitWidth()) + 7) / 8
	}
	return total
}

// offsetRange returns what the n offsets from off on span.
func offsetRange(d arrow.ArrayData, off, n int) (from, to int) {
	buf := d.Buffers()[1]
	if buf == nil || buf.Len() == 0 {
		return 0, 0
	}
	offsets := arrow.Int32Traits.CastFromBytes(buf.Bytes())
	return int(offsets[off]), int(offsets[off+n])
}
