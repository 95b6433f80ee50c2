package verify

import (
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/paylake/paylake/schema"
)

// columnDeletedAt marks rows that the source no longer lists and that were kept.
const columnDeletedAt = schema.ColumnDeletedAt

// columnOf gives a top-level column of a batch, nil if it has none.
func columnOf(b arrow.RecordBatch, name string) arrow.Array {
	if name == "" {
		return nil
	}
	at := b.Schema().FieldIndices(name)
	if len(at) != 1 {
		return nil
	}
	return b.Column(at[0])
}

// microsOf gives a timestamp in microseconds, whatever unit an engine wrote.
func microsOf(a arrow.Array, i int) (int64, bool) {
	t, ok := a.(*array.Timestamp)
	if !ok || t.IsNull(i) {
		return 0, false
	}
	v := int64(t.Value(i))
	switch t.DataType().(*arrow.TimestampType).Unit {
	case arrow.Second:
		return v * 1_000_000, true
	case arrow.Millisecond:
		return v * 1000, true
	case arrow.Nanosecond:
		return time.Unix(0, v).UnixMicro(), true
	}
	return v, true
}

// keyText spells the key of a row: its columns with "/" between them.
func keyText(b arrow.RecordBatch, key []string, i int) string {
	parts := make([]string, len(key))
	for k, name := range key {
		col := columnOf(b, name)
		if col == nil || col.IsNull(i) {
			continue
		}
		switch c := col.(type) {
		case *array.String:
			parts[k] = strings.Clone(c.Value(i))
		case *array.Int64:
			parts[k] = strconv.FormatInt(c.Value(i), 10)
		case *array.Timestamp:
			us, _ := microsOf(c, i)
			parts[k] = time.UnixMicro(us).UTC().Format(time.RFC3339Nano)
		default:
			parts[k] = c.ValueStr(i)
		}
	}
	return strings.Join(parts, "/")
}

// deletedIn tells which rows of a batch are marked as deleted; nil for none.
func deletedIn(b arrow.RecordBatch) func(i int) bool {
	col := columnOf(b, columnDeletedAt)
	if col == nil || col.NullN() == col.Len() {
		return func(int) bool { return false }
	}
	return col.IsValid
}

// copyRow copies one row, so that it lives longer than its batch. The caller
// releases it.
func copyRow(b arrow.RecordBatch, i int) (arrow.RecordBatch, error) {
	cols := make([]arrow.Array, 0, b.NumCols())
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	for _, c := range b.Columns() {
		one := array.NewSlice(c, int64(i), int64(i+1))
		own, err := array.Concatenate([]arrow.Array{one}, memory.DefaultAllocator)
		one.Release()
		if err != nil {
			return nil, err
		}
		cols = append(cols, own)
	}
	return array.NewRecordBatch(b.Schema(), cols, 1), nil
}

// differingFields names the columns in which two rows differ, members of structs
// by their path. When a row was extracted is no difference.
func differingFields(a arrow.RecordBatch, i int, b arrow.RecordBatch, j int) []string {
	var out []string
	for at, f := range a.Schema().Fields() {
		if f.Name != schema.ColumnExtractedAt && f.Name != columnDeletedAt {
			out = appendDiffering(out, f.Name, a.Column(at), i, columnOf(b, f.Name), j)
		}
	}
	for at, f := range b.Schema().Fields() {
		if columnOf(a, f.Name) == nil && f.Name != schema.ColumnExtractedAt && f.Name != columnDeletedAt {
			out = appendDiffering(out, f.Name, nil, 0, b.Column(at), j)
		}
	}
	return out
}

func appendDiffering(out []string, path string, a arrow.Array, i int, b arrow.Array, j int) []string {
	aNull, bNull := a == nil || a.IsNull(i), b == nil || b.IsNull(j)
	if aNull || bNull {
		if aNull != bNull {
			out = append(out, path)
		}
		return out
	}
	x, ok1 := a.(*array.Struct)
	y, ok2 := b.(*array.Struct)
	if ok1 && ok2 {
		names := y.DataType().(*arrow.StructType)
		for at, f := range x.DataType().(*arrow.StructType).Fields() {
			var other arrow.Array
			if k, ok := names.FieldIdx(f.Name); ok {
				other = y.Field(k)
			}
			out = appendDiffering(out, path+"."+f.Name, x.Field(at), i, other, j)
		}
		return out
	}
	if fingerprint(a, i) != fingerprint(b, j) {
		out = append(out, path)
	}
	return out
}

// fingerprint is that of a value by itself.
func fingerprint(a arrow.Array, i int) uint64 {
	one := array.NewSlice(a, int64(i), int64(i+1))
	defer one.Release()
	b := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "v", Type: one.DataType(), Nullable: true}}, nil), []arrow.Array{one}, 1)
	defer b.Release()
	return schema.Fingerprint(b)[0]
}
