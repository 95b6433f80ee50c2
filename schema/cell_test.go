package schema

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// cell returns what a batch holds at a place, in the reference's types.
func cell(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.String:
		return a.Value(i)
	case *array.Int64:
		return a.Value(i)
	case *array.Boolean:
		return a.Value(i)
	case *array.Timestamp:
		return int64(a.Value(i))
	case *array.Date32:
		return int64(a.Value(i))
	case *array.Decimal128:
		return a.Value(i).BigInt().Int64()
	case *array.Struct:
		out := map[string]any{}
		for k, f := range a.DataType().(*arrow.StructType).Fields() {
			out[f.Name] = cell(a.Field(k), i)
		}
		return out
	case *array.Map:
		out := []pair{}
		for from, to := a.ValueOffsets(i); from < to; from++ {
			out = append(out, pair{cell(a.Keys(), int(from)).(string), cell(a.Items(), int(from))})
		}
		return out
	case *array.List:
		out := []any{}
		for from, to := a.ValueOffsets(i); from < to; from++ {
			out = append(out, cell(a.ListValues(), int(from)))
		}
		return out
	}
	panic("unexpected array " + a.DataType().String())
}
