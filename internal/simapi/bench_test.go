package simapi

import (
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkGenerate measures the generation of records, without HTTP.
func BenchmarkGenerate(b *testing.B) {
	w := Merchant(1, time.Date(2026, 8, 23, 0, 0, 0, 0, time.UTC), 90, 1_000_000)
	for _, stream := range []string{Orders, Charges, Payables, BalanceOperations} {
		b.Run(stream, func(b *testing.B) {
			v := w.view(&Shape{}, w.now())
			x := w.dayIndex(stream, 60)
			bytes := 0
			b.ReportAllocs()
			for i := range b.N {
				v.enc.b = v.enc.b[:0]
				v.write(stream, x.at(i%x.len()))
				bytes += len(v.enc.b)
			}
			b.ReportMetric(float64(bytes)/float64(b.N), "B/record")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkMerchant measures the construction of a large world.
func BenchmarkMerchant(b *testing.B) {
	for range b.N {
		Merchant(1, time.Date(2026, 8, 23, 0, 0, 0, 0, time.UTC), 90, 10_000_000)
	}
}

// BenchmarkServe measures whole pages of orders over a loopback socket,
// client included.
func BenchmarkServe(b *testing.B) {
	w := Merchant(1, time.Date(2026, 8, 23, 0, 0, 0, 0, time.UTC), 90, 1_000_000)
	base, stop, err := Listen(b.Context(), New(w, Config{NoLimits: true}))
	require.NoError(b, err)
	defer stop()
	for i := range b.N {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, base+"/orders?size=30&page="+strconv.Itoa(1+i%4000), nil)
		require.NoError(b, err)
		r.SetBasicAuth("sk_x", "")
		res, err := http.DefaultClient.Do(r)
		require.NoError(b, err)
		n, err := io.Copy(io.Discard, res.Body)
		require.NoError(b, err)
		require.Greater(b, n, int64(30_000))
		res.Body.Close()
	}
	b.ReportMetric(float64(b.N)*30/b.Elapsed().Seconds(), "records/s")
}
