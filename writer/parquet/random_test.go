package parquet_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
)

func scalars() []arrow.Field {
	return []arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "kind", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "rate", Type: &arrow.Decimal128Type{Precision: 18, Scale: 6}, Nullable: true},
		{Name: "due", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
		{Name: "paid", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	}
}

func list(t arrow.DataType) arrow.DataType {
	return arrow.ListOfField(arrow.Field{Name: "element", Type: t, Nullable: true})
}

func dict() arrow.DataType {
	return arrow.MapOfFields(arrow.Field{Name: "key", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "value", Type: arrow.BinaryTypes.String, Nullable: true})
}

// nested has every type at every nesting that tables have, and a column of
// which nothing is null in each struct.
func nested() *arrow.Schema {
	optional := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	home := arrow.StructOf(append(scalars(), optional("tags", list(arrow.BinaryTypes.String)))...)
	person := arrow.StructOf(append(scalars(), optional("home", home), optional("meta", dict()), arrow.Field{Name: "code", Type: arrow.BinaryTypes.String})...)
	fields := append([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}}, scalars()...)
	return arrow.NewSchema(append(fields, optional("person", person), optional("people", list(person)),
		optional("grid", list(list(arrow.PrimitiveTypes.Int64))), optional("maps", list(dict())), optional("meta", dict())), nil)
}

// random builds random batches.
type random struct {
	*rand.Rand
	fill  float64 // chance that something nullable is set
	elems int     // greatest length of a list
	long  int     // greatest length of a text
}

func newRandom(seed uint64) *random {
	return &random{Rand: rand.New(rand.NewPCG(seed, 7)), fill: 0.6, elems: 3, long: 12}
}

func (r *random) batch(mem memory.Allocator, s *arrow.Schema, n int) arrow.RecordBatch {
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	for range n {
		for i, f := range s.Fields() {
			r.value(b.Field(i), f)
		}
	}
	return b.NewRecordBatch()
}

func (r *random) value(b array.Builder, f arrow.Field) {
	if f.Nullable && r.Float64() >= r.fill {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		if f.Name == "kind" {
			b.Append([]string{"paid", "", "refused", "pending"}[r.IntN(4)])
		} else {
			b.Append(strings.Repeat("é", r.IntN(2)) + strings.Repeat(string(rune('a'+r.IntN(26))), r.IntN(r.long+1)))
		}
	case *array.Int64Builder:
		b.Append(r.integer())
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(r.integer()))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(r.Int64N(2e18) - 1e18 + 1))
	case *array.Date32Builder:
		b.Append(arrow.Date32(r.Int32() - math.MaxInt32/2))
	case *array.BooleanBuilder:
		b.Append(r.IntN(2) == 0)
	case *array.StructBuilder:
		b.Append(true)
		for i, m := range f.Type.(*arrow.StructType).Fields() {
			r.value(b.FieldBuilder(i), m)
		}
	case *array.MapBuilder:
		b.Append(true)
		for i := range r.IntN(r.elems + 1) {
			b.KeyBuilder().(*array.StringBuilder).Append(fmt.Sprint("key", i))
			r.value(b.ItemBuilder(), f.Type.(*arrow.MapType).ItemField())
		}
	case *array.ListBuilder:
		b.Append(true)
		for range r.IntN(r.elems + 1) {
			r.value(b.ValueBuilder(), f.Type.(*arrow.ListType).ElemField())
		}
	}
}

// integer returns small and huge ones, of both signs.
func (r *random) integer() int64 { return int64(r.Uint64()) >> r.IntN(64) }

func TestRandomRowsAsArrowWritesThem(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			r := newRandom(seed)
			r.fill = []float64{0, 0.02, 0.3, 0.9, 1}[seed%5]
			r.elems = int(seed) / 5
			var batches []arrow.RecordBatch
			for range 1 + r.IntN(3) {
				b := r.batch(mem, nested(), 1+r.IntN(300))
				defer b.Release()
				batches = append(batches, b)
			}
			data := requireSame(t, batches...)
			require.Equal(t, data, ours(t, batches...), "equal rows, equal bytes")
		})
	}
}

// Slices begin in the middle of buffers, bitmaps and lists.
func TestSlicesAsArrowWritesThem(t *testing.T) {
	b := newRandom(3).batch(memory.DefaultAllocator, nested(), 300)
	defer b.Release()
	for _, at := range [][2]int64{{0, 1}, {1, 9}, {7, 300}, {63, 65}, {299, 300}} {
		part := b.NewSlice(at[0], at[1])
		requireSame(t, part)
		part.Release()
	}
}

func TestRowGroupsOfOneRow(t *testing.T) {
	r := newRandom(4)
	var batches []arrow.RecordBatch
	for i := range 20 {
		r.fill = float64(i) / 20
		b := r.batch(memory.DefaultAllocator, nested(), 1)
		defer b.Release()
		batches = append(batches, b)
	}
	requireSame(t, batches...)
}
