package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
)

// TestWriteRecords writes orders as JSON lines, newest first, as the API serves
// them. internal/interop/bench_duckdb.py asks for as many as
// PAYLAKE_BENCH_ORDERS says, in the file that PAYLAKE_BENCH_RECORDS names;
// without these a few are written and looked at.
func TestWriteRecords(t *testing.T) {
	path, orders := os.Getenv("PAYLAKE_BENCH_RECORDS"), 1000
	if path == "" {
		path = filepath.Join(t.TempDir(), "orders.jsonl")
	}
	if n := os.Getenv("PAYLAKE_BENCH_ORDERS"); n != "" {
		var err error
		orders, err = strconv.Atoi(n)
		require.NoError(t, err)
	}
	f, err := os.Create(path)
	require.NoError(t, err)
	out := bufio.NewWriterSize(f, 1<<20)
	client := &http.Client{Transport: simapi.Transport(simapi.New(world(simapi.Orders, orders+orders/10+100), simapi.Config{NoLimits: true}))}
	seen := map[string]bool{}
	for page := 1; len(seen) < orders; page++ {
		records := ordersPage(t, client, page)
		require.NotEmpty(t, records, "the account has fewer orders than asked for")
		for _, r := range records[:min(len(records), orders-len(seen))] {
			var order struct{ ID string }
			require.NoError(t, json.Unmarshal(r, &order))
			seen[order.ID] = true
			require.NotContains(t, string(r), "\n")
			_, err := out.Write(append(r, '\n'))
			require.NoError(t, err)
		}
	}
	require.NoError(t, out.Flush())
	require.NoError(t, f.Close())
	require.Len(t, seen, orders)
}

func ordersPage(t *testing.T, client *http.Client, page int) []json.RawMessage {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://api%s/orders?page=%d&size=30", simapi.BasePath, page), nil)
	require.NoError(t, err)
	req.SetBasicAuth("sk_test_bench", "")
	resp, err := client.Do(req)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	var envelope struct{ Data []json.RawMessage }
	require.NoError(t, json.Unmarshal(body, &envelope), "%s", body)
	return envelope.Data
}
