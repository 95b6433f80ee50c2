package writer_test

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer"
)

// stated is a file of rows with these states, nil for null; every n-th row is
// marked as deleted, 0 for none.
func stated(t *testing.T, table *schema.Table, deleted int, states ...*string) writer.File {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := array.NewRecordBuilder(mem, table.ArrowSchema())
	defer b.Release()
	for i, state := range states {
		for at, f := range table.ArrowSchema().Fields() {
			switch {
			case f.Name == "id":
				b.Field(at).(*array.StringBuilder).Append(fmt.Sprint(i))
			case f.Name == "status" && state != nil:
				b.Field(at).(*array.StringBuilder).Append(*state)
			case f.Name == schema.ColumnDeletedAt && deleted > 0 && i%deleted == 0:
				b.Field(at).(*array.TimestampBuilder).Append(arrow.Timestamp(1))
			default:
				b.Field(at).AppendNull()
			}
		}
	}
	rows := b.NewRecordBatch()
	defer rows.Release()
	w, err := writer.New(table, partitioning.Spec{}, t.TempDir(), nil)
	require.NoError(t, err)
	require.NoError(t, w.Write(t.Context(), partitioning.Part{Rows: rows}))
	files, err := w.Finish(t.Context())
	require.NoError(t, err)
	require.Len(t, files, 1)
	return files[0]
}

func TestFilesCountTheirStates(t *testing.T) {
	table := &schema.Table{Name: "t", Key: []string{"id"}, State: "status",
		Fields: []schema.Field{schema.ID("id", ""), schema.Enumeration("status", "")}}
	paid, pending, empty := "paid", "pending", ""
	f := stated(t, table, 0, &paid, nil, &pending, &paid, &empty)
	require.Equal(t, map[string]int64{"paid": 2, "pending": 1, "": 2}, f.States, "null counts as the empty text")

	var many []*string
	for i := range 65 {
		text := fmt.Sprint(i)
		many = append(many, &text)
	}
	require.Len(t, stated(t, table, 0, many[:64]...).States, 64)
	require.Nil(t, stated(t, table, 0, many...).States, "so many are no states")

	table.State = ""
	require.Nil(t, stated(t, table, 0, &paid).States)
}

func TestFilesCountDeletedRows(t *testing.T) {
	table := (&schema.Table{Name: "t", Key: []string{"id"}, Fields: []schema.Field{schema.ID("id", ""), schema.Enumeration("status", "")}}).KeepingDeleted()
	require.Zero(t, stated(t, table, 0, nil, nil).Deleted)
	require.Equal(t, int64(3), stated(t, table, 2, nil, nil, nil, nil, nil).Deleted)
}
