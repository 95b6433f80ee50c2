package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/sink/store/mem"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err) // a mistake in the test itself
	}
	return t
}

// night is a run of two streams, one of which lost a window.
func night(id string, started time.Time) *report.Run {
	since, until := started.AddDate(0, 0, -45), started.Add(-5*time.Minute)
	failure := report.Window{Since: at("2026-11-02T00:00:00Z"), Until: at("2026-11-03T00:00:00Z"), Error: "rows moved"}
	orders := &report.Stream{
		Connection: "loja", Source: "pagarme", Stream: "orders", Table: "raw/pagarme/orders", Sync: "incremental", Status: report.Succeeded,
		Since: &since, Until: &until, Windows: 2, Requests: 7, Records: 120, RowsAdded: 120, BytesAdded: 4096, FilesAdded: 1, Commits: 1,
		TableVersion: 4, Watermark: &until, Seconds: 1.5, StoreRequests: 3,
		Reads: []report.WindowRead{
			{Since: at("2026-10-31T00:00:00Z"), Until: at("2026-11-01T00:00:00Z"), Proof: "total", Total: 100, Rows: 99, Rejects: 1,
				ReadAt: at("2026-10-31T23:59:59.999999999Z"), Version: 4},
			{Since: at("2026-11-01T00:00:00Z"), Until: at("2026-11-02T00:00:00Z"), Proof: "cursor end", Total: -1, Rows: 21,
				ReadAt: at("2026-11-01T00:00:01Z"), Version: -1},
		},
	}
	recipients := &report.Stream{
		Connection: "filial", Source: "pagarme", Stream: "recipients", Table: "raw/filial/recipients", Sync: "full", Status: report.Incomplete,
		Failures: []report.Window{failure}, TableVersion: -1, Requests: 1,
		Reads: []report.WindowRead{{Proof: "single page", Total: 3, Rows: 3, ReadAt: at("2026-11-01T00:00:02Z"), Version: 0}},
	}
	return &report.Run{
		Version: report.Version, ID: id, Tool: "paylake/1.2.3", Command: "sync", Status: report.Incomplete, Started: started,
		Ended: started.Add(time.Minute), Streams: []*report.Stream{orders, recipients}, StoreRequests: map[string]int64{"get": 4, "put": 2},
	}
}

func options(t *testing.T, st store.Store) Options {
	return Options{Store: st, Engine: "paylake/1.2.3", WorkDir: t.TempDir(), Trigger: "schedule"}
}

// rows reads a table as its JSON objects, sorted.
func rows(t *testing.T, st store.Store, which table) []map[string]any {
	t.Helper()
	lake, err := Options{Store: st, Engine: "paylake/test"}.open(which)
	require.NoError(t, err)
	snapshot, err := lake.Load(t.Context())
	require.NoError(t, err)
	var out []map[string]any
	for f := range snapshot.Files() {
		require.NoError(t, lake.ReadFile(t.Context(), f, nil, func(b arrow.RecordBatch) error {
			text, err := b.MarshalJSON()
			require.NoError(t, err)
			var list []map[string]any
			require.NoError(t, json.Unmarshal(text, &list))
			out = append(out, list...)
			return nil
		}))
	}
	return out
}

func TestDeclarationsOfTheTables(t *testing.T) {
	for _, one := range []table{runsTable(), windowsTable()} {
		require.NoError(t, one.data.Validate())
		for _, l := range one.data.Leaves() {
			require.True(t, l.Field.Description != "" || l.Field.Name == "element", "%s has no description", l.Path)
		}
	}
	for _, f := range streamFields() {
		require.NotEmpty(t, f.Description, f.Name)
	}
}

func TestARunIsRecordedInBothTables(t *testing.T) {
	dir, err := local.New(t.TempDir())
	require.NoError(t, err)
	for name, st := range map[string]store.Store{"mem": mem.New(), "local": dir} {
		t.Run(name, func(t *testing.T) {
			o := options(t, st)
			require.NoError(t, Record(t.Context(), o, night("run-1", at("2026-11-01T00:00:00Z"))))
			left, err := os.ReadDir(o.WorkDir)
			require.NoError(t, err)
			require.Empty(t, left, "nothing stays in the work folder")

			runs := rows(t, st, runsTable())
			require.Len(t, runs, 1)
			require.Subset(t, runs[0], map[string]any{
				"run_id": "run-1", "status": "incomplete", "trigger": "schedule", "command": "sync", "tool": "paylake/1.2.3",
				"windows": 2.0, "failed_windows": 1.0, "requests": 8.0, "store_requests": 6.0, "rows": 120.0, "bytes": 4096.0, "commits": 1.0,
				"connections": []any{"loja", "filial"}, "_connection": nil,
				"error": "filial/recipients: window [2026-11-02T00:00:00Z, 2026-11-03T00:00:00Z) failed: rows moved",
			})
			require.Len(t, runs[0]["streams"], 2)
			require.Subset(t, runs[0]["streams"].([]any)[0], map[string]any{"stream": "orders", "table_version": 4.0, "milliseconds": 1500.0, "error": nil})

			windows := rows(t, st, windowsTable())
			require.Len(t, windows, 3)
			require.Subset(t, windows[0], map[string]any{"stream": "orders", "number": 0.0, "proof": "total", "reported_total": 100.0, "rows": 99.0,
				"rejects": 1.0, "table_version": 4.0, "_connection": "loja"})
			require.Subset(t, windows[1], map[string]any{"stream": "orders", "number": 1.0, "reported_total": nil, "table_version": nil})
			require.Subset(t, windows[2], map[string]any{"stream": "recipients", "since": nil, "until": nil, "table_version": 0.0})
		})
	}
}

func TestRunsThatEndInTheOtherOrderAreBothRecorded(t *testing.T) {
	st := mem.New()
	o := options(t, st)
	require.NoError(t, Record(t.Context(), o, night("later", at("2026-11-01T03:00:00Z"))))
	require.NoError(t, Record(t.Context(), o, night("earlier", at("2026-11-01T01:00:00Z"))))
	runs, err := Recent(t.Context(), st, 10)
	require.NoError(t, err)
	require.Len(t, runs, 2)
	require.Equal(t, "later", runs[0].ID, "the newest start comes first")
	require.Equal(t, "earlier", runs[1].ID)
}

func TestRunsAtTheSameTimeAreAllRecorded(t *testing.T) {
	st := mem.New()
	var group errgroup.Group
	for i := range 6 {
		o := options(t, st)
		group.Go(func() error {
			return Record(context.Background(), o, night(fmt.Sprint("run-", i), at("2026-11-01T00:00:00Z")))
		})
	}
	require.NoError(t, group.Wait())
	runs, err := Recent(t.Context(), st, 100)
	require.NoError(t, err)
	require.Len(t, runs, 6)
	require.Len(t, rows(t, st, windowsTable()), 18)
}

func TestRecentReadsBackWhatStatusNeeds(t *testing.T) {
	st := mem.New()
	none, err := Recent(t.Context(), st, 10)
	require.NoError(t, err)
	require.Empty(t, none, "a lake without history")

	run := night("run-1", at("2026-11-01T00:00:00Z"))
	run.Streams[1].Error = "status 401"
	require.NoError(t, Record(t.Context(), options(t, st), run))
	runs, err := Recent(t.Context(), st, 10)
	require.NoError(t, err)
	require.Equal(t, []Run{{
		ID: "run-1", Status: "incomplete", Command: "sync", Started: run.Started, Ended: run.Ended,
		Streams: []Stream{
			{Connection: "loja", Stream: "orders", Table: "raw/pagarme/orders", Sync: "incremental", Status: "succeeded",
				Since: *run.Streams[0].Since, Until: *run.Streams[0].Until, Watermark: *run.Streams[0].Watermark, TableVersion: 4},
			{Connection: "filial", Stream: "recipients", Table: "raw/filial/recipients", Sync: "full", Status: "incomplete",
				Error: "status 401", TableVersion: -1, FailedWindows: 1},
		},
	}}, runs)
}

func TestRecentIsBounded(t *testing.T) {
	st := mem.New()
	o := options(t, st)
	for i := range 12 {
		o.Now = func() time.Time { return at("2026-11-01T00:00:00Z").Add(time.Duration(i) * time.Hour) }
		require.NoError(t, Record(t.Context(), o, &report.Run{ID: fmt.Sprint(i), Started: o.Now(), Ended: o.Now(), Status: report.Succeeded}))
	}
	before := st.Calls(mem.Open)
	runs, err := Recent(t.Context(), st, 3)
	require.NoError(t, err)
	require.Equal(t, []string{"11", "10", "9"}, []string{runs[0].ID, runs[1].ID, runs[2].ID})
	require.LessOrEqual(t, st.Calls(mem.Open)-before, 3+1+2, "three files, the checkpoint and what follows it")
}

// A table grows by a file a run; readers and the next runs must not feel it.
func TestTablesStaySmall(t *testing.T) {
	st := mem.New()
	o := options(t, st)
	o.Maintain = true
	const nights = 20
	for i := range nights {
		o.Now = func() time.Time { return at("2026-11-01T00:00:00Z").Add(time.Duration(i) * 24 * time.Hour) }
		require.NoError(t, Record(t.Context(), o, night(fmt.Sprint("run-", i), o.Now())))
	}
	for _, one := range []table{runsTable(), windowsTable()} {
		snapshot, err := delta.ReadSnapshot(t.Context(), st, one.path)
		require.NoError(t, err)
		require.Less(t, snapshot.NumFiles(), nights/2, one.path)
	}
	require.Len(t, rows(t, st, runsTable()), nights)
	require.Len(t, rows(t, st, windowsTable()), 3*nights)
	runs, err := Recent(t.Context(), st, 5)
	require.NoError(t, err)
	require.Len(t, runs, 5)
	for i, r := range runs {
		require.Equal(t, fmt.Sprint("run-", nights-1-i), r.ID, "the newest, wherever they were compacted to")
	}
}

func TestRecordingCostsFewRequests(t *testing.T) {
	st := mem.New()
	o := options(t, st)
	const nights = 8
	for i := range nights {
		before := st.Calls("")
		require.NoError(t, Record(t.Context(), o, night(fmt.Sprint("run-", i), at("2026-11-01T00:00:00Z"))))
		require.LessOrEqual(t, st.Calls("")-before, 2*14)
	}
	require.Less(t, st.Calls(""), 2*9*nights)
}

func TestARunWithoutWindowsTouchesOneTable(t *testing.T) {
	st := mem.New()
	require.NoError(t, Record(t.Context(), options(t, st), &report.Run{ID: "x", Started: at("2026-11-01T00:00:00Z"), Ended: at("2026-11-01T00:00:01Z")}))
	for o, err := range st.List(t.Context(), "_paylake/", "") {
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(o.Key, Runs+"/"), o.Key)
	}
}

func TestTheOtherTableIsWrittenWhenOneFails(t *testing.T) {
	for broken, put := range map[string]int{Windows: 1, Runs: 2} {
		st := mem.New()
		st.Inject(mem.Fault{Op: mem.Put, N: put, Err: errors.New("access denied")})
		err := Record(t.Context(), options(t, st), night("run-1", at("2026-11-01T00:00:00Z")))
		require.ErrorContains(t, err, "access denied")
		require.ErrorContains(t, err, broken)
		for _, one := range []table{runsTable(), windowsTable()} {
			snapshot, err := delta.ReadSnapshot(t.Context(), st, one.path)
			require.NoError(t, err)
			require.Equal(t, one.path != broken, snapshot.Exists(), one.path)
		}
	}
}

func TestFoldersOfKilledRunsAreRemoved(t *testing.T) {
	o := options(t, mem.New())
	dead, alive := filepath.Join(o.WorkDir, workPrefix+"1"), filepath.Join(o.WorkDir, workPrefix+"2")
	require.NoError(t, os.Mkdir(dead, 0o700))
	require.NoError(t, os.Mkdir(alive, 0o700))
	past := time.Now().Add(-2 * deadAfter)
	require.NoError(t, os.Chtimes(dead, past, past))
	require.NoError(t, Record(t.Context(), o, night("run-1", at("2026-11-01T00:00:00Z"))))
	require.NoDirExists(t, dead)
	require.DirExists(t, alive)
}

func TestRowsGiveTheirMemoryBack(t *testing.T) {
	checked := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer checked.AssertSize(t, 0)
	run := night("run-1", at("2026-11-01T00:00:00Z"))
	slices.Reverse(run.Streams)
	windows := windowRows(checked, run)
	defer windows.Release()
	one := runRow(checked, run, "")
	defer one.Release()
	require.True(t, one.Schema().Equal(runsTable().data.ArrowSchema()))
	times := windows.Column(windows.Schema().FieldIndices("read_at")[0])
	require.Equal(t, []string{"2026-10-31T23:59:59.999999Z", "2026-11-01T00:00:01Z", "2026-11-01T00:00:02Z"},
		[]string{times.ValueStr(0), times.ValueStr(1), times.ValueStr(2)}, "in the order that the file promises")
	require.Zero(t, windows.Column(windows.Schema().FieldIndices(schema.ColumnConnection)[0]).NullN())
}

func TestLongErrorsAreCut(t *testing.T) {
	text := cut(strings.Repeat("é", longestError))
	require.LessOrEqual(t, len(text), longestError+3)
	require.True(t, strings.HasSuffix(text, "é..."))
	require.Equal(t, "short", cut("short"))
}
