package writer

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer/parquet"
)

// layout is what all files of a table have in common.
type layout struct {
	table  *schema.Table
	schema *arrow.Schema
	time   int // column of the table's time, -1 = none
	state  int // column of a record's state, -1 = none
	gone   int // column of the time of a record's deletion, -1 = none
	files  *parquet.Layout
}

func newLayout(t *schema.Table, version string) (*layout, error) {
	out := &layout{table: t, schema: t.ArrowSchema(), time: -1, state: -1, gone: -1}
	for _, name := range t.SortColumns() {
		if len(out.schema.FieldIndices(name)) != 1 {
			return nil, fmt.Errorf("column %q is part of the key or the time and has no column", name)
		}
	}
	if t.Time != "" {
		out.time = out.schema.FieldIndices(t.Time)[0]
	}
	if at := out.schema.FieldIndices(t.State); t.State != "" && len(at) == 1 {
		out.state = at[0]
	}
	if at := out.schema.FieldIndices(schema.ColumnDeletedAt); len(at) == 1 {
		out.gone = at[0]
	}
	leaves := t.Leaves()
	var sorting []int
	for _, name := range t.SortColumns() {
		if i := slices.IndexFunc(leaves, func(l schema.Leaf) bool { return l.Path == name }); i >= 0 {
			sorting = append(sorting, i)
		}
	}
	files, err := parquet.NewLayout(out.schema, columns(leaves), sorting, "paylake version "+version)
	if err != nil {
		return nil, fmt.Errorf("derive the layout of its files: %w", err)
	}
	out.files = files
	return out, nil
}

// columns returns the settings that all readers understand and that came out
// small and cheap.
func columns(leaves []schema.Leaf) []parquet.Column {
	out := make([]parquet.Column, len(leaves))
	for i, l := range leaves {
		out[i] = parquet.Column{Path: l.Path, Stats: !l.Repeated && l.Field.Type != schema.JSON} // by others no reader prunes
		switch {
		case l.Field.Enum:
			out[i].Encoding = parquet.Dictionary
		case l.Field.Type == schema.Timestamp:
			out[i].Encoding = parquet.Delta
		}
	}
	return out
}
