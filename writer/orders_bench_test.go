package writer_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer"
)

func realOrders(b testing.TB, n int) (*schema.Table, arrow.RecordBatch) {
	start := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	w := simapi.Merchant(1, start, 90, 100_000)
	srv := simapi.New(w, simapi.Config{NoLimits: true})
	c := http.Client{Transport: simapi.Transport(srv)}
	t := pagarme.Source().Streams[0].Table
	d, err := schema.NewDecoder(t, &schema.DecoderOptions{Connection: "x"})
	require.NoError(b, err)
	d.Reset(time.Time{}, time.Time{}, start)
	for page := 1; d.Rows() < n; page++ {
		req, _ := http.NewRequest("GET", fmt.Sprintf("http://api/core/v5/orders?page=%d&size=30", page), nil)
		req.SetBasicAuth("sk_bench", "")
		resp, err := c.Do(req)
		require.NoError(b, err)
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		_, err = d.Page(body, schema.Layout{DataKey: "data"}, "")
		require.NoError(b, err)
	}
	rows, err := d.Build()
	require.NoError(b, err)
	return t, rows
}

func BenchmarkWriteRealOrders(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			t, rows := realOrders(b, n)
			w, err := writer.New(t, partitioning.Spec{Column: "created_date", Source: "created_at"}, b.TempDir(), nil)
			require.NoError(b, err)
			ctx := context.Background()
			i, size := 0, int64(0)
			b.ReportAllocs()
			for b.Loop() {
				i++
				require.NoError(b, w.Write(ctx, partitioning.Part{Value: partitioning.Value(fmt.Sprint(i)), Rows: rows}))
				files, err := w.Finish(ctx)
				require.NoError(b, err)
				size = files[0].Bytes
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(rows.NumRows()), "µs/row")
			b.ReportMetric(float64(size)/float64(rows.NumRows()), "B/row")
		})
	}
}
