package delta

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// checkpointWriter gathers actions to row groups. Its first error stays.
type checkpointWriter struct {
	pq      *pqarrow.FileWriter
	rows    *array.RecordBuilder
	kinds   map[string]int // column of each kind of action
	waiting int
	actions int64
	err     error
}

// row appends one action: the struct kind gets the members, the others are null.
func (w *checkpointWriter) row(kind string, members ...any) {
	if w.err != nil {
		return
	}
	at := w.kinds[kind]
	for i, b := range w.rows.Fields() {
		if i != at {
			b.AppendNull() // also for its members
			continue
		}
		w.err = appendValue(b, members)
	}
	w.actions++
	if w.waiting++; w.waiting == checkpointActive {
		w.flush()
	}
}

// flush writes the waiting rows as a row group.
func (w *checkpointWriter) flush() {
	if w.err != nil || w.waiting == 0 {
		return
	}
	batch := w.rows.NewRecordBatch()
	defer batch.Release()
	w.waiting = 0
	w.err = w.pq.Write(batch)
}

// appendValue appends a value to a builder of its type; nil is null.
func appendValue(b array.Builder, value any) error {
	switch v := value.(type) {
	case nil:
		b.AppendNull()
		return nil
	case *int64:
		if v == nil {
			b.AppendNull()
			return nil
		}
		return appendValue(b, *v)
	case map[string]string:
		return appendMap(b, v == nil, v, func(s string) any { return s })
	case map[string]*string:
		return appendMap(b, v == nil, v, func(s *string) any {
			if s == nil {
				return nil
			}
			return *s
		})
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(value.(string))
	case *array.Int64Builder:
		b.Append(value.(int64))
	case *array.Int32Builder:
		b.Append(value.(int32))
	case *array.BooleanBuilder:
		b.Append(value.(bool))
	case *array.ListBuilder:
		b.Append(true)
		for _, s := range value.([]string) {
			if err := appendValue(b.ValueBuilder(), s); err != nil {
				return err
			}
		}
	case *array.StructBuilder:
		members := value.([]any)
		if len(members) != b.NumField() {
			return fmt.Errorf("checkpoint row of %d members where the schema has %d", len(members), b.NumField())
		}
		b.Append(true)
		for i, m := range members {
			if err := appendValue(b.FieldBuilder(i), m); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("checkpoint value of an unknown type %T", b)
	}
	return nil
}

func appendMap[V any](b array.Builder, null bool, m map[string]V, value func(V) any) error {
	mb := b.(*array.MapBuilder)
	if null {
		mb.AppendNull()
		return nil
	}
	mb.Append(true)
	for _, k := range sortedKeys(m) {
		if err := appendValue(mb.KeyBuilder(), k); err != nil {
			return err
		}
		if err := appendValue(mb.ItemBuilder(), value(m[k])); err != nil {
			return err
		}
	}
	return nil
}

// arrowSchema maps the columns of a checkpoint to Arrow.
func arrowSchema(c *columns) *arrow.Schema { return arrow.NewSchema(arrowFields(c.Fields), nil) }

func arrowFields(fields []field) []arrow.Field {
	out := make([]arrow.Field, len(fields))
	for i, f := range fields {
		out[i] = arrow.Field{Name: f.Name, Type: arrowType(f.Type), Nullable: true}
	}
	return out
}

func arrowType(t dataType) arrow.DataType {
	switch {
	case t.object != nil:
		return arrow.StructOf(arrowFields(t.object.Fields)...)
	case t.list != nil:
		return arrow.ListOfField(arrow.Field{Name: "element", Type: arrowType(t.list.ElementType), Nullable: true})
	case t.dict != nil:
		return arrow.MapOfFields(arrow.Field{Name: "key", Type: arrowType(t.dict.KeyType)},
			arrow.Field{Name: "value", Type: arrowType(t.dict.ValueType), Nullable: true})
	}
	switch t.primitive {
	case "long":
		return arrow.PrimitiveTypes.Int64
	case "integer":
		return arrow.PrimitiveTypes.Int32
	case "boolean":
		return arrow.FixedWidthTypes.Boolean
	}
	return arrow.BinaryTypes.String
}
