package delta

import (
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// errForeign reports rows that the table's columns cannot hold without loss.
var errForeign = errors.New("it does not fit the table's columns")

// conform returns the rows of b with exactly the columns of want: in its order,
// null where b lacks one, in its types where nothing gets lost. The column named
// ignored may be too many. Everything else is errForeign. The caller releases
// the result, and b as before.
func conform(b arrow.RecordBatch, want *arrow.Schema, ignored string) (arrow.RecordBatch, error) {
	for _, f := range b.Schema().Fields() {
		if f.Name != ignored && len(want.FieldIndices(f.Name)) == 0 {
			return nil, fmt.Errorf("%w: the table has no column %s", errForeign, f.Name)
		}
	}
	cols := make([]arrow.Array, 0, want.NumFields())
	defer func() { releaseAll(cols) }()
	for _, f := range want.Fields() {
		var have arrow.Array
		if at := b.Schema().FieldIndices(f.Name); len(at) > 0 {
			have = b.Column(at[0])
		}
		col, err := conformColumn(f, have, int(b.NumRows()))
		if err != nil {
			return nil, err
		}
		cols = append(cols, col)
	}
	return array.NewRecordBatch(want, cols, b.NumRows()), nil
}

func releaseAll(cols []arrow.Array) {
	for _, c := range cols {
		c.Release()
	}
}

// conformColumn gives n values of field f from have, nil for a column that is
// not there.
func conformColumn(f arrow.Field, have arrow.Array, n int) (arrow.Array, error) {
	if have == nil {
		if !f.Nullable && n > 0 {
			return nil, fmt.Errorf("%w: it has no column %s", errForeign, f.Name)
		}
		return array.MakeArrayOfNull(memory.DefaultAllocator, f.Type, n), nil
	}
	if !f.Nullable && have.NullN() > 0 {
		return nil, fmt.Errorf("%w: column %s has nulls", errForeign, f.Name)
	}
	return conformArray(f.Type, have, f.Name)
}

// conformArray gives the values of have as type want. The result shares what it
// can of have's memory.
func conformArray(want arrow.DataType, have arrow.Array, path string) (arrow.Array, error) {
	if arrow.TypeEqual(want, have.DataType()) {
		have.Retain()
		return have, nil
	}
	switch w := want.(type) {
	case *arrow.StructType:
		if a, ok := have.(*array.Struct); ok {
			return conformStruct(w, a, path)
		}
	case *arrow.MapType: // before List, as which it may be seen
		if a, ok := have.(*array.Map); ok {
			return conformNested(w, w.Elem(), a, a.ListValues(), path)
		}
	case *arrow.ListType:
		if a, ok := have.(*array.List); ok {
			return conformNested(w, w.Elem(), a, a.ListValues(), path)
		}
	case *arrow.TimestampType:
		if a, ok := have.(*array.Timestamp); ok && w.Unit == arrow.Microsecond {
			return conformTime(w, a, path)
		}
	}
	return nil, fmt.Errorf("%w: column %s is %s, want %s", errForeign, path, have.DataType(), want)
}

func conformStruct(want *arrow.StructType, have *array.Struct, path string) (arrow.Array, error) {
	names := have.DataType().(*arrow.StructType)
	for _, f := range names.Fields() {
		if _, ok := want.FieldIdx(f.Name); !ok {
			return nil, fmt.Errorf("%w: the table has no column %s.%s", errForeign, path, f.Name)
		}
	}
	// Members are taken as the file has them, before any offset of the struct.
	children := have.Data().Children()
	n := have.Data().Offset() + have.Len()
	out := make([]arrow.Array, 0, want.NumFields())
	defer func() { releaseAll(out) }()
	for _, f := range want.Fields() {
		child, err := conformMember(f, names, children, n, path)
		if err != nil {
			return nil, err
		}
		out = append(out, child)
	}
	return withChildren(want, have, out), nil
}

func conformMember(f arrow.Field, names *arrow.StructType, children []arrow.ArrayData, n int, path string) (arrow.Array, error) {
	at, ok := names.FieldIdx(f.Name)
	if !ok {
		return conformColumn(arrow.Field{Name: path + "." + f.Name, Type: f.Type, Nullable: true}, nil, n)
	}
	member := array.MakeFromData(children[at])
	defer member.Release()
	return conformArray(f.Type, member, path+"."+f.Name)
}

// conformNested keeps the offsets of a list or map and changes its elements.
func conformNested(want, elem arrow.DataType, have, values arrow.Array, path string) (arrow.Array, error) {
	child, err := conformArray(elem, values, path+".element")
	if err != nil {
		return nil, err
	}
	defer child.Release()
	return withChildren(want, have, []arrow.Array{child}), nil
}

// withChildren is have with another type and other children.
func withChildren(want arrow.DataType, have arrow.Array, children []arrow.Array) arrow.Array {
	d := have.Data()
	below := make([]arrow.ArrayData, len(children))
	for i, c := range children {
		below[i] = c.Data()
	}
	data := array.NewData(want, d.Len(), d.Buffers(), below, d.NullN(), d.Offset())
	defer data.Release()
	return array.MakeFromData(data)
}

// conformTime changes the unit of timestamps to microseconds. A timestamp
// without a zone means UTC, as other engines write it. Nanoseconds that are no
// whole microseconds do not fit.
func conformTime(want *arrow.TimestampType, have *array.Timestamp, path string) (arrow.Array, error) {
	values := slices.Clone(have.TimestampValues())
	for i, v := range values {
		if have.IsNull(i) {
			values[i] = 0
			continue
		}
		switch have.DataType().(*arrow.TimestampType).Unit {
		case arrow.Second:
			values[i] = v * 1_000_000
		case arrow.Millisecond:
			values[i] = v * 1000
		case arrow.Nanosecond:
			if v%1000 != 0 {
				return nil, fmt.Errorf("%w: column %s has nanoseconds", errForeign, path)
			}
			values[i] = v / 1000
		}
	}
	valid := make([]bool, len(values))
	for i := range valid {
		valid[i] = have.IsValid(i)
	}
	b := array.NewTimestampBuilder(memory.DefaultAllocator, want)
	defer b.Release()
	b.AppendValues(values, valid)
	return b.NewArray(), nil
}
