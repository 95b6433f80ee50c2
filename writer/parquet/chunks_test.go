package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/writer/parquet"
)

// one builds a batch of an id and one more column.
func one(t *testing.T, name string, typ arrow.DataType, fill func(b array.Builder)) arrow.RecordBatch {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}, {Name: name, Type: typ, Nullable: true}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	fill(b.Field(1))
	for i := range b.Field(1).Len() {
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprint(i))
	}
	out := b.NewRecordBatch()
	t.Cleanup(out.Release)
	return out
}

// pages returns the data pages of the second leaf of the first row group.
func pages(t *testing.T, data []byte) []file.DataPage {
	t.Helper()
	r, err := open(t, data).RowGroup(0).GetColumnPageReader(1)
	require.NoError(t, err)
	var out []file.DataPage
	for r.Next() {
		if p, ok := r.Page().(*file.DataPageV1); ok {
			require.LessOrEqual(t, len(p.Data()), 1<<20+200)
			out = append(out, p)
		}
	}
	require.NoError(t, r.Err())
	return out
}

func TestManyPages(t *testing.T) {
	text := strings.Repeat("some text that is long, ", 100)
	r := rand.New(rand.NewPCG(1, 2))
	for name, c := range map[string]struct {
		name string
		typ  arrow.DataType
		fill func(b array.Builder)
	}{
		"texts": {"text", arrow.BinaryTypes.String, func(b array.Builder) {
			for range 2000 {
				if r.IntN(3) == 0 {
					b.AppendNull()
				} else {
					b.(*array.StringBuilder).Append(text[r.IntN(len(text)):])
				}
			}
		}},
		"lists of texts": {"list", list(arrow.BinaryTypes.String), func(b array.Builder) {
			l := b.(*array.ListBuilder)
			for range 500 {
				if r.IntN(5) == 0 {
					l.AppendNull()
					continue
				}
				l.Append(true)
				for range r.IntN(12) {
					if r.IntN(4) == 0 {
						l.ValueBuilder().AppendNull()
					} else {
						l.ValueBuilder().(*array.StringBuilder).Append(text[r.IntN(len(text)):])
					}
				}
			}
		}},
		"lists of integers, each larger than a page": {"list", list(arrow.PrimitiveTypes.Int64), func(b array.Builder) {
			l := b.(*array.ListBuilder)
			for range 3 {
				l.Append(true)
				for range 100_000 {
					l.ValueBuilder().(*array.Int64Builder).Append(r.Int64())
				}
			}
		}},
		"lists that are null all over": {"list", list(arrow.PrimitiveTypes.Int64), func(b array.Builder) {
			l := b.(*array.ListBuilder)
			for range 200_000 {
				l.Append(true)
				for range r.IntN(12) {
					l.ValueBuilder().AppendNull()
				}
			}
		}},
		"times": {"at", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, func(b array.Builder) {
			for range 150_000 {
				if r.IntN(9) == 0 {
					b.AppendNull()
				} else {
					b.(*array.TimestampBuilder).Append(arrow.Timestamp(r.Int64()))
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := one(t, c.name, c.typ, c.fill)
			data := ours(t, b)
			if name != "lists of integers, each larger than a page" {
				require.Greater(t, len(pages(t, data)), 1)
			}
			requireSame(t, b)
		})
	}
}

func TestDictionaryOfManyValues(t *testing.T) {
	b := one(t, "kind", arrow.BinaryTypes.String, func(b array.Builder) {
		for i := range 90_000 {
			if i%7 == 3 {
				b.AppendNull()
			} else {
				b.(*array.StringBuilder).Append(fmt.Sprint("value ", i%70_000))
			}
		}
	})
	few := one(t, "kind", arrow.BinaryTypes.String, func(b array.Builder) {
		for i := range 1000 {
			b.(*array.StringBuilder).Append(fmt.Sprint("value ", i%3))
		}
	})
	none := one(t, "kind", arrow.BinaryTypes.String, func(b array.Builder) { b.AppendNulls(9) })
	meta := open(t, requireSame(t, few, b, none, few)).MetaData()
	for i, has := range []bool{true, true, false, true} {
		c, err := meta.RowGroup(i).ColumnChunk(1)
		require.NoError(t, err)
		require.Equal(t, has, c.HasDictionaryPage())
		want := compress.Codecs.Zstd
		if !has {
			want = compress.Codecs.Uncompressed
		}
		require.Equal(t, want, c.Compression())
	}
}

func TestBooleansOfEveryNumber(t *testing.T) {
	for n := 1; n < 20; n++ {
		requireSame(t, one(t, "paid", arrow.FixedWidthTypes.Boolean, func(b array.Builder) {
			for i := range n {
				b.(*array.BooleanBuilder).Append(i%3 == 0)
			}
		}))
	}
}

func TestBoundsThatAreTooLongAreLeftOut(t *testing.T) {
	for _, long := range []int{4096, 4097} {
		b := one(t, "text", arrow.BinaryTypes.String, func(b array.Builder) {
			b.(*array.StringBuilder).Append(strings.Repeat("z", long))
			b.(*array.StringBuilder).Append("a")
		})
		stats := open(t, requireSame(t, b)).MetaData().RowGroups[0].Columns[1].MetaData.Statistics
		require.Equal(t, "a", string(stats.MinValue))
		require.Equal(t, long <= 4096, stats.MaxValue != nil)
	}
}

// A writer that goes on after an error writes what a fresh one writes.
func TestWriterAfterAnError(t *testing.T) {
	good := newRandom(1).batch(memory.DefaultAllocator, nested(), 50)
	defer good.Release()
	want := ours(t, good, good)
	l, err := parquet.NewLayout(nested(), columns(t, nested()), []int{0}, "tests")
	require.NoError(t, err)
	w, err := parquet.NewWriter(l)
	require.NoError(t, err)
	for allowed := 0; allowed < len(want); allowed += len(want) / 7 {
		out := &broken{left: allowed}
		err := w.Begin(out)
		for i := 0; i < 2 && err == nil; i++ {
			err = w.Write(good)
		}
		if err == nil {
			err = w.Finish()
		}
		require.ErrorIs(t, err, errBroken)
		require.Equal(t, want, write(t, w, good, good))
	}
}

var errBroken = errors.New("the disk is full")

// broken takes so many bytes.
type broken struct{ left int }

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestWhatCannotBeWritten(t *testing.T) {
	required := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}}, nil)
	b := array.NewRecordBatch(required, []arrow.Array{array.MakeArrayOfNull(memory.DefaultAllocator, arrow.BinaryTypes.String, 2)}, 2)
	require.ErrorContains(t, try(t, b), "nulls in id")
	for _, v := range []decimal128.Num{decimal128.FromI64(1e18), decimal128.FromI64(-1e18), decimal128.FromI64(math.MinInt64), decimal128.New(1, 0), decimal128.New(-1, 0)} {
		b := one(t, "rate", &arrow.Decimal128Type{Precision: 18, Scale: 6}, func(b array.Builder) { b.(*array.Decimal128Builder).Append(v) })
		require.ErrorContains(t, try(t, b), "more than 18 digits", v.ToString(6))
	}
	for _, v := range []int64{1e18 - 1, 1 - 1e18} {
		requireSame(t, one(t, "rate", &arrow.Decimal128Type{Precision: 18, Scale: 6}, func(b array.Builder) { b.(*array.Decimal128Builder).Append(decimal128.FromI64(v)) }))
	}
}

func try(t *testing.T, b arrow.RecordBatch) error {
	t.Helper()
	l, err := parquet.NewLayout(b.Schema(), columns(t, b.Schema()), nil, "tests")
	require.NoError(t, err)
	w, err := parquet.NewWriter(l)
	require.NoError(t, err)
	require.NoError(t, w.Begin(&bytes.Buffer{}))
	return w.Write(b)
}

func TestLayoutsThatAreNotWritten(t *testing.T) {
	field := func(t arrow.DataType) *arrow.Schema { return arrow.NewSchema([]arrow.Field{{Name: "x", Type: t}}, nil) }
	column := func(path string, e parquet.Encoding) []parquet.Column {
		return []parquet.Column{{Path: path, Encoding: e}}
	}
	for name, c := range map[string]struct {
		schema  *arrow.Schema
		columns []parquet.Column
	}{
		"too few columns":     {field(arrow.BinaryTypes.String), nil},
		"another path":        {field(arrow.BinaryTypes.String), column("y", parquet.Plain)},
		"delta of strings":    {field(arrow.BinaryTypes.String), column("x", parquet.Delta)},
		"dictionary of dates": {field(arrow.FixedWidthTypes.Date32), column("x", parquet.Dictionary)},
		"unknown encoding":    {field(arrow.BinaryTypes.String), column("x", 77)},
		"milliseconds":        {field(arrow.FixedWidthTypes.Timestamp_ms), column("x", parquet.Plain)},
		"times of day":        {field(arrow.FixedWidthTypes.Time64us), column("x", parquet.Plain)},
		"short decimals":      {field(&arrow.Decimal128Type{Precision: 9, Scale: 2}), column("x", parquet.Plain)},
		"long decimals":       {field(&arrow.Decimal128Type{Precision: 19, Scale: 2}), column("x", parquet.Plain)},
		"short integers":      {field(arrow.PrimitiveTypes.Int16), column("x", parquet.Plain)},
		"floats":              {field(arrow.PrimitiveTypes.Float64), column("x", parquet.Plain)},
	} {
		_, err := parquet.NewLayout(c.schema, c.columns, nil, "tests")
		require.Error(t, err, name)
	}
	require.Equal(t, arrowparquet.Encodings.RLEDict, arrowparquet.Encoding(parquet.Dictionary))
	require.Equal(t, arrowparquet.Encodings.DeltaBinaryPacked, arrowparquet.Encoding(parquet.Delta))
}
