package writer

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// shredder writes batches as row groups, leaf by leaf. It does what
// pqarrow.FileWriter does, but finds levels once per struct and list, not once
// per leaf: an order has 450 leaves, nine tenths of them null all over.
type shredder struct {
	group file.SerialRowGroupWriter
	leaf  leafWriter
}

// write writes a batch as the next row group of a file.
func (w *shredder) write(f *file.Writer, b arrow.RecordBatch) error {
	group, err := f.AppendRowGroupChecked()
	if err != nil {
		return err
	}
	w.group = group
	rows := &slots{n: int(b.NumRows())}
	for i, col := range b.Columns() {
		if err := w.column(b.Schema().Field(i), col, rows, 0); err != nil {
			return fmt.Errorf("column %s: %w", b.ColumnName(i), err)
		}
	}
	return group.Close()
}

// column writes the leaves of a column. The slots that are alive have a value
// or a null in arr; level is the definition level of what is above them.
func (w *shredder) column(f arrow.Field, arr arrow.Array, s *slots, level int16) error {
	nulls := arr.NullN()
	if nulls > 0 && !f.Nullable {
		return fmt.Errorf("%d nulls in %s, which may have none", nulls, f.Name)
	}
	if f.Nullable && nulls == arr.Len() {
		return w.nulls(f.Type, s, level)
	}
	null := level // the level of a null; of what is not null it is one more
	if f.Nullable {
		level++
	}
	switch a := arr.(type) {
	case *array.Struct:
		if nulls > 0 {
			s = s.present(a, null)
		}
		return w.members(a, s, level)
	case *array.Map:
		t := a.DataType().(*arrow.MapType)
		s = s.elements(a, null, level)
		if err := w.column(t.KeyField(), a.Keys(), s, level+1); err != nil {
			return err
		}
		return w.column(t.ItemField(), a.Items(), s, level+1)
	case *array.List:
		elem := a.DataType().(*arrow.ListType).ElemField()
		return w.column(elem, a.ListValues(), s.elements(a, null, level), level+1)
	}
	p, def := w.leaf.find(arr, s, null, level)
	return w.chunk(arr, p, s, def)
}

func (w *shredder) members(a *array.Struct, s *slots, level int16) error {
	for i, f := range a.DataType().(*arrow.StructType).Fields() {
		if err := w.column(f, a.Field(i), s, level); err != nil {
			return err
		}
	}
	return nil
}

// nulls writes the leaves of a type that is null in all slots that are alive.
func (w *shredder) nulls(t arrow.DataType, s *slots, level int16) error {
	nested, ok := t.(arrow.NestedType)
	if !ok {
		return w.chunk(nil, present{}, s, s.definition(level))
	}
	for _, f := range nested.Fields() { // a map has one, the struct of its entries
		if err := w.nulls(f.Type, s, level); err != nil {
			return err
		}
	}
	return nil
}

// chunk writes the next leaf: its values and the levels of its slots.
func (w *shredder) chunk(arr arrow.Array, p present, s *slots, def []int16) error {
	cw, err := w.group.NextColumn()
	if err != nil {
		return err
	}
	var rep []int16
	if cw.Descr().MaxRepetitionLevel() > 0 {
		rep = s.repetition()
	}
	if cw.Descr().MaxDefinitionLevel() == 0 {
		def = nil
	}
	return w.leaf.write(cw, arr, p, def, rep)
}
