package parquet_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/writer/parquet"
)

// columns returns how the leaves of a schema are written in these tests: with
// statistics outside lists, times as differences, and the strings called
// "kind" by a dictionary.
func columns(t *testing.T, s *arrow.Schema) []parquet.Column {
	t.Helper()
	props := arrowparquet.NewWriterProperties(arrowparquet.WithStoreDecimalAsInteger(true))
	derived, err := pqarrow.ToParquet(s, props, pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	var out []parquet.Column
	for i := range derived.NumColumns() {
		d := derived.Column(i)
		c := parquet.Column{Path: d.Path(), Stats: d.MaxRepetitionLevel() == 0}
		switch d.Name() {
		case "kind":
			c.Encoding = parquet.Dictionary
		case "at":
			c.Encoding = parquet.Delta
		}
		out = append(out, c)
	}
	return out
}

// ours writes each batch as a row group.
func ours(t *testing.T, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	s := batches[0].Schema()
	l, err := parquet.NewLayout(s, columns(t, s), []int{0}, "tests")
	require.NoError(t, err)
	w, err := parquet.NewWriter(l)
	require.NoError(t, err)
	return write(t, w, batches...)
}

func write(t *testing.T, w *parquet.Writer, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, w.Begin(&out))
	for i, b := range batches {
		require.Equal(t, i, w.Groups())
		require.NoError(t, w.Write(b))
		require.EqualValues(t, out.Len(), w.Size())
	}
	require.NoError(t, w.Finish())
	require.EqualValues(t, out.Len(), w.Size())
	return out.Bytes()
}

// theirs writes the same file with Apache Arrow's writer.
func theirs(t *testing.T, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	s := batches[0].Schema()
	props := []arrowparquet.WriterProperty{
		arrowparquet.WithCreatedBy("tests"), arrowparquet.WithCompression(compress.Codecs.Zstd), arrowparquet.WithStoreDecimalAsInteger(true),
		arrowparquet.WithDictionaryDefault(false), arrowparquet.WithDictionaryPageSizeLimit(1 << 40), arrowparquet.WithMaxRowGroupLength(1 << 40),
		arrowparquet.WithSortingColumns([]arrowparquet.SortingColumn{{ColumnIdx: 0}}),
	}
	for _, c := range columns(t, s) {
		props = append(props, arrowparquet.WithStatsFor(c.Path, c.Stats), arrowparquet.WithDictionaryFor(c.Path, c.Encoding == parquet.Dictionary))
		if c.Encoding == parquet.Delta {
			props = append(props, arrowparquet.WithEncodingFor(c.Path, arrowparquet.Encodings.DeltaBinaryPacked))
		}
	}
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(s, &out, arrowparquet.NewWriterProperties(props...), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	for _, b := range batches {
		require.NoError(t, w.Write(b))
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func open(t *testing.T, data []byte) *file.Reader {
	t.Helper()
	f, err := file.NewParquetReader(bytes.NewReader(data))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func read(t *testing.T, data []byte) arrow.Table {
	t.Helper()
	r, err := pqarrow.NewFileReader(open(t, data), pqarrow.ArrowReadProperties{BatchSize: 1 << 20}, memory.DefaultAllocator)
	require.NoError(t, err)
	out, err := r.ReadTable(context.Background())
	require.NoError(t, err)
	t.Cleanup(out.Release)
	return out
}

// requireSame writes batches with both writers, and tells whether readers see a
// difference. It returns our file.
func requireSame(t *testing.T, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	data, reference := ours(t, batches...), theirs(t, batches...)
	requireSameMeta(t, open(t, reference), open(t, data))
	want, got := read(t, reference), read(t, data)
	require.Equal(t, want.Schema().String(), got.Schema().String())
	require.True(t, array.TableEqual(want, got), "the rows of both files differ")
	rows := array.NewTableFromRecords(batches[0].Schema(), batches)
	defer rows.Release()
	for i := range int(rows.NumCols()) {
		require.True(t, array.ChunkedEqual(rows.Column(i).Data(), got.Column(i).Data()), "column %s has other values than were written", rows.Schema().Field(i).Name)
	}
	return data
}

func requireSameMeta(t *testing.T, want, got *file.Reader) {
	t.Helper()
	w, g := want.MetaData(), got.MetaData()
	plain := g.RowGroups[0].Columns[0].MetaData.Encodings[0] // of the first column, which has values and neither dictionary nor differences
	require.Equal(t, w.FileMetaData.Schema, g.FileMetaData.Schema, "elements of the schema")
	require.Equal(t, w.FileMetaData.ColumnOrders, g.FileMetaData.ColumnOrders)
	require.True(t, w.Schema.Equals(g.Schema))
	require.Equal(t, w.Version(), g.Version())
	require.Equal(t, w.GetCreatedBy(), g.GetCreatedBy())
	require.Equal(t, w.NumRows, g.NumRows)
	require.Empty(t, g.KeyValueMetadata())
	require.Len(t, g.RowGroups, len(w.RowGroups))
	for i, group := range g.RowGroups {
		require.Equal(t, w.RowGroups[i].NumRows, group.NumRows)
		require.Equal(t, w.RowGroups[i].SortingColumns, group.SortingColumns)
		require.EqualValues(t, i, group.GetOrdinal())
		sizes, raw, offset := int64(0), int64(0), group.GetFileOffset()
		for j, c := range group.Columns {
			m, wanted := c.MetaData, w.RowGroups[i].Columns[j].MetaData
			require.Equal(t, wanted.PathInSchema, m.PathInSchema)
			require.Equal(t, wanted.Type, m.Type)
			require.Equal(t, wanted.NumValues, m.NumValues, m.PathInSchema)
			start := m.DataPageOffset
			if m.DictionaryPageOffset != nil {
				start = *m.DictionaryPageOffset
			}
			require.Equal(t, offset+sizes, start)
			require.Zero(t, c.FileOffset)
			sizes, raw = sizes+m.TotalCompressedSize, raw+m.TotalUncompressedSize
			require.Equal(t, wanted.Statistics == nil, m.Statistics == nil, m.PathInSchema)
			if m.Statistics != nil {
				require.Equal(t, wanted.Statistics.MinValue, m.Statistics.MinValue, "least of %s", m.PathInSchema)
				require.Equal(t, wanted.Statistics.MaxValue, m.Statistics.MaxValue, "greatest of %s", m.PathInSchema)
				require.Equal(t, *wanted.Statistics.NullCount, *m.Statistics.NullCount, "nulls of %s", m.PathInSchema)
			}
			repeats := m.Encodings[0].String() == "RLE_DICTIONARY" && wanted.Encodings[0] == plain
			if repeats { // strings that repeat have a dictionary, asked for or not
				require.Equal(t, "BYTE_ARRAY", m.Type.String(), m.PathInSchema)
			} else if m.Encodings[0] != plain || wanted.Encodings[0] == plain { // a chunk without values is plain
				require.Equal(t, wanted.Encodings, m.Encodings, m.PathInSchema)
			}
		}
		require.Equal(t, sizes, group.GetTotalCompressedSize())
		require.Equal(t, raw, group.GetTotalByteSize())
	}
}
