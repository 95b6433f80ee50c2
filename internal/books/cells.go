package books

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// cells are the columns of a batch by their path. A column that is absent or
// of an unexpected type reads as null.
type cells map[string]arrow.Array

// cellsOf finds the columns. They live as long as the batch.
func cellsOf(b arrow.RecordBatch, paths []string) cells {
	c := make(cells, len(paths))
	for _, path := range paths {
		c[path] = columnOf(b, path)
	}
	return c
}

func columnOf(b arrow.RecordBatch, path string) arrow.Array {
	names := strings.Split(path, ".")
	at := b.Schema().FieldIndices(names[0])
	if len(at) != 1 {
		return nil
	}
	arr := b.Column(at[0])
	for _, name := range names[1:] {
		st, ok := arr.(*array.Struct)
		if !ok {
			return nil
		}
		i, ok := st.DataType().(*arrow.StructType).FieldIdx(name)
		if !ok {
			return nil
		}
		arr = st.Field(i)
	}
	return arr
}

// text returns a string that lives as long as the batch, "" for null.
func (c cells) text(path string, i int) string {
	if s, ok := c[path].(array.StringLike); ok && s.IsValid(i) {
		return s.Value(i)
	}
	return ""
}

// integer returns a number; false for null.
func (c cells) integer(path string, i int) (int64, bool) {
	switch a := c[path].(type) {
	case *array.Int64:
		if a.IsValid(i) {
			return a.Value(i), true
		}
	case *array.Int32:
		if a.IsValid(i) {
			return int64(a.Value(i)), true
		}
	}
	return 0, false
}

// cents returns a number, 0 for null.
func (c cells) cents(path string, i int) int64 {
	n, _ := c.integer(path, i)
	return n
}

// instant returns microseconds since 1970, 0 for null. Engines write other
// units than ours.
func (c cells) instant(path string, i int) int64 {
	a, ok := c[path].(*array.Timestamp)
	if !ok || !a.IsValid(i) {
		return 0
	}
	return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit).UnixMicro()
}
