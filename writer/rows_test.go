package writer_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/paylake/paylake/schema"
)

// allTypes is a table with every type at every nesting.
func allTypes() *schema.Table {
	scalars := func() []schema.Field {
		return []schema.Field{
			schema.Text("text", ""), schema.Enumeration("kind", ""), schema.Integer("amount", ""), schema.Number("rate", ""),
			schema.Flag("paid", ""), schema.Instant("paid_at", ""), schema.Day("due", ""), schema.Attributes("metadata", ""), schema.Raw("raw", ""),
		}
	}
	inner := append(scalars(), schema.ListOf("words", "", schema.Text("", "")), schema.Object("card", "", scalars()...))
	created := schema.Instant("created_at", "")
	return &schema.Table{
		Name: "everything", Key: []string{"id"}, Time: "created_at", Version: 1,
		Fields: append([]schema.Field{schema.ID("id", ""), created},
			append(scalars(),
				schema.Object("customer", "", append(scalars(), schema.Object("home", "", scalars()...))...),
				schema.ListOf("items", "", schema.Object("", "", inner...)),
				schema.ListOf("grid", "", schema.ListOf("", "", schema.Integer("", ""))),
				schema.ListOf("maps", "", schema.Attributes("", "")))...),
	}
}

// rows builds random batches.
type rows struct {
	*rand.Rand
	fill  func(f arrow.Field, depth int) float64 // chance that a nullable field is set
	elems func() int                             // length of a list
	long  int                                    // greatest length of a text, less 8; 0 = 16
	micro int64                                  // time of the last row
	id    int
}

func newRows(seed uint64) *rows {
	r := &rows{Rand: rand.New(rand.NewPCG(seed, 1)), micro: 1_700_000_000_000_000}
	r.fill = func(arrow.Field, int) float64 { return 0.7 }
	r.elems = func() int { return r.IntN(4) }
	return r
}

func (r *rows) batch(mem memory.Allocator, t *schema.Table, n int) arrow.RecordBatch {
	b := array.NewRecordBuilder(mem, t.ArrowSchema())
	defer b.Release()
	b.Reserve(n)
	for range n {
		r.id++
		r.micro += r.Int64N(2_000_000)
		for i, f := range b.Schema().Fields() {
			switch {
			case f.Name == "id":
				b.Field(i).(*array.StringBuilder).Append(fmt.Sprintf("or_%016x", r.id*7919))
			case f.Name == "created_at":
				b.Field(i).(*array.TimestampBuilder).Append(arrow.Timestamp(r.micro))
			case f.Name == schema.ColumnExtractedAt:
				b.Field(i).(*array.TimestampBuilder).Append(1_800_000_000_000_000)
			case f.Name == schema.ColumnConnection:
				b.Field(i).(*array.StringBuilder).Append("loja")
			default:
				r.value(b.Field(i), f, 0)
			}
		}
	}
	return b.NewRecordBatch()
}

func (r *rows) value(b array.Builder, f arrow.Field, depth int) {
	if f.Nullable && r.Float64() >= r.fill(f, depth) {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(r.text(f.Name))
	case *array.Int64Builder:
		b.Append(r.Int64N(500_000))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(r.Int64N(2_000_000_000) - 1_000_000_000))
	case *array.BooleanBuilder:
		b.Append(r.IntN(3) > 0)
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(r.micro + r.Int64N(86_400_000_000)))
	case *array.Date32Builder:
		b.Append(arrow.Date32(19_000 + r.IntN(1000)))
	case *array.StructBuilder:
		b.Append(true)
		for i, m := range f.Type.(*arrow.StructType).Fields() {
			r.value(b.FieldBuilder(i), m, depth+1)
		}
	case *array.MapBuilder:
		b.Append(true)
		for i := range r.elems() {
			b.KeyBuilder().(*array.StringBuilder).Append(fmt.Sprintf("key%d", i))
			r.value(b.ItemBuilder(), f.Type.(*arrow.MapType).ItemField(), depth+1)
		}
	case *array.ListBuilder:
		b.Append(true)
		for range r.elems() {
			r.value(b.ValueBuilder(), f.Type.(*arrow.ListType).ElemField(), depth+1)
		}
	default:
		panic(fmt.Sprintf("no rows of %T", b))
	}
}

func (r *rows) text(name string) string {
	if name == "kind" || name == "status" || name == "currency" {
		return []string{"paid", "pending", "failed", "canceled"}[r.IntN(4)]
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	long := r.long
	if long == 0 {
		long = 16
	}
	out := make([]byte, 8+r.IntN(long))
	for i := range out {
		out[i] = letters[r.IntN(len(letters))]
	}
	return string(out)
}
