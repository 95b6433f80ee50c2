package delta

import (
	"cmp"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// sortKeys are the columns of a batch that its rows are sorted by, good as long
// as the batch is.
type sortKeys []arrow.Array

func sortKeysOf(b arrow.RecordBatch, names []string) sortKeys {
	out := make(sortKeys, len(names))
	for i, name := range names {
		out[i] = b.Column(b.Schema().FieldIndices(name)[0])
	}
	return out
}

// compareRows orders row i of a and row j of b; null comes first.
func compareRows(a sortKeys, i int, b sortKeys, j int) int {
	for c := range a {
		x, y := a[c], b[c]
		var order int
		switch {
		case x.IsNull(i) || y.IsNull(j):
			order = cmp.Compare(rank(x, i), rank(y, j))
		default:
			order = compareValues(x, i, y, j)
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

func rank(a arrow.Array, i int) int {
	if a.IsNull(i) {
		return 0
	}
	return 1
}

// compareValues orders two values of one column.
func compareValues(a arrow.Array, i int, b arrow.Array, j int) int {
	switch x := a.(type) {
	case *array.Timestamp:
		if y, ok := b.(*array.Timestamp); ok {
			return cmp.Compare(x.Value(i), y.Value(j))
		}
	case *array.Int64:
		if y, ok := b.(*array.Int64); ok {
			return cmp.Compare(x.Value(i), y.Value(j))
		}
	case *array.String:
		if y, ok := b.(*array.String); ok {
			return cmp.Compare(x.Value(i), y.Value(j)) // by bytes
		}
	}
	return cmp.Compare(a.ValueStr(i), b.ValueStr(j)) // any order will do, if it is always the same
}
