package ledger

import (
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/store/mem"
)

// olderRuns is the table of runs as it was before removed records were counted.
func olderRuns() table {
	t := runsTable()
	removed := func(f schema.Field) bool { return f.Name == "records_removed" }
	t.data.Fields = slices.DeleteFunc(t.data.Fields, removed)
	streams := &t.data.Fields[slices.IndexFunc(t.data.Fields, func(f schema.Field) bool { return f.Name == "streams" })]
	streams.Elem.Fields = slices.DeleteFunc(streams.Elem.Fields, removed)
	return t
}

// A history that an older version wrote goes on, and its runs can be read.
func TestHistoryOfAnOlderVersionGoesOn(t *testing.T) {
	st := mem.New()
	o := options(t, st)
	old := batch(memory.DefaultAllocator, olderRuns(), []values{{"run_id": "old", "started": at("2026-10-01T00:00:00Z"), "status": "succeeded",
		"streams": []values{{"stream": "orders", "table": "raw/pagarme/orders", "table_version": int64(3)}}, schema.ColumnExtractedAt: at("2026-10-01T00:00:00Z")}})
	defer old.Release()
	require.NoError(t, o.append(t.Context(), olderRuns(), "old", old))

	run := night("new", at("2026-11-01T00:00:00Z"))
	run.Streams[0].Removed, run.Streams[1].Removed = 3, 4
	require.NoError(t, Record(t.Context(), o, run))
	list := rows(t, st, runsTable())
	require.Len(t, list, 2)
	slices.SortFunc(list, func(a, b map[string]any) int { return len(b) - len(a) })
	require.Equal(t, 7.0, list[0]["records_removed"])
	require.Equal(t, 3.0, list[0]["streams"].([]any)[0].(map[string]any)["records_removed"])
	require.NotContains(t, list[1], "records_removed")
	runs, err := Recent(t.Context(), st, 5)
	require.NoError(t, err)
	require.Equal(t, []string{"new", "old"}, []string{runs[0].ID, runs[1].ID})
	require.Equal(t, int64(3), runs[1].Streams[0].TableVersion)

	lake, err := o.open(runsTable())
	require.NoError(t, err)
	snapshot, err := lake.Load(t.Context())
	require.NoError(t, err)
	require.Contains(t, snapshot.Schema(), "records_removed")
}
