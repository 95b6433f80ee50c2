package schema

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
)

// Decoded records are those that the source has: their mark is null.
func TestTableThatKeepsDeletedRecords(t *testing.T) {
	plain := &Table{Name: "t", Key: []string{"id"}, Fields: []Field{ID("id", ""), Text("v", "")}}
	table := plain.KeepingDeleted()
	require.False(t, plain.KeepsDeleted, "a copy")
	require.Same(t, table, table.KeepingDeleted())
	require.NoError(t, table.Validate())
	d, mem := newChecked(t, table)
	defer mem.AssertSize(t, 0)
	_, err := d.Page([]byte(`[{"id":"b","v":"x"},{"id":"a"}]`), Layout{}, "req")
	require.NoError(t, err)
	batch, err := d.Build()
	require.NoError(t, err)
	defer batch.Release()
	require.True(t, batch.Schema().Equal(table.ArrowSchema()))
	at := batch.Schema().FieldIndices(ColumnDeletedAt)
	require.Len(t, at, 1)
	require.Equal(t, 2, batch.Column(at[0]).NullN())
}

// Whether a record is kept as deleted is nothing that the source says of it.
func TestFingerprintIgnoresTheMarkOfDeletedRecords(t *testing.T) {
	table := (&Table{Name: "t", Key: []string{"id"}, Fields: []Field{ID("id", "")}}).KeepingDeleted()
	rows := func(deleted bool) arrow.RecordBatch {
		b := array.NewRecordBuilder(memory.DefaultAllocator, table.ArrowSchema())
		defer b.Release()
		for i, f := range table.ArrowSchema().Fields() {
			switch {
			case f.Name == "id":
				b.Field(i).(*array.StringBuilder).Append("a")
			case f.Name == ColumnDeletedAt && deleted:
				b.Field(i).(*array.TimestampBuilder).Append(7)
			default:
				b.Field(i).AppendNull()
			}
		}
		return b.NewRecordBatch()
	}
	require.Equal(t, Fingerprint(rows(false)), Fingerprint(rows(true)))
}

func TestStateIsATextOfTheTable(t *testing.T) {
	table := &Table{Name: "t", Key: []string{"id"}, State: "v", Fields: []Field{ID("id", ""), Text("v", "")}}
	require.NoError(t, table.Validate())
	less, err := table.Exclude("v")
	require.NoError(t, err)
	require.Empty(t, less.State)
	table.Fields[1] = Integer("v", "")
	require.ErrorContains(t, table.Validate(), "state v")
}
