package pipeline_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"
)

// readParquet reads a file with the Parquet library alone.
func readParquet(t *testing.T, data []byte) []arrow.RecordBatch {
	t.Helper()
	pf, err := file.NewParquetReader(bytes.NewReader(data))
	require.NoError(t, err)
	reader, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: 8192}, memory.DefaultAllocator)
	require.NoError(t, err)
	records, err := reader.GetRecordReader(context.Background(), nil, nil)
	require.NoError(t, err)
	defer records.Release()
	var batches []arrow.RecordBatch
	for {
		b, err := records.Read()
		if err == io.EOF {
			return batches
		}
		require.NoError(t, err)
		b.Retain()
		batches = append(batches, b)
	}
}
