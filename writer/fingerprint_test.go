package writer_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/paylake/paylake/schema"
)

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
func TestCount(t *testing.T) {
	batch := wideRows().batch(memory.DefaultAllocator, wideTable(), 1000)
	n, tot := 0, 0
	var walk func(a arrow.Array)
	walk = func(a arrow.Array) {
		switch a := a.(type) {
		case *array.Struct:
			for i := range a.NumField() {
				walk(a.Field(i))
			}
		case *array.Map:
			walk(a.Keys())
			walk(a.Items())
		case *array.List:
			walk(a.ListValues())
		default:
			n += a.Len() - a.NullN()
			tot++
		}
	}
	for _, c := range batch.Columns() {
		walk(c)
	}
	t.Log(n/1000, tot)
}
