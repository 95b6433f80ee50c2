package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/schema"
)

func place() schema.Place {
	return schema.Place{Name: "lake.sales", Location: `s3://bucket/joe's/sales`, PartitionColumn: "created_month", PartitionType: schema.String}
}

func TestSparkDDL(t *testing.T) {
	require.Equal(t, "CREATE TABLE IF NOT EXISTS `lake`.`sales`\n"+`USING DELTA
LOCATION 's3://bucket/joe\'s/sales';

-- The columns that Spark finds in the table:
--   id STRING  -- Number of the sale.
--   created_at TIMESTAMP  -- When it was made.
--   amount BIGINT  -- Cents.
--   rate DECIMAL(18,6)  -- Per cent.
--   paid BOOLEAN
--   due DATE
--   buyer STRUCT<name:STRING>  -- Who buys.
--   items ARRAY<STRUCT<kind:STRING>>
--   metadata MAP<STRING,STRING>
--   raw STRING
--   read_at TIMESTAMP
--   _extracted_at TIMESTAMP  -- Start of the read that brought the row (UTC).
--   _connection STRING  -- Name of the connection that brought the row.
--   _extra STRING  -- JSON text of what the source sent and the table does not know.
--   created_month STRING  -- The table is partitioned by it.
`, schema.SparkDDL(sale(), place()))
}

func TestAthenaDDL(t *testing.T) {
	ddl := schema.AthenaDDL(sale(), place())
	require.Contains(t, ddl, "CREATE EXTERNAL TABLE IF NOT EXISTS `lake`.`sales`\nLOCATION 's3://bucket/joe''s/sales'\nTBLPROPERTIES ('table_type' = 'DELTA');\n")
	require.Contains(t, ddl, "--   created_month STRING")
}

func TestDuckDBView(t *testing.T) {
	view := schema.DuckDBView(sale(), schema.Place{})
	require.Contains(t, view, "CREATE OR REPLACE VIEW \"sales\" AS\nSELECT * FROM delta_scan('<location of the table>');\n")
	require.Contains(t, view, "--   created_at TIMESTAMP WITH TIME ZONE")
	require.Contains(t, view, `--   items STRUCT("kind" VARCHAR)[]`)
	require.NotContains(t, view, "created_month")
}

// The columns are those of the source: JSON keys, nothing injected, nothing
// that must not be stored.
func TestDuckDBColumns(t *testing.T) {
	require.Equal(t, `{
  'id': 'VARCHAR',
  'created_at': 'TIMESTAMP',
  'amount': 'BIGINT',
  'rate': 'DECIMAL(18,6)',
  'paid': 'BOOLEAN',
  'due': 'DATE',
  'buyer': 'STRUCT("full name" VARCHAR)',
  'items': 'STRUCT("kind" VARCHAR)[]',
  'metadata': 'MAP(VARCHAR, VARCHAR)',
  'raw': 'VARCHAR'
}
`, schema.DuckDBColumns(sale()))
}
