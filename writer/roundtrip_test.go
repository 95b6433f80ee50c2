package writer_test

import (
	"context"
	"os"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer"
)

// read reads a Parquet file with the reader of Apache Arrow.
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
	return array.NewRecordBatch(table.Schema(), cols, table.NumRows())
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

func TestRoundTripOfEveryTypeAndNesting(t *testing.T) {
	table := allTypes()
	for seed := range uint64(8) {
		r := newRows(seed)
		r.fill = func(arrow.Field, int) float64 { return []float64{0, 0.05, 0.5, 0.95, 1}[seed%5] }
		batch := r.batch(memory.DefaultAllocator, table, 1+r.IntN(3000))
		dir := t.TempDir()
		w, err := writer.New(table, partitioning.Spec{}, dir, nil)
		require.NoError(t, err)
		require.NoError(t, w.Write(context.Background(), partitioning.Part{Rows: batch}))
		files, err := w.Finish(context.Background())
		require.NoError(t, err)
		require.Len(t, files, 1)
		info, err := os.Stat(files[0].Path)
		require.NoError(t, err)
		require.Equal(t, info.Size(), files[0].Bytes)
		got := read(t, files[0].Path)
		requireRows(t, batch, got)
		require.Equal(t, schema.Fingerprint(batch), schema.Fingerprint(got))
		got.Release()
		batch.Release()
	}
}
