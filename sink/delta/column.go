package delta

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// column reads values of an Arrow array whose exact type is up to the engine
// that wrote the file. A column that is absent or of an unexpected type reads
// as null.
type column struct{ arr arrow.Array }

// has reports whether row i is not null.
func (c column) has(i int) bool { return c.arr != nil && c.arr.IsValid(i) }

// child returns the member of a struct.
func (c column) child(name string) column {
	st, ok := c.arr.(*array.Struct)
	if !ok {
		return column{}
	}
	i, ok := st.DataType().(*arrow.StructType).FieldIdx(name)
	if !ok {
		return column{}
	}
	return column{st.Field(i)}
}

// text returns a copy of a string, "" for null.
func (c column) text(i int) string { return strings.Clone(c.view(i)) }

// view returns a string that lives as long as the batch, "" for null.
func (c column) view(i int) string {
	if s, ok := c.arr.(array.StringLike); ok && c.has(i) {
		return s.Value(i)
	}
	return ""
}

// optional returns an integer of any width, nil for null.
func (c column) optional(i int) *int64 {
	if !c.has(i) {
		return nil
	}
	var v int64
	switch a := c.arr.(type) {
	case *array.Int64:
		v = a.Value(i)
	case *array.Int32:
		v = int64(a.Value(i))
	case *array.Int16:
		v = int64(a.Value(i))
	case *array.Int8:
		v = int64(a.Value(i))
	default:
		return nil
	}
	return &v
}

// number returns an integer of any width, or def for null.
func (c column) number(i int, def int64) int64 {
	if v := c.optional(i); v != nil {
		return *v
	}
	return def
}

func (c column) flag(i int) bool {
	b, ok := c.arr.(*array.Boolean)
	return ok && c.has(i) && b.Value(i)
}

// eachEntry yields the entries of a map of strings. They live as long as the
// batch.
func (c column) eachEntry(i int, each func(key, value string, null bool)) {
	m, ok := c.arr.(*array.Map)
	if !ok || !c.has(i) {
		return
	}
	from, to := m.ValueOffsets(i)
	keys, items := column{m.Keys()}, column{m.Items()}
	for j := int(from); j < int(to); j++ {
		each(keys.view(j), items.view(j), !items.has(j))
	}
}

// textMap returns a map of strings, nil for null.
func (c column) textMap(i int) map[string]*string {
	m, ok := c.arr.(*array.Map)
	if !ok || !c.has(i) {
		return nil
	}
	from, to := m.ValueOffsets(i)
	keys, items := column{m.Keys()}, column{m.Items()}
	out := make(map[string]*string, to-from)
	for j := int(from); j < int(to); j++ {
		var v *string
		if items.has(j) {
			s := items.text(j)
			v = &s
		}
		out[keys.text(j)] = v
	}
	return out
}

// textList returns a list of strings, nil for null.
func (c column) textList(i int) []string {
	l, ok := c.arr.(array.ListLike)
	if !ok || !c.has(i) {
		return nil
	}
	from, to := l.ValueOffsets(i)
	items := column{l.ListValues()}
	out := make([]string, 0, to-from)
	for j := int(from); j < int(to); j++ {
		out = append(out, items.text(j))
	}
	return out
}
