package parquet

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
)

// Writer writes files of one layout, one after the other, in the same memory.
// It is not safe for concurrent use.
type Writer struct {
	layout *Layout
	group  group
	groups compact // row groups of the file so far, in Thrift
	count  int     // of row groups
	rows   int64
}

// NewWriter returns a writer.
func NewWriter(l *Layout) (*Writer, error) {
	p, err := newPacker()
	if err != nil {
		return nil, err
	}
	return &Writer{layout: l, group: group{layout: l, packer: p}}, nil
}

// Begin starts a file. What was written of another one is forgotten.
func (w *Writer) Begin(out io.Writer) error {
	w.group.out, w.group.offset = out, int64(len(magic))
	w.groups.reset()
	w.count, w.rows = 0, 0
	if _, err := io.WriteString(out, magic); err != nil {
		return fmt.Errorf("begin file: %w", err)
	}
	return nil
}

// Write appends the rows of a batch as one row group. The batch has the schema
// of the layout and at least one row, and it stays the caller's. After an error
// the file is of no use. It may panic if the arrays contradict themselves.
func (w *Writer) Write(b arrow.RecordBatch) error {
	g, start := &w.group, w.group.offset
	g.next, g.raw = 0, 0
	g.columns.reset()
	s := shredder{g}
	if err := s.batch(b); err != nil {
		return err
	}
	g.describe(&w.groups, start, b.NumRows(), w.count)
	w.count++
	w.rows += b.NumRows()
	return nil
}

// Size returns the bytes of the file so far.
func (w *Writer) Size() int64 { return w.group.offset }

// Groups returns the number of row groups of the file so far.
func (w *Writer) Groups() int { return w.count }

// Finish writes the footer. Closing what it was written to is up to the caller.
func (w *Writer) Finish() error {
	t := &w.group.columns
	t.reset()
	w.layout.footer(t, w.groups.buf, w.count, w.rows)
	out := binary.LittleEndian.AppendUint32(t.buf, uint32(len(t.buf)))
	out = append(out, magic...)
	t.buf = out
	w.group.offset += int64(len(out))
	if _, err := w.group.out.Write(out); err != nil {
		return fmt.Errorf("write footer: %w", err)
	}
	return nil
}
