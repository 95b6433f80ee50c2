package writer

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	pq "github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/paylake/paylake/schema"
)

// layout is what all files of a table have in common.
type layout struct {
	table  *schema.Table
	schema *arrow.Schema
	time   int // column of the table's time, -1 = none
	root   *pq.GroupNode
	props  *parquet.WriterProperties
}

const pageBytes = 1 << 20

func newLayout(t *schema.Table, version string) (*layout, error) {
	out := &layout{table: t, schema: t.ArrowSchema(), time: -1, props: properties(t, version)}
	for _, name := range sortColumns(t) {
		if len(out.schema.FieldIndices(name)) != 1 {
			return nil, fmt.Errorf("column %q is part of the key or the time and has no column", name)
		}
	}
	if t.Time != "" {
		out.time = out.schema.FieldIndices(t.Time)[0]
	}
	s, err := pqarrow.ToParquet(out.schema, out.props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, fmt.Errorf("derive the schema of its files: %w", err)
	}
	out.root = s.Root()
	return out, nil
}

// properties returns the settings that all readers understand and that came out
// small and cheap.
func properties(t *schema.Table, version string) *parquet.WriterProperties {
	props := []parquet.WriterProperty{
		parquet.WithCreatedBy("paylake version " + version),
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCompressionLevel(1),
		parquet.WithDataPageVersion(parquet.DataPageV1),
		parquet.WithDataPageSize(pageBytes),
		parquet.WithDictionaryDefault(false),
		parquet.WithDictionaryPageSizeLimit(1 << 30), // never fall back to plain: a chunk has one encoding
		parquet.WithStoreDecimalAsInteger(true),
		parquet.WithMaxRowGroupLength(1 << 40), // the writer decides
	}
	leaves := t.Leaves()
	for _, l := range leaves {
		if l.Field.Enum {
			props = append(props, parquet.WithDictionaryFor(l.Path, true))
		}
		if l.Field.Type == schema.Timestamp {
			props = append(props, parquet.WithEncodingFor(l.Path, parquet.Encodings.DeltaBinaryPacked))
		}
		if l.Repeated || l.Field.Type == schema.JSON { // no reader prunes by them
			props = append(props, parquet.WithStatsFor(l.Path, false))
		}
	}
	var sorting []parquet.SortingColumn
	for _, name := range sortColumns(t) {
		i := slices.IndexFunc(leaves, func(l schema.Leaf) bool { return l.Path == name })
		if i >= 0 {
			sorting = append(sorting, parquet.SortingColumn{ColumnIdx: int32(i)})
		}
	}
	return parquet.NewWriterProperties(append(props, parquet.WithSortingColumns(sorting))...)
}

// sortColumns returns the columns that rows are sorted by.
func sortColumns(t *schema.Table) []string {
	var out []string
	if t.Time != "" {
		out = append(out, t.Time)
	}
	for _, k := range t.Key {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}
