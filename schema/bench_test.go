package schema_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/schema"
)

// corpus is a number of answers of the simulated platform.
type corpus struct {
	table   *schema.Table
	since   time.Time
	bodies  [][]byte
	records int
	bytes   int
}

// answers reads about n records of a stream, newest first as the platform does.
func answers(tb testing.TB, stream string, n int) corpus {
	tb.Helper()
	c := corpus{since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	streams := pagarme.Source().Streams
	at := slices.IndexFunc(streams, func(e extract.Endpoint) bool { return e.Table.Name == stream })
	require.GreaterOrEqual(tb, at, 0)
	c.table = streams[at].Table
	server := simapi.New(simapi.Merchant(1, c.since, 90, 20000), simapi.Config{NoLimits: true, HorizonMonths: -1, Paging: simapi.Paging{PayablesByPage: true}})
	client := http.Client{Transport: simapi.Transport(server)}
	size := max(30, streams[at].MaxSize)
	for page := 1; c.records < n; page++ {
		url := fmt.Sprintf("http://api%s%s?page=%d&size=%d", simapi.BasePath, streams[at].Path, page, size)
		req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
		require.NoError(tb, err)
		req.SetBasicAuth("sk_bench", "")
		resp, err := client.Do(req)
		require.NoError(tb, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(tb, err)
		require.NoError(tb, resp.Body.Close())
		var envelope struct{ Data []json.RawMessage }
		require.NoError(tb, json.Unmarshal(body, &envelope), "%s", body)
		if len(envelope.Data) == 0 {
			break
		}
		c.records += len(envelope.Data)
		c.bytes += len(body)
		c.bodies = append(c.bodies, body)
	}
	require.NotZero(tb, c.records)
	return c
}

func (c corpus) report(b *testing.B) {
	b.ReportMetric(float64(c.records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(c.bytes)/float64(c.records), "bytes/record")
}

// decode reads the whole corpus as one window and returns its rows.
func (c corpus) decode(tb testing.TB, d *schema.Decoder) int {
	d.Reset(c.since.AddDate(-1, 0, 0), c.since.AddDate(1, 0, 0), c.since)
	for _, body := range c.bodies {
		if _, err := d.Page(body, schema.Layout{}, ""); err != nil {
			tb.Fatal(err)
		}
	}
	batch, err := d.Build()
	if err != nil || batch == nil {
		tb.Fatal("no batch", err)
	}
	defer batch.Release()
	return int(batch.NumRows())
}

func benchmarkDecode(b *testing.B, stream string, n int) {
	c := answers(b, stream, n)
	d, err := schema.NewDecoder(c.table, &schema.DecoderOptions{Connection: "shop"})
	require.NoError(b, err)
	require.Equal(b, c.records, c.decode(b, d))
	require.Empty(b, d.Rejects())
	require.Empty(b, d.Extra())
	b.SetBytes(int64(c.bytes))
	b.ReportAllocs()
	for b.Loop() {
		c.decode(b, d)
	}
	c.report(b)
}

func BenchmarkDecodeOrders(b *testing.B)   { benchmarkDecode(b, "orders", 1500) }
func BenchmarkDecodeCharges(b *testing.B)  { benchmarkDecode(b, "charges", 3000) }
func BenchmarkDecodePayables(b *testing.B) { benchmarkDecode(b, "payables", 10000) }

// benchmarkStructs is the baseline: encoding/json into Go structs of the same
// fields, from which others start to build rows.
func benchmarkStructs(b *testing.B, stream string, n int) {
	c := answers(b, stream, n)
	envelope := reflect.StructOf([]reflect.StructField{
		{Name: "Data", Type: reflect.SliceOf(structOf(c.table.Fields)), Tag: `json:"data"`}})
	b.SetBytes(int64(c.bytes))
	b.ReportAllocs()
	for b.Loop() {
		records := 0
		for _, body := range c.bodies {
			v := reflect.New(envelope)
			require.NoError(b, json.Unmarshal(body, v.Interface()))
			records += v.Elem().Field(0).Len()
		}
		require.Equal(b, c.records, records)
	}
	c.report(b)
}

func BenchmarkStructsOrders(b *testing.B)   { benchmarkStructs(b, "orders", 1500) }
func BenchmarkStructsCharges(b *testing.B)  { benchmarkStructs(b, "charges", 3000) }
func BenchmarkStructsPayables(b *testing.B) { benchmarkStructs(b, "payables", 10000) }

func structOf(fields []schema.Field) reflect.Type {
	out := make([]reflect.StructField, len(fields))
	for i, f := range fields {
		key := f.Key
		if key == "" {
			key = f.Name
		}
		out[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: goType(f), Tag: reflect.StructTag(`json:"` + key + `"`)}
	}
	return reflect.StructOf(out)
}

func goType(f schema.Field) reflect.Type {
	switch f.Type {
	case schema.Int64:
		return reflect.TypeFor[int64]()
	case schema.Bool:
		return reflect.TypeFor[bool]()
	case schema.Timestamp:
		return reflect.TypeFor[time.Time]()
	case schema.Struct:
		return reflect.PointerTo(structOf(f.Fields))
	case schema.List:
		return reflect.SliceOf(goType(*f.Elem))
	case schema.Map:
		return reflect.TypeFor[map[string]string]()
	case schema.JSON, schema.Decimal:
		return reflect.TypeFor[json.RawMessage]()
	}
	return reflect.TypeFor[string]()
}
