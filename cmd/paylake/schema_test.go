package main

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSchema(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"orders"}, []string{"id: type=utf8", "_extracted_at", "created_at: type=timestamp[us, tz=UTC]"}},
		{[]string{"pagarme/payables", "--format", "spark"}, []string{"USING DELTA", "payables", "created_date"}},
		{[]string{"--format", "athena", "charges"}, []string{"CREATE EXTERNAL TABLE", "'table_type' = 'DELTA'"}},
		{[]string{"charges", "--format=duckdb"}, []string{"delta_scan(", "CREATE OR REPLACE VIEW"}},
		{[]string{"charges", "--format=duckdb-columns"}, []string{"'id': 'VARCHAR'"}},
	} {
		got := paylake(t, append([]string{"schema"}, c.args...)...)
		require.Equal(t, exitDone, got.code, got.stderr)
		for _, want := range c.want {
			require.Contains(t, got.stdout, want, "%v", c.args)
		}
		require.Empty(t, got.stderr)
	}
	var asJSON schemaText
	require.NoError(t, json.Unmarshal([]byte(paylake(t, "schema", "orders", "--json").stdout), &asJSON))
	require.Equal(t, "arrow", asJSON.Format)
	require.Contains(t, asJSON.Text, "_connection")
}

func TestSchemaOfAConfiguredTable(t *testing.T) {
	cfg := write(t, "paylake.yaml", `version: 1
destination: {url: ./lake, layer: raw, partition: {granularity: month}}
connections:
  - name: loja
    source: pagarme
    api_key: {env: X}
    start: 2024-01-01
    table_prefix: br_
    streams: [{name: charges, table: cobrancas, exclude: [customer.email]}]
`)
	got := paylake(t, "schema", "charges", "--format", "spark", "--config", cfg)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Contains(t, got.stdout, filepath.Join(filepath.Dir(cfg), "lake", "raw", "pagarme", "br_cobrancas"))
	require.Contains(t, got.stdout, "created_month")
	require.NotContains(t, got.stdout, "email: ")

	got = paylake(t, "schema", "orders", "--config", cfg)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.stderr, `the configuration has no stream "orders"`)
}
