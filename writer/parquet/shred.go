package parquet

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// shredder cuts batches into leaves. It does what pqarrow.FileWriter does, but
// finds levels once per struct and list, not once per leaf.
type shredder struct {
	*group
}

// batch writes all leaves of a batch.
func (w *shredder) batch(b arrow.RecordBatch) error {
	rows := &slots{n: int(b.NumRows())}
	for i, col := range b.Columns() {
		if err := w.column(b.Schema().Field(i), col, rows, 0); err != nil {
			return fmt.Errorf("column %s: %w", b.ColumnName(i), err)
		}
	}
	return nil
}

// column writes the leaves of a column. The slots that are alive have a value
// or a null in arr; level is the definition level of what is above them.
func (w *shredder) column(f arrow.Field, arr arrow.Array, s *slots, level uint8) error {
	nulls := arr.NullN()
	if nulls > 0 && !f.Nullable && s.anyNull(arr) {
		return fmt.Errorf("nulls in %s, which may have none", f.Name)
	}
	if f.Nullable && nulls == arr.Len() {
		return w.allNull(f.Type, s, level)
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
	return w.leaf(arr, s, null, level)
}

func (w *shredder) members(a *array.Struct, s *slots, level uint8) error {
	for i, f := range a.DataType().(*arrow.StructType).Fields() {
		if err := w.column(f, a.Field(i), s, level); err != nil {
			return err
		}
	}
	return nil
}

// allNull writes the leaves of a type that is null in all slots that are alive.
func (w *shredder) allNull(t arrow.DataType, s *slots, level uint8) error {
	nested, ok := t.(arrow.NestedType)
	if !ok {
		return w.nulls(s, level)
	}
	for _, f := range nested.Fields() { // a map has one, the struct of its entries
		if err := w.allNull(f.Type, s, level); err != nil {
			return err
		}
	}
	return nil
}
