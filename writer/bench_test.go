package writer_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer"
)

// wideTable has the shape of an order: 450 leaves, most of them below a list of
// charges, of which few are ever set.
func wideTable() *schema.Table {
	members := func(prefix string, n int) []schema.Field {
		var out []schema.Field
		for i := range n {
			name := fmt.Sprintf("%s_%02d", prefix, i)
			switch i % 10 {
			case 0:
				out = append(out, schema.Integer(name, ""))
			case 1:
				out = append(out, schema.Instant(name, ""))
			case 2:
				out = append(out, schema.Enumeration(name, ""))
			case 3:
				out = append(out, schema.Flag(name, ""))
			default:
				out = append(out, schema.Text(name, ""))
			}
		}
		return out
	}
	address := schema.Object("address", "", members("address", 14)...)
	customer := schema.Object("customer", "", append(members("customer", 16), address, schema.Attributes("metadata", ""))...)
	transaction := schema.Object("last_transaction", "", append(members("transaction", 90),
		schema.Object("card", "", append(members("card", 20), address)...),
		schema.Object("gateway", "", members("gateway", 20)...), schema.Attributes("metadata", ""))...)
	fields := []schema.Field{schema.ID("id", ""), schema.Instant("created_at", ""), schema.Instant("updated_at", ""),
		schema.Enumeration("status", ""), schema.Enumeration("currency", ""), schema.Integer("amount", "")}
	fields = append(fields, members("order", 20)...)
	fields = append(fields, customer, schema.Object("shipping", "", append(members("shipping", 10), address)...),
		schema.Object("invoice", "", members("invoice", 30)...), schema.Attributes("metadata", ""),
		schema.ListOf("items", "", schema.Object("", "", members("item", 14)...)),
		schema.ListOf("checkouts", "", schema.Object("", "", members("checkout", 50)...)),
		schema.ListOf("charges", "", schema.Object("", "", append(members("charge", 20), customer, transaction,
			schema.ListOf("splits", "", schema.Object("", "", members("split", 14)...)))...)))
	return &schema.Table{Name: "orders", Key: []string{"id"}, Time: "created_at", Version: 1, Fields: fields}
}

func wideRows() *rows {
	r := newRows(1)
	r.elems = func() int { return 1 }
	r.fill = func(f arrow.Field, depth int) float64 {
		switch f.Name {
		case "element", "charges", "items", "customer", "last_transaction", "status", "currency", "amount", "updated_at":
			return 1
		case "checkouts", "invoice", "splits":
			return 0
		case "_extra":
			return 0
		}
		h := fnv.New32()
		h.Write([]byte(f.Name))
		return []float64{0.98, 0.97, 0.3, 0.02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}[h.Sum32()%15]
	}
	return r
}

// BenchmarkWriteOrders writes row groups of 1,000 and of 10,000 wide rows; one
// operation is one row group.
func BenchmarkWriteOrders(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) { benchmarkWrite(b, n) })
	}
}

func benchmarkWrite(b *testing.B, n int) {
	t := wideTable()
	batch := wideRows().batch(memory.DefaultAllocator, t, n)
	defer batch.Release()
	spec := partitioning.Spec{Column: "created_date", Source: "created_at"}
	w, err := writer.New(t, spec, b.TempDir(), &writer.Options{RowGroupBytes: 32 << 20})
	require.NoError(b, err)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, w.Write(ctx, partitioning.Part{Value: "2023-11-14", Rows: batch}))
	}
	files, err := w.Finish(ctx)
	require.NoError(b, err)
	rows, size := int64(0), int64(0)
	for _, f := range files {
		rows, size = rows+f.Rows, size+f.Bytes
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(rows), "µs/row")
	b.ReportMetric(float64(size)/float64(rows), "B/row")
	b.ReportMetric(float64(len(t.Leaves())), "leaves")
}

// BenchmarkFingerprint hashes 10,000 wide rows; one operation is one row group.
func BenchmarkFingerprint(b *testing.B) {
	batch := wideRows().batch(memory.DefaultAllocator, wideTable(), 10_000)
	defer batch.Release()
	b.ReportAllocs()
	for b.Loop() {
		schema.Fingerprint(batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/row")
}
