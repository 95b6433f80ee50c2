package delta

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"
)

// foreignFile puts a file of another engine and commits it as an append of that
// engine. columns are those of the file, in its order.
func (l *lake) foreignFile(name string, day int, rows []row, columns []arrow.Field) {
	l.t.Helper()
	ctx := context.Background()
	sc := arrow.NewSchema(columns, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, sc)
	defer b.Release()
	for _, r := range rows {
		for i, f := range columns {
			appendForeign(b.Field(i), f.Name, r)
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	var body bytes.Buffer
	w, err := pqarrow.NewFileWriter(sc, &body, nil, pqarrow.DefaultWriterProps())
	require.NoError(l.t, err)
	require.NoError(l.t, w.Write(batch))
	require.NoError(l.t, w.Close())
	path := daily().Dir(dayValue(day)) + "/" + name
	require.NoError(l.t, l.st.Put(ctx, l.key(path), bytes.NewReader(body.Bytes())))
	value := string(dayValue(day))
	actions := []action{
		{CommitInfo: []byte(`{"operation":"WRITE","engineInfo":"Apache-Spark/4.1.1"}`)},
		{Add: &add{Path: path, PartitionValues: map[string]*string{"created_date": &value}, Size: int64(body.Len()),
			ModificationTime: 1, DataChange: true, Stats: fmt.Sprintf(`{"numRecords":%d}`, len(rows))}},
	}
	raw, err := encodeActions(actions)
	require.NoError(l.t, err)
	require.NoError(l.t, l.st.Create(ctx, l.key(commitName(l.load().Version()+1)), raw))
}

func appendForeign(b array.Builder, name string, r row) {
	at := firstDay().AddDate(0, 0, r.day).Add(time.Duration(r.minute) * time.Minute)
	switch b := b.(type) {
	case *array.TimestampBuilder:
		v, scale := at.UnixMicro(), int64(1)
		if b.Type().(*arrow.TimestampType).Unit == arrow.Nanosecond {
			scale = 1000
		}
		b.Append(arrow.Timestamp(v*scale + int64(len(r.status)/100))) // a long status stands for odd nanoseconds
	case *array.Int64Builder:
		b.Append(r.amount)
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			if b.Type().(*arrow.StructType).Field(i).Name == "name" {
				b.FieldBuilder(i).(*array.StringBuilder).Append(r.buyer)
				continue
			}
			b.FieldBuilder(i).AppendNull()
		}
	case *array.StringBuilder:
		values := map[string]string{"id": r.id, "status": r.status, "_connection": "shop"}
		if v, ok := values[name]; ok {
			b.Append(v)
			return
		}
		b.Append("x")
	default:
		b.AppendNull()
	}
}

func nullable(name string, t arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: t, Nullable: true}
}

// sparkColumns are those of a file by Spark: nanoseconds without a zone, columns
// and members missing, and in another order.
func sparkColumns() []arrow.Field {
	text := arrow.BinaryTypes.String
	return []arrow.Field{
		nullable("status", text), nullable("created_at", &arrow.TimestampType{Unit: arrow.Nanosecond}), nullable("id", text),
		nullable("_extracted_at", &arrow.TimestampType{Unit: arrow.Nanosecond}), nullable("amount", arrow.PrimitiveTypes.Int64),
		nullable("buyer", arrow.StructOf(nullable("name", text))),
		nullable("metadata", arrow.MapOf(text, text)), nullable("_connection", text),
	}
}

func TestOptimizeTakesFilesOfOtherEngines(t *testing.T) {
	l := newMemLake(t)
	all := rowsOf(0, 9000)
	l.pieces(some(all, 0, 3))
	shuffled := some(all, 1, 3)
	slices.Reverse(shuffled)
	l.foreignFile("part-00001.parquet", 0, shuffled, sparkColumns())
	l.foreignFile("part-00002.parquet", 0, some(all, 2, 3), sparkColumns())

	done := l.optimize(OptimizeOptions{})
	require.Empty(t, done.Warnings)
	require.Equal(t, []int{3, 1}, []int{done.FilesRemoved, done.FilesAdded})
	l.requireRows(all)
	l.requireSorted()

	rows, prints, known, _ := l.load().Partition(dayValue(0))
	require.True(t, known, "now all rows are tagged")
	own := newMemLake(t)
	own.put(all)
	wantRows, wantPrints, _, _ := own.load().Partition(dayValue(0))
	require.Equal(t, []any{wantRows, wantPrints}, []any{rows, prints}, "the rows are as if Paylake had written them")
}

func TestOptimizeLeavesFilesAloneThatWouldLoseSomething(t *testing.T) {
	text := arrow.BinaryTypes.String
	odd := rowsOf(0, 2)
	odd[1].status = string(bytes.Repeat([]byte("x"), 100))
	for name, c := range map[string]struct {
		rows    []row
		columns []arrow.Field
		want    string
	}{
		"a column of another engine": {rowsOf(0, 2), append(sparkColumns(), nullable("note", text)), "the table has no column note"},
		"a member of another engine": {rowsOf(0, 2), append(slices.Clone(sparkColumns()[:5]), nullable("buyer", arrow.StructOf(nullable("name", text), nullable("age", text)))), "the table has no column buyer.age"},
		"another type":               {rowsOf(0, 2), append(slices.Clone(sparkColumns()[:5]), nullable("rate", text)), "column rate is utf8"},
		"nanoseconds":                {odd, sparkColumns(), "has nanoseconds"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newMemLake(t)
			l.pieces(some(rowsOf(0, 10), 0, 2), some(rowsOf(0, 10), 1, 2))
			l.foreignFile("part-00001.parquet", 0, c.rows, c.columns)
			before := l.load()
			done := l.optimize(OptimizeOptions{})
			require.Len(t, done.Warnings, 1)
			require.Contains(t, done.Warnings[0], "part-00001.parquet was left alone")
			require.Contains(t, done.Warnings[0], c.want)
			after := l.load()
			require.Equal(t, before.Rows(), after.Rows())
			require.NotNil(t, after.files["created_date=2026-01-01/part-00001.parquet"])
			require.Equal(t, 2, done.FilesRemoved, "the others are compacted")
		})
	}
}

func TestOptimizeDropsThePartitionColumnOfAFile(t *testing.T) {
	l := newMemLake(t)
	all := rowsOf(0, 10)
	l.pieces(some(all, 0, 2))
	l.foreignFile("part-00001.parquet", 0, some(all, 1, 2), append(sparkColumns(), nullable("created_date", arrow.BinaryTypes.String)))
	done := l.optimize(OptimizeOptions{})
	require.Empty(t, done.Warnings)
	require.Equal(t, 1, done.Commits, "its values are in the log")
	l.requireRows(all)
}
