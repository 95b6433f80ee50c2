package schema_test

import (
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/schema"
)

// Hidden names are dropped from JSON text at any depth; a column of the same name
// stays.
func TestHiddenNamesLeaveTheTextOfJSONColumns(t *testing.T) {
	table := &schema.Table{
		Name: "events", Key: []string{"id"}, Hidden: []string{"url"},
		Fields: []schema.Field{schema.ID("id", ""), schema.Text("url", ""), schema.Raw("data", "")},
	}
	dec, err := schema.NewDecoder(table, nil)
	require.NoError(t, err)
	dec.Reset(time.Time{}, time.Time{}, time.Now())
	_, err = dec.Page([]byte(`{"id":"e1","url":"kept","data":{"last":[{"URL":"gone","n":1}]},"more":{"url":"gone"}}`), schema.Layout{Single: true}, "")
	require.NoError(t, err)
	rows, err := dec.Build()
	require.NoError(t, err)
	defer rows.Release()
	text := func(name string) string {
		return rows.Column(rows.Schema().FieldIndices(name)[0]).(*array.String).Value(0)
	}
	require.Equal(t, "kept", text("url"))
	require.Equal(t, `{"last":[{"n":1}]}`, text("data"))
	require.NotContains(t, text(schema.ColumnExtra), "gone")
}
