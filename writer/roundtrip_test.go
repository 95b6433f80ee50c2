package writer_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer"
)

// read reads a Parquet file with Apache Arrow's own reader.
func read(t *testing.T, path string) arrow.RecordBatch {
	t.Helper()
	f, err := file.OpenParquetFile(path, false)
	require.NoError(t, err)
	defer f.Close()
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: 1 << 20}, memory.DefaultAllocator)
	require.NoError(t, err)
	table, err := r.ReadTable(context.Background())
	require.NoError(t, err)
	defer table.Release()
	cols := make([]arrow.Array, table.NumCols())
	for i := range cols {
		cols[i], err = array.Concatenate(table.Column(i).Data().Chunks(), memory.DefaultAllocator)
		require.NoError(t, err)
		defer cols[i].Release()
	}
	b := array.NewRecordBatch(table.Schema(), cols, table.NumRows())
	t.Cleanup(b.Release)
	return b
}

// open opens a Parquet file for a look at its metadata.
func open(t *testing.T, path string) *file.Reader {
	t.Helper()
	f, err := file.OpenParquetFile(path, false)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// requireRows compares two batches value by value.
func requireRows(t *testing.T, want, got arrow.RecordBatch) {
	t.Helper()
	require.Equal(t, want.NumRows(), got.NumRows())
	require.Equal(t, want.NumCols(), got.NumCols())
	for i := range int(want.NumCols()) {
		require.Equal(t, want.ColumnName(i), got.ColumnName(i))
		for row := range int(want.NumRows()) {
			w, g := want.Column(i).GetOneForMarshal(row), got.Column(i).GetOneForMarshal(row)
			require.Equal(t, w, g, "row %d of %s", row, want.ColumnName(i))
		}
	}
}

// writeAll writes parts into one directory and returns the files.
func writeAll(t *testing.T, table *schema.Table, opts *writer.Options, parts ...partitioning.Part) []writer.File {
	t.Helper()
	w, err := writer.New(table, partitioning.Spec{}, t.TempDir(), opts)
	require.NoError(t, err)
	for _, p := range parts {
		require.NoError(t, w.Write(t.Context(), p))
	}
	files, err := w.Finish(t.Context())
	require.NoError(t, err)
	return files
}

func TestRoundTripOfEveryTypeAndNesting(t *testing.T) {
	table := allTypes()
	for seed, fill := range []float64{0, 0.05, 0.5, 0.95, 1} {
		for _, elems := range []int{0, 1, 4} {
			t.Run(fmt.Sprintf("%v filled, %d elements", fill, elems), func(t *testing.T) {
				r := newRows(uint64(seed))
				r.fill = func(arrow.Field, int) float64 { return fill }
				r.elems = func() int { return r.IntN(elems + 1) }
				batch := r.batch(memory.DefaultAllocator, table, 1+r.IntN(400))
				defer batch.Release()
				files := writeAll(t, table, nil, partitioning.Part{Rows: batch})
				require.Len(t, files, 1)
				got := read(t, files[0].Path)
				requireRows(t, batch, got)
				require.Equal(t, schema.Fingerprint(batch), schema.Fingerprint(got))
			})
		}
	}
}

// Slices of a batch begin in the middle of its buffers, bitmaps and lists.
func TestRoundTripOfSlices(t *testing.T) {
	table := allTypes()
	batch := newRows(9).batch(memory.DefaultAllocator, table, 300)
	defer batch.Release()
	for _, at := range [][2]int64{{0, 300}, {0, 1}, {1, 9}, {7, 300}, {63, 65}, {299, 300}} {
		part := batch.NewSlice(at[0], at[1])
		files := writeAll(t, table, &writer.Options{RowGroupBytes: 1}, partitioning.Part{Rows: part})
		rows := int64(0)
		for _, f := range files {
			got := read(t, f.Path)
			want := part.NewSlice(rows, rows+got.NumRows())
			requireRows(t, want, got)
			want.Release()
			rows += got.NumRows()
		}
		require.Equal(t, part.NumRows(), rows)
		part.Release()
	}
}

// Long values make several pages in a chunk, of which some begin in a row.
func TestRoundTripOfManyPages(t *testing.T) {
	table := allTypes()
	r := newRows(5)
	r.long = 40_000
	batch := r.batch(memory.DefaultAllocator, table, 300)
	defer batch.Release()
	files := writeAll(t, table, &writer.Options{RowGroupBytes: 1 << 40}, partitioning.Part{Rows: batch})
	requireRows(t, batch, read(t, files[0].Path))
}

// What other readers rely on: names, types and encodings of the columns.
func TestFilesAreAsReadersWantThem(t *testing.T) {
	table := allTypes()
	batch := newRows(2).batch(memory.DefaultAllocator, table, 500)
	defer batch.Release()
	files := writeAll(t, table, &writer.Options{Version: "1.2.3"}, partitioning.Part{Rows: batch})
	f := open(t, files[0].Path)
	meta := f.MetaData()
	require.Equal(t, "paylake version 1.2.3", meta.GetCreatedBy())
	require.Empty(t, meta.KeyValueMetadata(), "no ARROW:schema")
	leaves := table.Leaves()
	require.Equal(t, len(leaves), meta.Schema.NumColumns())
	group := meta.RowGroup(0)
	sorting := group.SortingColumns()
	require.Len(t, sorting, 2)
	require.Equal(t, "created_at", leaves[sorting[0].ColumnIdx].Path)
	require.Equal(t, "id", leaves[sorting[1].ColumnIdx].Path)
	for i, l := range leaves {
		require.Equal(t, l.Path, meta.Schema.Column(i).Path())
		chunk, err := group.ColumnChunk(i)
		require.NoError(t, err)
		require.Equal(t, compress.Codecs.Zstd, chunk.Compression())
		data := slices.DeleteFunc(chunk.EncodingStats(), func(e metadata.PageEncodingStats) bool { return e.PageType == 2 }) // the dictionary
		require.Len(t, data, 1, "%s has one encoding for its data", l.Path)
		want := parquet.Encodings.Plain
		switch {
		case l.Field.Enum:
			want = parquet.Encodings.RLEDict
		case chunk.HasDictionaryPage():
			require.Equal(t, parquet.Types.ByteArray, chunk.Type(), "only strings have one when it pays: %s", l.Path)
			want = parquet.Encodings.RLEDict
		case l.Field.Type == schema.Timestamp:
			want = parquet.Encodings.DeltaBinaryPacked
		}
		require.Equal(t, want, data[0].Encoding, l.Path)
		stats, err := chunk.StatsSet()
		require.NoError(t, err)
		require.Equal(t, !l.Repeated && l.Field.Type != schema.JSON, stats, "statistics of %s", l.Path)
	}
	types := map[string]parquet.Type{"id": parquet.Types.ByteArray, "created_at": parquet.Types.Int64, "rate": parquet.Types.Int64, "due": parquet.Types.Int32}
	for name, want := range types {
		require.Equal(t, want, meta.Schema.Column(meta.Schema.ColumnIndexByName(name)).PhysicalType(), name)
	}
}
